"""Tokens that let a user connect: signed with the service's secret, good until a time.

A token is `USER.EXPIRY.SIGNATURE`: the user's id, Unix seconds, and HMAC-SHA256 over both in hex.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from target_app.errors import ChatError, Code

_TOKEN: Final = re.compile(r"(?P<user>[A-Za-z0-9_-]{1,64})\.(?P<expiry>\d{1,12})\.(?P<signature>[0-9a-f]{64})")


def issue(secret: str, user: str, expiry_s: int) -> str:
    """A token for `user` until `expiry_s`. Raises ValueError for a user that no token can name."""
    token = f"{user}.{expiry_s}.{_signature(secret, user, str(expiry_s))}"
    if _TOKEN.fullmatch(token) is None:
        raise ValueError("a user is 1 to 64 letters, digits, _ and -")
    return token


def admit(secret: str, scope: Scope, now_s: float) -> str:
    """The user whose token a connection brings, in its query (`token`) or as `Authorization: Bearer`.

    Raises ChatError: unauthorized without a token, forbidden with one that is no good.
    """
    given = QueryParams(scope["query_string"]).get("token") or _bearer(scope)
    if not given:
        raise ChatError(Code.UNAUTHORIZED, "a token is wanted, as ?token= or Authorization: Bearer")
    parts = _TOKEN.fullmatch(given)
    if parts is None or not hmac.compare_digest(_signature(secret, parts["user"], parts["expiry"]), parts["signature"]):
        raise ChatError(Code.FORBIDDEN, "the token is not one of ours")
    if int(parts["expiry"]) <= now_s:
        raise ChatError(Code.FORBIDDEN, "the token has expired")
    return parts["user"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may come in: with a `secret`, whoever brings a good token; `now` is wall time, for when one expires."""

    secret: str | None = None
    now: Callable[[], float] = time.time

    def user(self, scope: Scope) -> str | None:
        """The token's user; None where no token is asked for. Raises ChatError as `admit` does."""
        return None if self.secret is None else admit(self.secret, scope, self.now())


def _bearer(scope: Scope) -> str:
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _signature(secret: str, user: str, expiry: str) -> str:
    return hmac.new(secret.encode(), f"{user}.{expiry}".encode(), hashlib.sha256).hexdigest()
