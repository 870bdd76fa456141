"""The address of a target, as given on the command line: a URL, `openai+URL` or `bedrock:REGION`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from loadtester.scenario.redact import quoted, url_shown
from loadtester.scenario.scenario import Protocol
from loadtester.scenario.suggestion import meant
from loadtester.scenario.units import UnfitError

#: The protocols that each scheme can carry; the first is taken where none is asked for.
PROTOCOLS: Final[dict[str, tuple[Protocol, ...]]] = {
    "ws": ("ws",),
    "wss": ("ws",),
    "http": ("rest", "sse", "ws", "openai"),
    "https": ("rest", "sse", "ws", "openai"),
    "openai+http": ("openai",),
    "openai+https": ("openai",),
    "bedrock": ("bedrock",),
}
#: As JSON Schema shows an address.
ADDRESS: Final = r"^(?:(?:wss?|(?:openai\+)?https?)://[^\s/@]+(?:/[^\s]*)?|bedrock:[a-z0-9-]+)$"
#: A port, or host:port, to listen at.
LISTEN: Final = r"^(?:[A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\]):?[0-9]{1,5}$"
REGION: Final = r"^[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}$"

_MOST_PORT: Final = 65_535
_REGION: Final = re.compile(REGION)
_EXAMPLES: Final = "https://host/path, wss://host/path, openai+https://host/v1 or bedrock:us-east-1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the traffic goes: `url` as drivers take it (without `openai+`), and what its scheme says."""

    url: str
    protocols: tuple[Protocol, ...]
    region: str | None = None


def address(text: str) -> Address:
    """Read a TARGET. Raises UnfitError; neither a password nor a parameter is quoted."""
    stripped = text.strip()
    scheme, colon, rest = stripped.partition(":")
    scheme = scheme.lower()
    if colon and scheme == "bedrock":
        return Address(f"bedrock:{region(rest)}", PROTOCOLS["bedrock"], region(rest))
    if "://" not in stripped:
        is_host = re.match(r"^[\w.-]+(?::[0-9]+)?(?:/\S*)?$", stripped)
        shown = "it" if "@" in stripped else quoted(stripped)
        raise UnfitError(f"{shown} has no scheme", f"write {f'http://{stripped}' if is_host else _EXAMPLES}")
    if scheme not in PROTOCOLS:
        likely = meant(scheme, PROTOCOLS)
        fix = f"did you mean {likely}? ({_EXAMPLES})" if likely else f"write {_EXAMPLES}"
        raise UnfitError(f"{quoted(scheme)} is not a scheme that fmload knows", fix)
    return Address(_checked(stripped.partition("+")[2] if "+" in scheme else stripped), PROTOCOLS[scheme])


def web_url(text: str) -> str:
    """Read a plain http or https URL, such as another Bedrock endpoint. Raises UnfitError."""
    stripped = text.strip()
    if stripped.partition("://")[0].lower() not in ("http", "https"):
        raise UnfitError(
            f"{quoted(_bare(stripped))} is not an http or https URL", "write https://host or http://host:port"
        )
    return _checked(stripped, "leave it out: credentials are taken from the environment")


def listen(text: str) -> str:
    """Read where to listen, as host:port; a port alone is on loopback, port 0 any free one. Raises UnfitError."""
    stripped = text.strip()
    host, _, port = stripped.rpartition(":")
    shown = "it" if "@" in stripped else quoted(stripped)
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _MOST_PORT:
        raise UnfitError(f"{shown} has no port of 0 to 65535", "write :9464, or host:9464")
    if host and not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]", host):
        raise UnfitError(f"{shown} has no host before its port", "write 127.0.0.1:9464, or [::1]:9464")
    return f"{host or '127.0.0.1'}:{int(port)}"


def region(text: str) -> str:
    """Read the name of an AWS region. Raises UnfitError."""
    stripped = text.strip().lower()
    if not _REGION.fullmatch(stripped):
        raise UnfitError(f"{quoted(text)} is not an AWS region", "write one such as us-east-1 or ap-northeast-1")
    return stripped


def _checked(url: str, instead: str = "leave it out and give a header, by --header or FMLOAD_HEADER") -> str:
    """The URL, if it has a host, a port in range, and no password. Raises UnfitError."""
    if re.search(r"[\s\x00-\x20\x7f]", url):
        raise UnfitError("holds a space or a control character", "encode it, such as %20")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnfitError("has a wrong host or port", "write host:port, with a port of 1 to 65535") from None
    if "@" in parts.netloc:
        raise UnfitError(
            f"{quoted(_bare(url))} holds a user or password, which would show in process lists",
            instead,
        )
    if not parts.hostname or port == 0:
        raise UnfitError(
            f"{quoted(_bare(url))} has no host or a wrong port", "write host:port, with a port of 1 to 65535"
        )
    return _lowered(parts, url)


def _lowered(parts: SplitResult, url: str) -> str:
    return f"{parts.scheme}{url[len(parts.scheme) :]}"


def _bare(url: str) -> str:
    try:
        return url_shown(url)
    except ValueError:
        return url.partition("://")[0] + "://…"
