"""Where Bedrock is: in its region, or at a URL; and whether that URL is this machine's own."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Bedrock's region, and its URL where that isn't the region's own."""

    region: str = "ap-northeast-1"
    url: str | None = None

    @property
    def is_emulator(self) -> bool:
        """Whether the URL is on loopback: real credentials are never sent there, as no AWS service listens there."""
        host = urlsplit(self.url or "").hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def parse_url(text: str) -> str:
    """A Bedrock URL as a person gives it. Raises ValueError where it isn't one, without showing what may be secret."""
    parts = urlsplit(text)
    try:
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # what is behind the colon is no number
        is_url = False
    if not is_url or parts.username is not None:
        raise ValueError("a URL like http://127.0.0.1:8080 is wanted, without user and password")
    return text
