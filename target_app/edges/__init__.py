"""The transports of MangaAssist, one a file; each is an ASGI application."""
