"""How dates and times are written where a page gives no format of its own."""
