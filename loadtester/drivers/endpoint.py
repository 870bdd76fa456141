"""Where an HTTP target lives: the URL as a person gives it, made into what requests need."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from loadtester.errors import FmloadError

_PORTS: Final = {"http": 80, "https": 443}
#: What may stand in a path or a query as it is (RFC 3986); a percent sign is taken to be part of an escape.
_SAFE: Final = "/?:@!$&'()*+,;=-._~%"
_COMPLETIONS: Final = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A target: where to connect, what to POST to, and what to GET to see whether it is there.

    `path` and `check_path` include the URL's query and may hold secrets, as `headers` may.
    """

    host: str
    port: int
    is_secure: bool
    path: str
    check_path: str
    headers: Mapping[str, str]

    @property
    def authority(self) -> str:
        """Host and port as the Host field has them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def scheme(self) -> str:
        """Either http or https."""
        return "https" if self.is_secure else "http"

    @property
    def shown(self) -> str:
        """The origin, which is all of it that a message needs, and holds no secret."""
        return f"{self.scheme}://{self.authority}"

    @property
    def check_url(self) -> str:
        """The URL to GET."""
        return f"{self.shown}{self.check_path}"


def chat_endpoint(url: str, headers: Mapping[str, str], path: str) -> Endpoint:
    """A service as in docs/target-api.md: `url` is its base, or has a path of its own that is used instead of `path`.

    Its health is asked for beside `path`, where `url` ends with that, else at the root. Raises FmloadError.
    """
    return _endpoint(
        url, headers, lambda own: (own or path, f"{own.removesuffix(path) if own.endswith(path) else ''}/health")
    )


def completions_endpoint(url: str, headers: Mapping[str, str]) -> Endpoint:
    """A service that speaks OpenAI's API: `url` is its base (…/v1, which is added to none), or that of the chat itself.

    Raises FmloadError.
    """

    def paths(own: str) -> tuple[str, str]:
        base = own.removesuffix(_COMPLETIONS) if own else "/v1"
        return f"{base}{_COMPLETIONS}", f"{base}/models"

    return _endpoint(url, headers, paths)


def _endpoint(url: str, headers: Mapping[str, str], paths: Callable[[str], tuple[str, str]]) -> Endpoint:
    """`paths` gives the two paths for that of the URL, which is "" where it has none, and ends with no slash."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
        # An IPv6 address is no name; any other host has to be one that DNS could know.
        host = host if ":" in host else host.encode("idna").decode()
        port = _PORTS[scheme] if port is None else port
    except (KeyError, ValueError):
        scheme, host, port = "", "", 0
    if not host or not port:
        # It is not shown: what can't be parsed can't be cleared of secrets either.
        raise FmloadError(
            "the target's URL is not that of an HTTP service", remedy="write it like https://chat.example.com"
        )
    query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    path, check_path = paths(quote(parts.path.rstrip("/"), safe=_SAFE))
    return Endpoint(
        host=host,
        port=port,
        is_secure=scheme == "https",
        path=f"{path}{query}",
        check_path=f"{check_path}{query}",
        headers=_with_user(parts, headers),
    )


def _with_user(parts: SplitResult, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, with the URL's user and password as Basic credentials where they name none of their own."""
    if parts.username is None or any(name.lower() == "authorization" for name in headers):
        return dict(headers)
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {**headers, "Authorization": f"Basic {b64encode(user.encode()).decode()}"}
