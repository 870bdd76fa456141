"""Whom a TLS connection trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

from loadtester.errors import FmloadError


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A verifying client context that trusts the system's certificates, and those of `ca_file` (PEM) besides."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise FmloadError(
                f"{ca_file} can't be used as a list of trusted certificates: {error.strerror or 'it is not PEM'}",
                remedy="name a readable file of PEM certificates",
            ) from error
    return context
