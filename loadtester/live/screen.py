"""The run on a terminal: a block of lines, drawn anew each second."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import TracebackType
from typing import Final, Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from loadtester.cost import project
from loadtester.live import words
from loadtester.model import Outcome
from loadtester.recorder import Quantiles, Tick

_LABEL: Final = 12
#: Between figures: the first that lets all of them stand on a line, else the last.
_GAPS: Final = ("   ", "  ")
#: The most that is drawn of a line, and of the past.
_MOST_WIDTH: Final = 160
#: As analysis.validity: from where on the generator itself is in doubt.
_LAG_S: Final = 0.050
_BUSY_CORE: Final = 0.9
_THROTTLED: Final = 0.01
_NEARLY_SPENT: Final = 0.8
_MOST_ERRORS: Final = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run before it begins, as its screen needs it; `planned` None is for users to decide."""

    planned: int | None
    duration_s: float
    title: str = "fmload"
    max_cost_usd: Decimal | None = None
    daily_messages: int = 0
    #: Share of each query type.
    mix: Mapping[str, float] = field(default_factory=dict)


class Screen:
    """Draws each Tick; in 80 columns and 24 lines nothing scrolls, and a wider terminal shows more of the past."""

    def __init__(self, console: Console, facts: Facts) -> None:
        self._console = console
        self._facts = facts
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._sent: deque[float] = deque(maxlen=_MOST_WIDTH)
        self._p95_s: deque[float] = deque(maxlen=_MOST_WIDTH)
        self._drawn: list[int] = []

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def observe(self, tick: Tick) -> None:
        """Draw it."""
        self._sent.append(float(tick.second.sent))
        self._p95_s.append(tick.latency_now.p95_s or 0.0)
        self._wipe_wrapped()
        block = self.block(tick)
        self._live.update(block, refresh=True)
        self._drawn = [cell_len(line) for line in block.plain.splitlines()]

    def say(self, text: str) -> None:
        """Write it above the block."""
        self._live.console.print(text, highlight=False, markup=False)

    def _wipe_wrapped(self) -> None:
        """In a terminal made narrower what was drawn takes more lines than the one who wipes it knows of."""
        more = sum((width - 1) // self._console.width for width in self._drawn if width)
        wipe = (ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        if more:
            self._console.control(Control(*(wipe * more)))

    def block(self, tick: Tick) -> Text:
        """The lines, as many as the terminal has but one, each no wider than it."""
        width = max(20, min(self._console.width - 1, _MOST_WIDTH))
        room = max(1, self._console.height - 1)
        lines = self._lines(tick, width)
        if len(lines) > room:
            # What is now comes before what was.
            lines = self._lines(tick, width, has_past=False)
        lines = lines[:room]
        block = Text("\n", no_wrap=True, overflow="crop").join(lines)
        block.no_wrap, block.overflow = True, "crop"
        return block

    def _lines(self, tick: Tick, width: int, *, has_past: bool = True) -> list[Text]:
        sent = _past(self._sent, "sent/s", width) if has_past else []
        p95 = _past(self._p95_s, "p95 now", width) if has_past else []
        return [
            _title(tick, self._facts, width),
            _bar(min(1.0, tick.elapsed_s / self._facts.duration_s), width, "cyan"),
            *_requests(tick, self._facts, width),
            *sent,
            *_percentiles("latency", tick.latency_now, tick.latency, tick.now_s, width),
            *p95,
            *(_percentiles("first token", tick.ttft_now, tick.ttft, tick.now_s, width) if tick.ttft.count else ()),
            *_row_lines("outcomes", words.outcomes_shown(tick.outcomes) or ["no answers yet"], width),
            _throttled(tick, width),
            *_money(tick, self._facts, width),
            _generator(tick, width),
            *_errors(tick, width),
        ]


def _title(tick: Tick, facts: Facts, width: int) -> Text:
    left_s = facts.duration_s - tick.elapsed_s
    state = f"{words.clock_shown(left_s)} left" if left_s >= 0 else f"draining, {tick.in_flight:,} in flight"
    when = f"{words.clock_shown(tick.elapsed_s)} of {words.clock_shown(facts.duration_s)}, {state}"
    room = width - len(when) - 2
    title = facts.title if len(facts.title) <= room else f"{facts.title[: max(0, room - 1)]}…"
    return Text.assemble((title, "bold"), " " * (width - len(title) - len(when)), when)


def _requests(tick: Tick, facts: Facts, width: int) -> Iterator[Text]:
    rates = [
        f"offered {tick.second.planned:,}/s",
        f"sent {tick.second.sent:,}/s",
        f"finished {tick.second_finished:,}/s",
    ]
    yield _row("requests", rates, width)
    yield _row("", [f"sent {words.sent_shown(tick, facts.planned)}", f"in flight {tick.in_flight:,}"], width)


def _past(values: Iterable[float], name: str, width: int) -> list[Text]:
    past = words.spark(values, width - _LABEL - len(name) - 2)
    return [_row("", [f"{past}  {name}"], width, "cyan")] if past else []


def _percentiles(name: str, now: Quantiles, whole: Quantiles, now_s: int, width: int) -> Iterator[Text]:
    yield _row(name, [f"last {now_s:>2} s", *_points(now)], width)
    yield _row("", ["overall  ", *_points(whole)], width)


def _points(of: Quantiles) -> list[str]:
    values = (("p50", of.p50_s), ("p95", of.p95_s), ("p99", of.p99_s))
    return [f"{name} {words.seconds_shown(value_s):>6}" for name, value_s in values]


def _throttled(tick: Tick, width: int) -> Text:
    rate, now = tick.throttle_rate, tick.throttle_rate_now
    pieces = [f"{words.share_shown(now)} in the last {tick.now_s} s", f"{words.share_shown(rate)} overall"]
    return _row("throttled", pieces, width, "yellow" if (now or 0.0) > _THROTTLED else "")


def _money(tick: Tick, facts: Facts, width: int) -> Iterator[Text]:
    tokens = [f"{tick.input_now_per_s:,.0f}/s in", f"{tick.output_now_per_s:,.0f}/s out"]
    totals = [f"{tick.input_tokens:,} in", f"{tick.output_tokens:,} out so far"]
    yield _row("tokens", [*tokens, *totals], width)
    month = None
    if tick.outcomes.get(Outcome.OK):
        month = project(tick.usd_by_query, facts.mix, facts.daily_messages).monthly_usd
    pieces = [words.usd_shown(tick.usd)]
    if month:
        pieces.append(f"${month:,.0f} a month of {facts.daily_messages:,} messages a day")
    yield _row("spent", pieces, width)
    if facts.max_cost_usd is not None:
        part = float(tick.usd / facts.max_cost_usd) if facts.max_cost_usd else 1.0
        says = f"{part:.0%} of {words.usd_shown(facts.max_cost_usd)}"
        room = max(5, width - _LABEL - len(says) - 2)
        bar = _bar(min(1.0, part), room, "red" if part > _NEARLY_SPENT else "green")
        yield Text.assemble((f"{'budget':<{_LABEL}}", "dim"), bar, "  ", says)


def _generator(tick: Tick, width: int) -> Text:
    """Whether the figures can be trusted so far: the generator's own lag and load."""
    second = tick.second
    busiest = second.busiest_s
    doubts = []
    if (tick.lag_now.p99_s or 0.0) > _LAG_S:
        doubts.append("late")
    if busiest > _BUSY_CORE:
        doubts.append("busy")
    pieces = [
        f"too {' and too '.join(doubts)} (fmload doctor)" if doubts else "fine",
        f"lag p99 {words.seconds_shown(tick.lag_now.p99_s)}",
        f"CPU {busiest:.0%} of a core",
        f"stall {words.seconds_shown(second.stall_s)}",
    ]
    return _row("generator", pieces, width, "bold red" if doubts else "")


def _errors(tick: Tick, width: int) -> Iterator[Text]:
    for place, (outcome, text, count) in enumerate(tick.errors[:_MOST_ERRORS]):
        # Some targets begin with the outcome's name themselves.
        said = " ".join(f"{outcome.value}: {text.removeprefix(f'{outcome.value}: ')}".split()).strip(": ")
        said = "".join(char if char.isprintable() else "\ufffd" for char in said)
        times = f" ×{count:,}"
        room = width - _LABEL - len(times)
        said = said if cell_len(said) <= room else f"{set_cell_size(said, room - 1)}…"
        yield _row("last errors" if place == 0 else "", [f"{said}{times}"], width, "red")


def _row_lines(label: str, pieces: list[str], width: int) -> Iterator[Text]:
    """All the pieces, on two lines at most."""
    first = words.fitting(pieces, width - _LABEL)
    yield _row(label, [first], width)
    shown = first.count("   ") + 1
    if len(pieces) > shown:
        yield _row("", pieces[shown:], width)


def _row(label: str, pieces: list[str], width: int, style: str = "") -> Text:
    """The pieces closer together where they would not all fit otherwise."""
    room = width - _LABEL
    gap = next((gap for gap in _GAPS if len(gap.join(pieces)) <= room), _GAPS[-1])
    return Text.assemble((f"{label:<{_LABEL}}", "dim"), (words.fitting(pieces, room, gap), style))


def _bar(part: float, width: int, style: str) -> Text:
    full = round(part * width)
    return Text.assemble(("━" * full, style), ("─" * (width - full), "dim"))
