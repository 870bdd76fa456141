"""Codecs without I/O: bytes of one protocol in, its meaning out."""
