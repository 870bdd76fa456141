"""What a WebSocket's close code says of the answer that was being waited for (RFC 6455, 7.4.1)."""

from __future__ import annotations

from typing import Final

from loadtester.model import Ending, Outcome

OK: Final = 1000
GOING_AWAY: Final = 1001
UNSUPPORTED_DATA: Final = 1003
#: A close frame without a code.
NO_STATUS: Final = 1005
#: No close frame came at all.
ABNORMAL: Final = 1006
BAD_DATA: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
RESTART: Final = 1012
TRY_AGAIN: Final = 1013

_OUTCOMES: Final = {
    UNSUPPORTED_DATA: Outcome.CLIENT_ERROR,
    BAD_DATA: Outcome.CLIENT_ERROR,
    POLICY: Outcome.CLIENT_ERROR,
    TOO_BIG: Outcome.CLIENT_ERROR,
    TRY_AGAIN: Outcome.UNAVAILABLE,
}
#: How servers say goodbye to connections that were idle for too long, or that they are about to leave behind. Without a
#: code nobody knows whether the message was taken, and its answer paid for.
_IDLE: Final = frozenset({OK, GOING_AWAY, RESTART})


def ending_of_close(code: int) -> Ending:
    """How a request ended whose connection was closed with `code` before its answer was complete."""
    how = "without a close frame" if code == ABNORMAL else f"with code {code}"
    return Ending(_OUTCOMES.get(code, Outcome.BROKEN), detail=f"the connection was closed {how}")


def is_idle_close(code: int) -> bool:
    """Whether `code` can be a server's goodbye to an idle connection, rather than its reply to a message."""
    return code in _IDLE
