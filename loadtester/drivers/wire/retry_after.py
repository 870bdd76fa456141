"""How long a refusal asks to be left alone: Retry-After, in seconds or as a date (RFC 9110, 10.2.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: What asks for more than that is not taken for a wait.
_MOST_S: Final = 86_400


def retry_after_s(value: bytes, date: bytes | None, now: datetime | None = None) -> int | None:
    """Whole seconds, a day at most; None where `value` asks for nothing that can be understood.

    A date counts from the answer's own `date`, as the target's clock may be another one than ours; where it has none,
    from `now`, by default this moment. One that is past asks for no wait.
    """
    if value.isdigit():
        return _within(int(value)) if len(value) <= len(str(_MOST_S)) else None
    then = _moment(value)
    if then is None:
        return None
    since = _moment(date or b"") or now or datetime.now(UTC)
    return _within(max(0, round((then - since).total_seconds())))


def _within(seconds: int) -> int | None:
    return seconds if seconds <= _MOST_S else None


def _moment(text: bytes) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text.decode("ascii"))
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
