"""The board over time: its figures as they are counted, and as cards and charts show them."""
