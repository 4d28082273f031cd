"""What pages are drawn from: it knows no change and no person."""
