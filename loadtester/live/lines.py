"""The run's progress where there is no terminal: a plain line every ten seconds, for logs."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from rich.console import Console

from loadtester.live.words import outcomes_shown, seconds_shown, sent_shown, usd_shown
from loadtester.recorder import Tick

_LINE_EVERY_S: Final = 10


class Lines:
    """A plain line every ten seconds."""

    def __init__(self, console: Console, planned: int | None, duration_s: float) -> None:
        self._console = console
        self._planned = planned
        self._duration_s = duration_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def observe(self, tick: Tick) -> None:
        """Write the line when it is time."""
        if round(tick.elapsed_s) % _LINE_EVERY_S == 0:
            self.say(
                f"{tick.elapsed_s:.0f}s of {self._duration_s:.0f}s  sent {sent_shown(tick, self._planned)}  "
                f"in flight {tick.in_flight:,}  {'  '.join(outcomes_shown(tick.outcomes)) or 'no answers yet'}  "
                f"p50 {seconds_shown(tick.latency.p50_s)} p95 {seconds_shown(tick.latency.p95_s)}  "
                f"{usd_shown(tick.usd)}"
            )

    def say(self, text: str) -> None:
        """Write it."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
