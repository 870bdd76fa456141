"""The run's progress on stderr: a live line block on a terminal, a plain line every ten seconds elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtester.model import Outcome, Tick

_LINE_EVERY_S = 10


class Observer(Protocol):
    """Something that watches a run; it gets one Tick a second and never calls back."""

    def __enter__(self) -> Self:
        """Start watching."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""

    def observe(self, tick: Tick) -> None:
        """See the state of the run after a second."""

    def say(self, text: str) -> None:
        """Tell the person who watches something."""


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def observe(self, tick: Tick) -> None:
        """See nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


class Lines:
    """A plain line every ten seconds, for logs."""

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
            self._console.print(
                f"{tick.elapsed_s:.0f}s of {self._duration_s:.0f}s  sent {_sent(tick, self._planned)}  "
                f"in flight {tick.in_flight:,}  {_outcomes(tick)}  p50 {_seconds(tick.p50_s)} "
                f"p95 {_seconds(tick.p95_s)}  ${tick.usd:.4f}",
                highlight=False,
                soft_wrap=True,
            )

    def say(self, text: str) -> None:
        """Write it."""
        self._console.print(text, highlight=False, soft_wrap=True)


class Screen:
    """A block of lines that is drawn anew each second."""

    def __init__(self, console: Console, planned: int | None, duration_s: float) -> None:
        self._console = console
        self._planned = planned
        self._duration_s = duration_s
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def observe(self, tick: Tick) -> None:
        """Draw it."""
        self._live.update(self._block(tick), refresh=True)

    def say(self, text: str) -> None:
        """Write it above the block."""
        self._live.console.print(text, highlight=False)

    def _block(self, tick: Tick) -> RenderableType:
        done_s = min(tick.elapsed_s, self._duration_s)
        state = "draining" if tick.elapsed_s > self._duration_s else f"{self._duration_s - done_s:.0f}s left"
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"{tick.elapsed_s:.0f}s / {self._duration_s:.0f}s"),
            ProgressBar(total=self._duration_s, completed=done_s, width=36),
            Text(state),
        )
        figures = Table.grid(padding=(0, 3))
        figures.add_row(
            f"sent {_sent(tick, self._planned)}",
            f"{tick.sent_per_s:.0f}/s out",
            f"{tick.finished_per_s:.0f}/s back",
            f"{tick.in_flight:,} in flight",
        )
        latency = Text(f"latency p50 {_seconds(tick.p50_s)}  p95 {_seconds(tick.p95_s)}    spent ${tick.usd:.4f}")
        return Group(head, figures, latency, Text(_outcomes(tick)))


def _sent(tick: Tick, planned: int | None) -> str:
    return f"{tick.sent:,}" if planned is None else f"{tick.sent:,} of {planned:,}"


def _outcomes(tick: Tick) -> str:
    counts = [f"{outcome.value} {tick.outcomes[outcome]:,}" for outcome in Outcome if tick.outcomes.get(outcome)]
    return "  ".join(counts) or "no answers yet"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}s"
