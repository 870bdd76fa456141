"""Where a WebSocket lives: the URL as a person gives it, made into what a connection needs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from loadtester.errors import FmloadError
from loadtester.scenario.redact import url_shown

_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_PORTS: Final = {"ws": 80, "wss": 443}
_DEFAULT_PATH: Final = "/ws"
#: What may stand in a path or a query as it is (RFC 3986); a percent sign is taken to be part of an escape.
_SAFE: Final = "/?:@!$&'()*+,;=-._~%"


@dataclass(frozen=True, slots=True)
class Address:
    """A WebSocket's URL without user and password, and its parts; `headers` and `url` may hold secrets."""

    url: str
    host: str
    port: int
    is_secure: bool
    headers: Mapping[str, str]

    @property
    def shown(self) -> str:
        """The URL as a message may show it."""
        return url_shown(self.url)


def parse_address(url: str, headers: Mapping[str, str]) -> Address:
    """The address behind `url`: http(s) becomes ws(s), a URL without a path gets /ws, user and password a header.

    Raises FmloadError where that is no URL of a WebSocket.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = _SCHEMES[parts.scheme.lower()], parts.hostname or "", parts.port
    except (KeyError, ValueError):
        scheme, host, port = "", "", None
    if not host:
        # It is not shown: what can't be parsed can't be cleared of secrets either.
        raise FmloadError(
            "the target's URL is not that of a WebSocket", remedy="write it like wss://chat.example.com/ws"
        )
    name = f"[{host}]" if ":" in host else host
    netloc = name if port is None else f"{name}:{port}"
    path = _DEFAULT_PATH if parts.path in ("", "/") else quote(parts.path, safe=_SAFE)
    return Address(
        url=urlunsplit((scheme, netloc, path, quote(parts.query, safe=_SAFE), "")),
        host=host,
        port=_PORTS[scheme] if port is None else port,
        is_secure=scheme == "wss",
        headers=_with_user(parts, headers),
    )


def _with_user(parts: SplitResult, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, with the URL's user and password as Basic credentials where they name none of their own."""
    if parts.username is None or any(name.lower() == "authorization" for name in headers):
        return dict(headers)
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {**headers, "Authorization": f"Basic {b64encode(user.encode()).decode()}"}
