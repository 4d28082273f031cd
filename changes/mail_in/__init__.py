"""Mail that arrives: read, sorted, and turned into what it asks for."""
