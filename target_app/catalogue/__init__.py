"""The goods of the manga store: titles that exist, and everything else about them invented."""

from target_app.catalogue.catalogue import catalogue

__all__ = ["catalogue"]
