"""fmload: a load tester for applications built on foundation models."""

__version__ = "0.1.0"
