"""The gate stops a run as soon as a threshold has failed, and no sooner."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
import pytest

from loadtester.campaign.gate import Gate
from loadtester.errors import Exit
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, count_ns
from loadtester.scenario import resolve

LENGTH_S = 60.0


@dataclass
class Runner:
    """Notes that it was stopped."""

    is_stopped: bool = False
    elapsed_s: float = 0.0
    stops: list = field(default_factory=list)

    def stop(self):
        self.is_stopped = True
        self.stops.append(True)


def second(number, ok=20, failed=0, latency_s=1.0, query="greeting"):
    """One second of a run."""
    cells = {
        CellKey(query, "ai", "m", "m", Outcome.OK): Cell(count=ok, sent=ok, in_slo=ok),
        CellKey(query, "ai", "m", "", Outcome.SERVER_ERROR): Cell(count=failed, sent=failed),
    }
    counts = {Series("latency", query, "ai", "m", True): count_ns(np.full(ok, round(latency_s * 1e9), dtype=np.int64))}
    return Interval(
        number,
        planned=ok + failed,
        sent=ok + failed,
        in_flight=number,
        cells={key: cell for key, cell in cells.items() if cell.count},
        counts=counts if ok else {},
    )


def gate(*thresholds, length_s=LENGTH_S, warm_s=0.0, is_saturation_watched=False, **flags):
    """A gate of a run with these thresholds, all of which may stop it."""
    given = {"thresholds": list(thresholds), "abort_on_fail": True, "abort_delay": "0s", **flags}
    judge = resolve({key: value for key, value in given.items() if value not in (None, [])}).judge
    return Gate(judge, length_s, warm_s=warm_s, is_saturation_watched=is_saturation_watched)


def stopped_at(one, seconds, runner=None):
    """The second after which the runner was stopped."""
    runner = runner or Runner()
    for interval in seconds:
        if one.take(interval, runner) is not None:
            assert runner.stops == [True]
            return interval.second + 1
    assert not runner.stops
    return None


def test_it_stops_with_the_threshold_and_its_value():
    """Code 99, words for people, figures for the manifest; once."""
    one, runner = gate("latency:p(95)<0.5s"), Runner()
    assert stopped_at(one, map(second, range(10)), runner) == 3  # a p95 needs 59 answers, twenty come a second
    assert one.stopped.code is Exit.THRESHOLD
    assert one.stopped.words == "stopped at 3 s: latency:p(95)<0.5s failed, with 1 s so far"
    evidence = dict(one.stopped.evidence)
    assert evidence.pop("value") == pytest.approx(1.0, rel=0.001)
    assert evidence == {"reason": "threshold", "threshold": "latency:p(95)<0.5s", "at_s": 3.0}
    assert one.take(second(11), runner) is None


def test_what_holds_goes_on():
    """And so does a run whose thresholds are not to stop it."""
    assert stopped_at(gate("latency:p(95)<2s", "error_rate<1%"), map(second, range(50))) is None
    assert stopped_at(gate("latency:p(95)<0.5s", abort_on_fail=None), map(second, range(50))) is None


def test_nothing_is_judged_before_the_delay():
    """Seconds of the warm-up, in which nothing counts, are none of the delay's."""
    assert stopped_at(gate("latency:p(95)<0.5s", abort_delay="8s"), map(second, range(20))) == 8
    warm = [Interval(number) for number in range(5)]
    late = [second(number) for number in range(5, 30)]
    assert stopped_at(gate("latency:p(95)<0.5s", abort_delay="8s"), [*warm, *late]) == 13


def test_a_threshold_may_have_its_own_delay(tmp_path):
    """Its own word on whether and when it stops the run goes before the run's."""
    path = tmp_path / "it.yaml"
    path.write_text(
        "thresholds:\n  - {threshold: 'latency:p(95)<0.5s', abort_on_fail: true, delay: 7s}\n  - latency:avg<0.5s\n"
    )
    assert stopped_at(Gate(resolve({}, file=path).judge, LENGTH_S), map(second, range(20))) == 7
    path.write_text("abort_on_fail: true\nthresholds: [{threshold: 'latency:avg<0.5s', abort_on_fail: false}]\n")
    assert stopped_at(Gate(resolve({}, file=path).judge, LENGTH_S), map(second, range(20))) is None


def test_a_few_failures_are_not_enough():
    """One failure of twenty may be chance at a limit of 2 %, five of sixty are not."""
    seconds = [second(0, ok=19, failed=1), second(1), second(2, ok=16, failed=4), second(3, ok=16, failed=4)]
    assert stopped_at(gate("error_rate<2%"), seconds) == 3
    assert stopped_at(gate("sla>=98%"), seconds) == 3


def test_windows_and_tags_work_live():
    """A window waits until it is whole; a tag looks at its own requests only."""
    seconds = [*map(second, range(20)), *(second(number, latency_s=5.0) for number in range(20, 40))]
    assert stopped_at(gate("latency:p(50)[10s]<2s"), seconds) == 26
    assert stopped_at(gate("latency:avg[10s]<2s"), seconds) == 23
    other = [second(number, latency_s=9.0, query="price_check") for number in range(20)]
    assert stopped_at(gate("latency{query=greeting}:avg<2s"), other) is None
    assert stopped_at(gate("latency{query=price_check}:avg<2s"), other) == 1


@pytest.mark.parametrize(
    ("text", "at_s"),
    [
        ("requests>=100000", None),
        ("throughput>=500/s", None),
        ("cost.monthly<1", None),
        ("validity==valid", None),
        ("requests<70", 4),
        ("server_error==0", 1),
        ("throughput<10/s", None),
        ("throughput==10/s", None),
        ("throughput[5s]<10/s", 5),
        ("throughput[5s]>=500/s", 5),
    ],
)
def test_what_only_grows_is_not_judged_too_soon(text, at_s):
    """A count or a rate that has yet to reach its limit has not failed; one that passed an upper limit has."""
    seconds = [second(number, ok=19, failed=1) for number in range(30)]
    assert stopped_at(gate(text), seconds) == at_s


@pytest.mark.parametrize(
    ("text", "at_s"),
    [
        ("cost.per_good_answer<0.02", None),
        ("cost.per_good_answer[3s]<0.02", 3),
        ("cost.run<1", 6),
    ],
)
def test_an_early_cost_of_a_good_answer_stops_nothing(text, at_s):
    """It falls again when answers get quick enough; what was spent doesn't, and a window is judged when it ends."""
    key = CellKey("greeting", "ai", "m", "m", Outcome.OK)
    seconds = [
        replace(
            second(number), cells={key: Cell(count=20, sent=20, in_slo=1 if number < 3 else 20, usd=Decimal("0.2"))}
        )
        for number in range(30)
    ]
    assert stopped_at(gate(text), seconds) == at_s


def test_a_run_that_is_over_is_not_stopped():
    """In its last second, once it was stopped, or once all has ended, there is nothing left to stop."""
    slow = [second(number, latency_s=9.0) for number in range(10)]
    assert stopped_at(gate("latency:p(95)<1s", length_s=3.0), slow) is None
    assert gate("latency:avg<1s").take(slow[0], Runner(is_stopped=True)) is None
    assert gate("latency:avg<1s").take(slow[0], Runner(elapsed_s=9.5)) is None


def test_a_saturated_target_is_code_112():
    """More in flight and longer waits each second; the manifest gets rate, time and slopes."""
    seconds = [second(number, latency_s=0.5 + number / 5) for number in range(60)]
    assert stopped_at(gate(), seconds) is None
    one = gate(is_saturation_watched=True)
    assert stopped_at(one, seconds) == 23
    assert one.stopped.code is Exit.BUDGET
    assert "over-saturated since 0 s, at 20 requests/s" in one.stopped.words
    assert one.stopped.evidence["reason"] == "saturated"
    assert one.stopped.evidence["wait_s"]["slope_per_s"] == pytest.approx(0.2, rel=0.01)


def _warm(number):
    """A second of a warm-up: twenty were due and sent, and none of it counts."""
    return Interval(number, planned=20, sent=20, warm_planned=20, warm_sent=20)


def test_a_warm_up_stops_nothing():
    """Its seconds are in no window of a rate, and are no part of the delay: both begin after it."""
    run = [*map(_warm, range(10)), *map(second, range(10, 40))]
    assert stopped_at(gate("goodput[5s]>=20/s"), run) is None
    assert stopped_at(gate("goodput[5s]>=21/s"), run) == 15
    assert stopped_at(gate("delivered[5s]>=21/s"), run) == 15
    assert stopped_at(gate("latency:p(95)<0.5s", abort_delay="7s"), run) == 17
    assert stopped_at(gate("requests<100"), run) == 16


def test_a_second_that_is_half_a_warm_up_is_in_no_window():
    """It has half of what a second has."""
    half = replace(second(1, ok=10), planned=20, sent=20, warm_planned=10, warm_sent=10)
    run = [_warm(0), half, *map(second, range(2, 20))]
    assert stopped_at(gate("goodput[2s]>=20/s", warm_s=1.5), run) is None
