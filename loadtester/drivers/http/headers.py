"""Header fields: of an answer, as the parser collects them; of a request, as its head holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from loadtester import __version__
from loadtester.errors import Exit, FmloadError

#: An answer's fields, names as they came; where a name comes twice, the last value is kept.
Headers = dict[bytes, bytes]

#: How the head of a POST ends, before the number.
LENGTH: Final = b"content-length: "
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
#: They describe the message, so they follow from it.
_OURS: Final = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})


def find(headers: Headers, name: bytes) -> bytes | None:
    """The value of the field `name` (in small letters), however the server spelt it."""
    value = headers.get(name)
    if value is None:
        size = len(name)
        for key in headers:
            if len(key) == size and key.lower() == name:
                return headers[key]
    return value


def post_head(authority: str, path: str, headers: Mapping[str, str], *, accept: str) -> bytes:
    """Everything of a POST up to and including `content-length: `, ready to be sent any number of times.

    The user's `headers` replace ours of the same name. Raises FmloadError where they can't be sent.
    """
    return f"POST {path} HTTP/1.1\r\n{fields(authority, headers, accept=accept)}content-length: ".encode("latin-1")


def with_trace(head: bytes, traceparent: str) -> bytes:
    """What `post_head` gives, with W3C Trace Context before its last field; the user's own stays."""
    if b"\r\ntraceparent: " in head:
        return head
    start = head.removesuffix(LENGTH)
    return b"%btraceparent: %b\r\n%b" % (start, traceparent.encode("ascii"), LENGTH)


def fields(authority: str, headers: Mapping[str, str], *, accept: str) -> str:
    """The fields of every request to a service, but for its length. Raises FmloadError where they can't be sent."""
    values = {
        "host": authority,
        "user-agent": f"fmload/{__version__}",
        "accept": accept,
        "accept-encoding": "identity",
        "content-type": "application/json",
    }
    values.update((name.lower(), value.strip(" \t")) for name, value in sendable(headers).items())
    return "".join(f"{name}: {value}\r\n" for name, value in values.items())


def sendable(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, if all of them can be sent. Raises FmloadError; no value is shown."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise FmloadError(
                "a header's name holds characters that HTTP does not allow", remedy="write it 'Name: value'"
            )
        if name.lower() in _OURS:
            raise FmloadError(f"the header {name} can't be chosen: it follows from the message", remedy="leave it out")
        if not _VALUE.fullmatch(value):
            raise FmloadError(
                f"the value of the header {name} holds characters that HTTP does not allow",
                remedy="use printable ASCII, on one line",
                code=Exit.INPUT,
            )
    return headers
