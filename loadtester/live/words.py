"""Figures of a running run as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from loadtester.model import Outcome
from loadtester.recorder import Tick

#: What stands for a figure that is not there.
NOTHING: Final = "–"
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_A_SECOND: Final = 1.0
_A_HUNDRED: Final = 100
_A_DOLLAR: Final = 1


def sent_shown(tick: Tick, planned: int | None) -> str:
    """How many requests are sent, of how many where that is known."""
    return f"{tick.sent:,}" if planned is None else f"{tick.sent:,} of {planned:,}"


def outcomes_shown(outcomes: Mapping[Outcome, int]) -> list[str]:
    """Each outcome that there is, with its count."""
    return [f"{outcome.value} {outcomes[outcome]:,}" for outcome in Outcome if outcomes.get(outcome)]


def seconds_shown(value_s: float | None) -> str:
    """A duration, with as many digits as tell something: 4.2ms, 640ms, 1.28s, 125s."""
    if value_s is None:
        return NOTHING
    if value_s < _A_SECOND:
        return f"{value_s * 1e3:.1f}ms" if value_s < _A_SECOND / 100 else f"{value_s * 1e3:.0f}ms"
    return f"{value_s:.2f}s" if value_s < _A_HUNDRED else f"{value_s:,.0f}s"


def clock_shown(value_s: float) -> str:
    """A time of a run: 45s, 12:05, 1:02:03."""
    whole = round(value_s)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}" if minutes else f"{seconds}s"


def share_shown(share: float | None) -> str:
    """A part of a whole."""
    return NOTHING if share is None else f"{share:.1%}"


def usd_shown(usd: Decimal) -> str:
    """Dollars: cents where there are dollars, more where there are only cents."""
    return f"${usd:,.2f}" if usd >= _A_DOLLAR else f"${usd:.4f}"


def spark(values: Iterable[float], width: int) -> str:
    """The last `width` values as a line of bars, the highest of them a full one; nothing is a space."""
    last = list(values)[-width:] if width > 0 else []
    most = max(last, default=0.0)
    if most <= 0.0:
        return ""
    top = len(_LEVELS) - 1
    return "".join(_LEVELS[min(top, int(value / most * len(_LEVELS)))] if value > 0.0 else " " for value in last)


def fitting(pieces: Sequence[str], width: int, gap: str = "   ") -> str:
    """As many of the pieces, from the first, as stand on one line: a figure is shown whole or not at all."""
    line = ""
    for piece in pieces:
        longer = f"{line}{gap}{piece}" if line else piece
        if len(longer) > width:
            break
        line = longer
    return line
