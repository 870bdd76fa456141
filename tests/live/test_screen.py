"""The screen fits its terminal, and says what the report will say."""

import io
from decimal import Decimal

import pytest
from rich.console import Console

from loadtester.cost import project
from loadtester.live.screen import Facts, Screen
from loadtester.recorder import Meter

FACTS = Facts(
    planned=123_456_789,
    duration_s=86_400.0,
    title="a name that is rather long for a run of anything → https://chat.example.com/a/long/path (sse)",
    max_cost_usd=Decimal("1234.56"),
    daily_messages=1_000_000,
    mix={"pushed": 1.0},
)


def shown(ticks, width, height, facts=FACTS):
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=height)
    screen = Screen(console, facts)
    for tick in ticks:
        screen.observe(tick)
    return screen.block(ticks[-1]).plain.splitlines()


@pytest.fixture
def busy(second_of):
    """Ticks of a large run in which everything happens."""
    meter = Meter()
    every = dict.fromkeys(("ok", "truncated", "throttled", "timeout", "broken", "server_error", "dropped"), 123456)
    seconds = [second_of(n, said=f"a long story of what went wrong {n} " * 9, **every) for n in range(40)]
    return [meter.add(second) for second in seconds]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (40, 10), (300, 60)])
def test_it_never_scrolls_and_never_wraps(busy, width, height):
    """One line is left for the cursor, and no line is as wide as the terminal."""
    lines = shown(busy, width, height)
    assert len(lines) < height
    assert max(map(len, lines)) < width


def test_eighty_by_twentyfour_has_it_all(busy):
    """Nothing that a wider terminal says is missing in 80 columns, but for the past and the longest words."""
    text = "\n".join(shown(busy, 80, 24))
    for word in ("requests", "latency", "first token", "outcomes", "throttled", "tokens", "spent", "budget",
                 "generator", "last errors", "p50", "p95", "p99", "in flight", "offered", "left"):  # fmt: skip
        assert word in text


def test_the_outcome_is_said_once(tick_of):
    """Some targets begin what they say with the outcome's own name."""
    text = "\n".join(shown([tick_of(throttled=2, said="throttled: Too many tokens")], 80, 24))
    assert "throttled: Too many tokens ×2" in text
    assert "throttled: throttled" not in text


def test_sixty_columns_hold_every_percentile(tick_of):
    """Figures stand closer together before one of them is left out."""
    rows = [line for line in shown([tick_of(ok=9)], 60, 20) if "p50" in line]
    assert len(rows) == 4
    assert all("p95" in row and "p99" in row for row in rows)


def test_what_was_gives_way_to_what_is(busy):
    """A terminal that is too low for all loses the past; the state of the generator stays."""
    high, low = ("\n".join(shown(busy, 80, height)) for height in (30, 18))
    assert "sent/s" in high
    assert "p95 now" in high
    assert "sent/s" not in low
    assert "p95 now" not in low
    assert "generator" in low


def test_a_terminal_made_narrower_keeps_nothing_of_what_it_wrapped(busy):
    """As many lines are wiped as the old block takes in the new width."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=40)
    screen = Screen(console, FACTS)
    with screen:
        screen.observe(busy[-1])
        drawn = screen.block(busy[-1]).plain.splitlines()
        console.file.seek(0)
        console.file.truncate()
        console.width = 50
        screen.observe(busy[-1])
        ups = console.file.getvalue().count("\x1b[1A")
    assert ups == sum(-(-len(line) // 50) for line in drawn) - 1


def test_a_figure_is_whole_or_not_there(busy):
    """At any width each number that is shown is one of those that a very wide terminal shows."""
    whole = set(" ".join(shown(busy, 300, 60)).split())
    for width in range(30, 120):
        rows = [line for line in shown(busy[-1:], width, 40)[2:] if line.startswith(("requests", "tokens", "spent"))]
        assert {word for word in " ".join(rows).split() if word[0].isdigit()} <= whole


def test_the_month_is_the_projection_of_the_report(tick_of):
    """The same function on the same sums."""
    tick = tick_of(ok=10)
    month = project(tick.usd_by_query, FACTS.mix, FACTS.daily_messages).monthly_usd
    assert f"${month:,.0f} a month" in "\n".join(shown([tick], 100, 30))


@pytest.mark.parametrize(("planned", "said"), [(1000, "sent 7 of 1,000  "), (None, "sent 7  ")])
def test_what_is_not_planned_is_not_said(tick_of, planned, said):
    """Users send as many requests as they come to: then there is no number to be at a part of."""
    assert said in "\n".join(shown([tick_of(ok=7)], 100, 30, Facts(planned, 60.0)))


def test_a_run_without_answers_has_a_screen(tick_of):
    """No latency, no month, no budget, no error: dashes and no fault."""
    text = "\n".join(shown([tick_of()], 80, 24, Facts(None, 60.0)))
    assert "no answers yet" in text
    assert "month" not in text
    assert "budget" not in text


def test_markup_in_what_a_target_says_is_text(second_of):
    """A target's words can't colour the screen or move its cursor."""
    tick = Meter().add(second_of(broken=1, said="[bold]x[/bold]\x1b[2J\nnext"))
    lines = shown([tick], 100, 30)
    assert any("[bold]x[/bold]" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
