"""Connections that live as long as the process: how many, what they do, and whether there should be more."""
