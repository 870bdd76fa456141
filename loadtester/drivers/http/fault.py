"""What can go wrong between handing over a request and the end of its answer."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

from loadtester.model import Ending, Outcome


class HttpError(Exception):
    """The exchange failed on the wire; `outcome` says what the request counts as, `detail` why."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail

    def ending(self) -> Ending:
        """How the request ended."""
        return Ending(self.outcome, detail=self.detail)


def refusal(error: OSError, limit_s: float) -> HttpError:
    """No connection could be opened; `limit_s` is how long that was given."""
    return HttpError(Outcome.REFUSED, reason(error, limit_s))


def reason(error: OSError, limit_s: float) -> str:
    """Why nothing could be opened, in words that hold no address."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS: {error.reason or 'the handshake failed'}"
        case asyncio.TimeoutError():
            return f"no connection within {limit_s:g} s"
        case socket.gaierror():
            return "the host's name has no address"
        case ConnectionError() if error.errno is None:
            return "the connection was closed during the TLS handshake"
        case _:
            # Not `strerror`: asyncio writes the address into that.
            return os.strerror(error.errno) if error.errno else "no connection"
