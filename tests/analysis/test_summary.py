"""Figures of a run whose truth is known by construction."""

from dataclasses import asdict, replace
from decimal import Decimal

import numpy as np
import pytest

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.errors import Exit
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, Recording, count_ns, recording

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"


def _manifest(**changes):
    return {
        "status": "complete",
        "elapsed_s": 100.0,
        "workers": 1,
        "plan": {"requests": 1000, "duration_s": 100.0},
        "scenario": {
            "judge": {"slo_s": 3.0, "daily_messages": 1_000_000},
            "mix": [{"name": "lookup", "share": 0.7}, {"name": "recommend", "share": 0.3}],
        },
        **changes,
    }


def _cells(**changes):
    ok = Cell(count=650, sent=650, in_slo=640, input=650 * 500, output=650 * 200)
    return {
        CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK): ok,
        CellKey("lookup", "ai", HAIKU, "", Outcome.THROTTLED): Cell(count=50, sent=50, in_slo=50),
        CellKey("recommend", "ai", SONNET, SONNET, Outcome.OK): Cell(
            count=290, sent=290, in_slo=100, input=290 * 500, output=290 * 200
        ),
        CellKey("recommend", "ai", SONNET, SONNET, Outcome.TRUNCATED): Cell(
            count=5, sent=5, in_slo=5, input=5 * 500, output=5 * 1024
        ),
        CellKey("recommend", "ai", SONNET, "", Outcome.DROPPED): Cell(count=5),
        **changes,
    }


def _run(cells, latencies_s=(), *, metric="latency", planned=1000, is_ok=True):
    counts = {}
    if len(latencies_s):
        ns = np.array([round(value * 1e9) for value in latencies_s], dtype=np.int64)
        counts[Series(metric, "lookup", "ai", HAIKU, is_ok)] = count_ns(ns)
    sent = sum(cell.sent for cell in cells.values())
    return recording([Interval(0, planned=planned, sent=sent, cells=cells, counts=counts)])


def _summarise(run, **changes):
    return summarise(_manifest(**changes), run, price_table({}))


def test_the_funnel_adds_up():
    """Every planned request is in one place, in the whole and in each part."""
    report = _summarise(_run(_cells()))
    for part in (report.total, *report.by["query"].values(), *report.by["model"].values()):
        funnel = asdict(part.funnel)
        before = ("planned", "dropped", "cancelled", "unfinished", "sent")
        assert funnel["planned"] == sum(funnel[name] for name in before[1:])
        assert funnel["sent"] == sum(count for name, count in funnel.items() if name not in before)
    assert sum(part.funnel.planned for part in report.by["query"].values()) == report.total.funnel.planned == 1000


def test_rates_follow_their_definitions():
    """Throttles are no errors, failures break the SLA, goodput needs a good answer in time."""
    rates = _summarise(_run(_cells())).total.rates
    assert rates.offered_per_s == 10.0
    assert rates.delivered_per_s == 9.95
    assert rates.throughput_per_s == 9.95
    assert rates.goodput_per_s == 7.4
    assert rates.throttle_rate == pytest.approx(50 / 995)
    assert rates.error_rate == pytest.approx(5 / 995)
    assert rates.sla == pytest.approx(740 / 995)


def test_money_is_exact():
    """Tokens times price to the last digit; a cut answer is paid for but wasted; cost per good answer is all money."""
    cost = _summarise(_run(_cells())).total.cost
    good = 650 * Decimal("0.000375") + 290 * Decimal("0.0045")
    wasted = 5 * (500 * Decimal(3) + 1024 * Decimal(15)) / 1_000_000
    assert (cost.good, cost.wasted, cost.run) == (good, wasted, good + wasted)
    assert cost.per_good_answer == (good + wasted) / 740
    lookup = 650 * Decimal("0.000375") / 700
    recommend = (290 * Decimal("0.0045") + wasted) / 300
    daily = 1_000_000 * (Decimal("0.7") * lookup + Decimal("0.3") * recommend)
    assert abs(cost.daily - daily) < Decimal("0.000001")
    assert abs(cost.monthly - 30 * daily) < Decimal("0.00003")
    answered = 30 * 1_000_000 * (Decimal("0.7") * Decimal("0.000375") + Decimal("0.3") * recommend * 300 / 295)
    assert abs(cost.monthly_if_all_answered - answered) < Decimal("0.00003")


def test_a_model_without_a_price_makes_the_cost_unknown():
    """Never zero: the model is named, and nothing is projected."""
    cells = _cells()
    cells[CellKey("lookup", "ai", "mine", "mine", Outcome.OK)] = Cell(count=1, sent=1, input=1, output=1)
    cost = _summarise(_run(cells, planned=1001)).total.cost
    assert (cost.run, cost.per_good_answer, cost.daily) == (None, None, None)
    assert cost.unpriced_models == ("mine",)


@pytest.mark.parametrize(
    ("samples", "printed"),
    [(28, []), (29, ["p90"]), (59, ["p90", "p95"]), (298, ["p90", "p95"]), (299, ["p90", "p95", "p99"])],
)
def test_percentiles_need_their_samples(samples, printed):
    """A percentile without enough samples is not printed."""
    latency = asdict(_summarise(_run(_cells(), [1.0] * samples)).total.latency)
    assert [name for name in ("p90", "p95", "p99", "p999") if latency[name] is not None] == printed
    assert latency["count"] == samples


def test_no_traffic_at_all():
    """An empty run has no rates, no percentiles and no cost per answer, and is not simply valid."""
    report = _summarise(Recording(), plan={"requests": 0, "duration_s": 10.0}, elapsed_s=0.0)
    assert report.total.rates.sla is None
    assert report.total.latency.p50 is None
    assert report.total.cost.per_good_answer is None
    assert report.validity.verdict == "suspect"


GOOD = [1.0] * 600


def test_a_good_run_is_valid():
    """Enough answers, delivered as planned, on time: nothing to say, exit code 0."""
    report = _summarise(_run(_cells(), GOOD))
    assert report.validity.verdict == "valid"
    assert report.exit_codes == (0,)


def test_an_invalid_run_has_its_exit_code():
    """Requests that were dropped make the run invalid, which is 111; answers without usage only make it suspect."""
    cells = {**_cells(), CellKey("q", "ai", "m", "", Outcome.DROPPED): Cell(count=60)}
    assert _summarise(_run(cells, GOOD, planned=1060)).exit_codes == (Exit.INVALID_RUN,)
    key = CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK)
    report = _summarise(_run({**_cells(), key: replace(_cells()[key], estimated=3)}, GOOD))
    assert report.total.tokens.estimated_answers == 3
    assert (report.validity.verdict, report.exit_codes) == ("suspect", (0,))


def test_the_four_rules():
    """Throttles, an SLA under 99 %, timeouts and a month over $50,000 each give advice, most at stake first."""
    cells = _cells()
    cells[CellKey("lookup", "ai", HAIKU, "", Outcome.TIMEOUT)] = Cell(count=1, sent=1)
    key = CellKey("recommend", "ai", SONNET, SONNET, Outcome.OK)
    cells[key] = replace(cells[key], output=290 * 2000)
    advice = _summarise(_run(cells, GOOD, planned=1001)).advice
    assert {"throttled", "sla", "timeouts", "bill"} <= {item.code for item in advice}
    assert [item.at_stake for item in advice] == sorted((item.at_stake for item in advice), reverse=True)
    assert all(item.evidence and item.check and item.change and item.effect for item in advice)


def _failing(outcome, detail, count=100):
    cells = {
        CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=900, sent=900, in_slo=900, input=1),
        CellKey("lookup", "ai", HAIKU, HAIKU, outcome): Cell(count=count, sent=count),
    }
    run = _run(cells, GOOD)
    return recording([replace(run.intervals[0], failures={(outcome, detail): count})])


@pytest.mark.parametrize(
    ("outcome", "codes", "words"),
    [
        (Outcome.SERVER_ERROR, ["errors", "sla"], "100 times, server_error: pool exhausted"),
        (Outcome.TRUNCATED, ["truncated", "sla"], "cut at max_tokens"),
        (Outcome.THROTTLED, ["throttled", "sla"], "throttled"),
    ],
)
def test_failures_are_not_taken_for_slowness(outcome, codes, words):
    """When failures break the SLA, the advice is about them: it does not ask for shorter answers."""
    advice = _summarise(_failing(outcome, "pool exhausted")).advice
    assert [item.code for item in advice] == codes
    assert words in advice[0].message
    assert "--max-tokens lower" not in " ".join(item.check for item in advice[1:])
    assert "the others failed" in advice[1].message


def test_a_perfect_run_needs_no_advice():
    """With nothing wrong there is nothing to advise."""
    cells = {CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=1000, sent=1000, in_slo=1000, input=1)}
    assert _summarise(_run(cells, GOOD)).advice == ()


def test_a_stopped_run_offers_what_had_become_due():
    """What a stopped run had not come to is planned and cancelled, but was not offered; its drain sends nothing."""
    cells = {
        CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=80, sent=80, in_slo=80),
        CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.CANCELLED): Cell(count=920, sent=20),
    }
    run = recording([Interval(0, planned=1000, sent=100, cells=cells)])
    rates = _summarise(run, status="interrupted", stopped_s=10.0, elapsed_s=30.0).total.rates
    assert (rates.offered_per_s, rates.delivered_per_s) == (10.0, 10.0)
    assert (rates.sla, rates.error_rate) == (1.0, 0.0)


def test_a_killed_run_knows_what_it_sent():
    """Requests in flight when the run was killed were sent: they are unanswered, not undelivered."""
    cells = {CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=600, sent=600, in_slo=600)}
    counts = {Series("latency", "lookup", "ai", HAIKU, True): count_ns(np.full(600, 10**9))}
    first = Interval(0, planned=700, sent=700, cells=cells, counts=counts)
    report = _summarise(recording([first, *(Interval(k) for k in range(1, 70))]), status="running", elapsed_s=None)
    funnel = report.total.funnel
    assert (funnel.planned, funnel.sent, funnel.unanswered, funnel.unfinished) == (700, 700, 100, 0)
    assert report.total.rates.delivered_per_s == 10.0
    assert "undelivered" not in {reason.code for reason in report.validity.reasons}
    assert report.exit_codes == (Exit.INTERRUPTED,)


def test_given_up_answers_leave_no_month_of_answered_ones():
    """Answers that were given up are the long ones: a mean of the others would be too small, so none is given."""
    cells = _cells()
    cells[CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.TIMEOUT)] = Cell(count=50, sent=50, input=50)
    cost = _summarise(_run(cells, GOOD, planned=1050)).total.cost
    assert cost.monthly is not None
    assert cost.monthly_if_all_answered is None


def test_attempts_are_told_where_throttled_requests_were_tried_again():
    """Attempts are what was sent, and again; the first ones have their latency by whether they were ok."""
    cells = {
        CellKey("lookup", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=90, sent=90, in_slo=90, retried=5, retries=7),
        CellKey("lookup", "ai", HAIKU, "", Outcome.THROTTLED): Cell(count=10, sent=10, retried=10, retries=20),
    }
    counts = {
        Series("first_attempt", "lookup", "ai", HAIKU, is_ok): count_ns(np.full(n, at_ns, dtype=np.int64))
        for is_ok, n, at_ns in ((True, 85, 1_000_000_000), (False, 15, 10_000_000))
    }
    run = recording([Interval(0, planned=100, sent=100, cells=cells, counts=counts)])
    attempts = _summarise(run).total.attempts
    assert (attempts.total, attempts.retried, attempts.retries) == (127, 15, 27)
    assert (attempts.first_s.count, attempts.turned_away_s.count) == (85, 15)
    assert attempts.first_s.p50 == pytest.approx(1.0, rel=0.001)
    assert attempts.turned_away_s.p50 == pytest.approx(0.01, rel=0.001)


def test_a_run_that_tried_nothing_again_has_no_attempts():
    """Nothing is said of attempts, rather than that there was one each."""
    assert _summarise(_run(_cells())).total.attempts is None


def _second(second, ends, warm_ends, *, waiting=0, unsent=0, warm_waiting=0):
    """A second in which so many ended ok, were throttled or dropped, `waiting` more were sent, `unsent` more due."""

    def cells(counts):
        return {
            CellKey("lookup", "ai", HAIKU, HAIKU if outcome is Outcome.OK else "", outcome): Cell(
                count=n, sent=0 if outcome is Outcome.DROPPED else n, input=100 * n if outcome is Outcome.OK else 0
            )
            for outcome, n in counts.items()
        }

    own, warm = cells(ends), cells(warm_ends)
    own_sent = sum(cell.sent for cell in own.values()) + waiting
    warm_sent = sum(cell.sent for cell in warm.values()) + warm_waiting
    warm_planned = warm_sent + sum(cell.count - cell.sent for cell in warm.values())
    planned = own_sent + sum(cell.count - cell.sent for cell in own.values()) + unsent + warm_planned
    return Interval(
        second, planned=planned, sent=own_sent + warm_sent, cells=own, warm=warm,
        warm_planned=warm_planned, warm_sent=warm_sent,
    )  # fmt: skip


def _warming():
    """Two seconds of a warm-up, whose last answers come in the third, and two of the run."""
    bad = {Outcome.THROTTLED: 2, Outcome.DROPPED: 1}
    return [
        _second(0, {}, {Outcome.OK: 3, **bad}, warm_waiting=2),
        _second(1, {}, {Outcome.OK: 4, **bad}, warm_waiting=1),
        replace(_second(2, {Outcome.OK: 5, **bad}, {}, waiting=3), warm=_second(0, {}, {Outcome.OK: 3}).warm),
        _second(3, {Outcome.OK: 6, **bad}, {}, waiting=1, unsent=1),
    ]


@pytest.mark.parametrize("seconds", range(5))
def test_a_run_with_a_warm_up_adds_up_wherever_it_was_killed(seconds):
    """In the warm-up or after it, each request that is on record is in one place: the funnel's, or the warm-up's."""
    intervals = _warming()[:seconds]
    scenario = _manifest()["scenario"] | {"load": {"warmup_s": 2.0}}
    report = _summarise(recording(intervals), status="running", elapsed_s=None, scenario=scenario)
    funnel, warmup = asdict(report.total.funnel), report.warmup
    before = ("planned", "dropped", "cancelled", "unfinished", "sent")
    assert funnel["planned"] == sum(funnel[name] for name in before[1:])
    assert funnel["sent"] == sum(count for name, count in funnel.items() if name not in (*before, "warmup"))
    assert funnel["planned"] + warmup.requests == sum(one.planned for one in intervals)
    assert funnel["sent"] + warmup.sent == sum(one.sent for one in intervals)
    assert funnel["warmup"] == sum(cell.count for one in intervals for cell in one.warm.values())
    assert funnel["ok"] == [0, 0, 0, 5, 11][seconds]
    cost = report.total.cost
    assert cost.run == cost.good + cost.wasted + cost.warmup
    assert cost.warmup == warmup.usd == [0, 3, 7, 10, 10][seconds] * 100 * Decimal("0.25") / 1_000_000
