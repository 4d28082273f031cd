"""The board's pages: thin, between request and ``crb.lifecycle``."""
