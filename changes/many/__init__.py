"""One act on many changes: which acts there are, and how a run of one goes."""
