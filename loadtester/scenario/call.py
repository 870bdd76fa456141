"""A plain HTTP request as one line, such as `PUT /v1/carts/u-7/items/MGA-000012 {"quantity": 1}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

#: The kind of query type whose prompts are such lines.
CRUD: Final = "crud"

#: What may stand in a path or a query as it is (RFC 3986); a percent sign is taken to be part of an escape.
_SAFE: Final = "/?:@!$&'()*+,;=-._~%"
_LINE: Final = re.compile(r"(GET|HEAD|PUT|POST|PATCH|DELETE) (/\S*)(?:\s+(\S.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """A request's method, its path with the query, percent-encoded, and its body, if any."""

    method: str
    path: str
    body: bytes


def read_call(line: str) -> Call:
    """The request in `line`; what is no part of a URL in its path is escaped. Raises ValueError where there is none."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("it is no HTTP request")
    method, path, body = found.groups("")
    return Call(method, quote(path, safe=_SAFE), body.encode())
