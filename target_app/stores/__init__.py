"""Where MangaAssist keeps what outlives a request: one Protocol a kind of store."""
