"""PostgreSQL as Django speaks to it, but that plain INSERTs and UPDATEs are written once."""
