"""What the product costs, measured on a database of its own: above every app, used by none."""
