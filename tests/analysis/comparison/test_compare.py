"""Two runs compared: intervals, margins and verdicts."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from loadtester.analysis import summarise
from loadtester.analysis.comparison.compare import compare, corrected, judge, overall
from loadtester.analysis.comparison.measures import MEASURES, PERCENTS, SPREADS, Margins, Measure
from loadtester.analysis.comparison.sample import Estimate, Sample
from loadtester.cost import price_table

LATENCY = Measure("latency.p95", "s", "lower")
GOODPUT = Measure("goodput", "per_s", "higher")
TOKENS = Measure("tokens.output", "tokens", None)
ERRORS = Measure("error_rate", "share", "lower")


@pytest.fixture(scope="module")
def sample(made_run):
    """A made run as a sample; `draw` is the seed of its bootstrap."""
    prices = price_table({})

    @cache
    def make(draw, **shape):
        manifest, recording = made_run(**shape)
        report = summarise(manifest, recording, prices)
        return Sample(manifest, recording, report, prices, seed=draw, directory=f"run-{draw}")

    return make


def _estimate(value, spread=0.01, seed=1):
    return Estimate(value, value * (1 + spread * np.random.default_rng(seed).standard_normal(1_000)))


def _judged(measure, ratio, margin=0.05, spread=0.01):
    return judge(measure, _estimate(1.0, spread, seed=1), _estimate(ratio, spread, seed=2), margin).verdict


@pytest.mark.parametrize(
    ("measure", "ratio", "verdict"),
    [
        (LATENCY, 1.20, "worse"),
        (LATENCY, 0.80, "better"),
        (LATENCY, 1.00, "same"),
        (LATENCY, 1.05, "unclear"),
        (GOODPUT, 1.20, "better"),
        (GOODPUT, 0.80, "worse"),
        (TOKENS, 1.20, "changed"),
        (TOKENS, 0.80, "changed"),
        (TOKENS, 1.00, "same"),
    ],
)
def test_the_whole_interval_decides(measure, ratio, verdict):
    """Beyond the margin on the bad side is worse, on the good side better, within it the same, across it unclear."""
    assert _judged(measure, ratio) == verdict


def test_a_wide_interval_is_unclear():
    """The same difference with ten times the scatter says nothing."""
    assert _judged(LATENCY, 1.20, spread=0.1) == "unclear"


def test_a_margin_of_shares_is_in_requests():
    """From 0.1 % to 0.3 % of errors is three times as many, and still the same within half a point; to 2 % is not."""
    assert judge(ERRORS, _estimate(0.001), _estimate(0.003, seed=2), 0.005).verdict == "same"
    assert judge(ERRORS, _estimate(0.001), _estimate(0.020, seed=2), 0.005).verdict == "worse"


def test_the_interval_is_that_of_the_difference():
    """Independent runs: the variances of both add up."""
    row = judge(LATENCY, _estimate(1.0, 0.03), _estimate(1.2, 0.02, seed=2), 0.05)
    half = (row.difference_ci95[1] - row.difference_ci95[0]) / 2
    assert half == pytest.approx(1.96 * np.hypot(0.03, 0.024), rel=0.1)
    assert row.relative == pytest.approx(0.2)
    assert row.relative_ci95[0] < 0.2 < row.relative_ci95[1]


def test_holm_holds_back_what_may_be_chance():
    """Of twelve rows one with p = 0.02 alone is no alarm, and says so; one with p = 0.001 is."""

    # 8,000 differences around the margin: the part below it is p / 2.
    def row(p):
        beyond = np.quantile(np.random.default_rng(3).standard_normal(200_000), p / 2)
        return judge(LATENCY, Estimate(1.0, np.ones(1_000)), _stepped(1.05 - 0.01 * beyond), 0.05)

    quiet = [judge(LATENCY, _estimate(1.0), _estimate(1.0, seed=2), 0.05)] * 11
    weak = corrected([row(0.02), *quiet])[0]
    assert row(0.02).verdict == "worse"
    assert (weak.verdict, overall([weak])) == ("unclear", "unclear")
    assert "chance" in weak.note
    assert weak.p_adjusted == pytest.approx(12 * weak.p)
    strong = corrected([row(0.001), *quiet])[0]
    assert strong.verdict == "worse"


def _stepped(value):
    """Replicates that are the normal distribution's own quantiles around a value."""
    draws = np.sort(np.random.default_rng(4).standard_normal(200_000))[100::200]
    return Estimate(value, value + 0.01 * draws)


def test_holm_is_monotone_and_leaves_neutral_rows_alone():
    """Adjusted p-values never fall with rank, and measures with no better way are not part of the family."""
    rows = [
        judge(LATENCY, _estimate(1.0), _estimate(1.2, seed=2), 0.05),
        judge(LATENCY, _estimate(1.0), _estimate(1.06, seed=3), 0.05),
        judge(TOKENS, _estimate(1.0), _estimate(1.2, seed=4), 0.05),
    ]
    found = corrected(rows)
    assert found[0].p_adjusted == pytest.approx(2 * rows[0].p)
    assert found[1].p_adjusted == pytest.approx(max(rows[1].p, 2 * rows[0].p))
    assert found[2] == rows[2]


def test_what_has_no_value_is_unclear():
    """A percentile with too few answers has no difference; the note says on which side."""
    row = judge(LATENCY, Estimate(None, note="20 answers, needs 59"), _estimate(1.0), 0.05)
    assert (row.verdict, row.difference, row.note) == ("unclear", None, "BASE: 20 answers, needs 59")


def test_every_measure_of_two_like_runs(sample):
    """Two runs of the same distribution are not called worse; each measure has base, new, difference and interval."""
    found = compare(sample(1, seed=1, seconds=600), sample(2, seed=2, seconds=600), Margins())
    assert [row.measure for row in found.rows] == list(MEASURES)
    assert found.verdict in ("same", "unclear")
    assert found.looked_at == 2 * len(MEASURES)
    for row in found.rows:
        assert row.difference == pytest.approx(row.new - row.base)
        assert row.difference_ci95[0] <= row.difference <= row.difference_ci95[1]


def test_figures_are_those_of_the_reports(sample):
    """Rates and money are the report's own to the last digit, percentiles near them (Harrell-Davis is smoother)."""
    base, new = sample(1, seed=1, throttled=5, failed=3), sample(2, seed=2)
    rows = {row.measure.name: row for row in compare(base, new, Margins()).rows}
    total = base.report.total
    assert rows["goodput"].base == pytest.approx(total.rates.goodput_per_s)
    assert rows["throttle_rate"].base == pytest.approx(total.rates.throttle_rate)
    assert rows["error_rate"].base == pytest.approx(total.rates.error_rate)
    assert rows["sla"].base == pytest.approx(total.rates.sla)
    assert rows["cost.per_good_answer"].base == pytest.approx(float(total.cost.per_good_answer))
    assert rows["cost.monthly"].base == pytest.approx(float(total.cost.monthly))
    assert rows["tokens.input"].base == 500
    assert rows["latency.p50"].base == pytest.approx(total.latency.p50, rel=0.02)
    assert rows["latency.p95"].base == pytest.approx(total.latency.p95, rel=0.05)


def test_more_throttling_and_errors_are_worse(sample):
    """Rates are compared, too, and goodput falls with them."""
    found = compare(sample(1, seed=1), sample(2, seed=2, throttled=20, failed=10), Margins())
    verdicts = {row.measure.name: row.verdict for row in found.rows}
    assert {verdicts[name] for name in ("throttle_rate", "error_rate", "sla", "goodput")} == {"worse"}
    assert found.verdict == "worse"


def test_no_failure_seen_is_not_no_failure(sample):
    """None of 600 and none of 600 may still differ: by as much as the requests that these are worth can't rule out."""
    base, new = sample(1, seed=1), sample(2, seed=2)
    found = compare(base, new, Margins())
    low, high = next(row for row in found.rows if row.measure.name == "throttle_rate").difference_ci95
    known = [one.report.total.rates.ci95["throttle_rate"][1] for one in (base, new)]
    assert -max(known) < low < 0 < high < max(known)
    assert high - low > sum(known) / 3


def test_a_run_too_short_has_no_intervals_and_no_verdict(sample):
    """Under thirty seconds figures are compared without intervals, and the result says why it is unclear."""
    found = compare(sample(1, seed=1, seconds=20), sample(2, seed=2, seconds=20, scale=3), Margins())
    assert found.verdict == "unclear"
    assert all(row.verdict == "unclear" and row.difference_ci95 is None for row in found.rows)
    assert any("too short" in note for note in found.notes)
    assert found.shift[0].base_ci95 is None


def test_no_ok_answer_is_unclear_not_a_crash(sample):
    """Without answers there are no latencies; what failed is compared all the same."""
    found = compare(sample(1, seed=1), sample(2, seed=2, ok=False), Margins())
    rows = {row.measure.name: row for row in found.rows}
    assert rows["latency.p95"].verdict == "unclear"
    assert rows["error_rate"].verdict == "worse"
    assert any("no ok answer" in note for note in found.notes)
    assert found.shift == ()


def test_the_shift_of_a_slower_run(sample):
    """Quantiles 1 to 99 of both distributions; all of them move up by what the run is slower."""
    found = compare(sample(1, seed=1, seconds=120), sample(2, seed=2, seconds=120, scale=1.5), Margins())
    latency = [shift for shift in found.shift if shift.metric == "latency"]
    assert [shift.percent for shift in latency] == list(range(1, 100))
    for shift in latency[4:95]:
        assert shift.new_s / shift.base_s == pytest.approx(1.5, rel=0.2)
        assert shift.base_ci95[0] <= shift.base_s <= shift.base_ci95[1]
        assert shift.difference_ci95[0] > 0


def test_a_query_type_that_one_run_lacks(sample, made_run):
    """It is listed, unclear, and says whose it isn't."""
    base, new = sample(1, seed=1), sample(2, seed=2)
    without = Sample(*made_run(seed=2), replace(new.report, by={"query": {}}), price_table({}), seed=2)
    rows = compare(base, without, Margins()).by["query"]["greeting"]
    assert {row.verdict for row in rows} == {"unclear"}
    assert all(row.note.startswith("NEW: none") for row in rows)


def _estimates(sample):
    """Of every percentile that is compared, as `Sample.measures` has them."""
    return {
        f"{metric}.p{percent}": estimate
        for metric in SPREADS
        for percent, estimate in zip(PERCENTS, sample.quantiles(metric, lambda _: True, PERCENTS), strict=True)
    }


def _verdicts(base, new, margin):
    rows = [judge(one, base[one.name], new[one.name], margin) for one in MEASURES if one.name in base]
    return {row.measure.name: row.verdict for row in corrected(rows)}


def test_false_alarms_are_rare(made_run):
    """Of 100 pairs of the same distribution at most one in twenty is called worse, even with no margin at all."""
    runs = [_estimates(Sample(*made_run(seed=n, seconds=40), None, None, seed=n)) for n in range(20)]
    pairs = [(runs[n], runs[(n + step) % 20]) for n in range(20) for step in range(1, 6)]
    alarms = sum("worse" in _verdicts(base, new, 0.0).values() for base, new in pairs)
    assert len(pairs) == 100
    assert alarms <= 5


def test_a_slower_tail_is_found(made_run):
    """Ten minutes, 15 % slower, a margin of 5 %: worse in at least four of five."""
    base = [_estimates(Sample(*made_run(seed=n, seconds=600), None, None, seed=n)) for n in range(5)]
    new = [_estimates(Sample(*made_run(seed=n, seconds=600, scale=1.15), None, None, seed=n)) for n in range(10, 15)]
    found = [_verdicts(one, other, 0.05)["latency.p95"] for one in base for other in new]
    assert found.count("worse") >= 0.8 * len(found)


def test_a_percentile_that_a_run_is_too_short_for_is_unclear(sample):
    """However far it moved: a minute knows its median, not its p95 and p99; the note says what they take."""
    rows = {row.measure.name: row for row in compare(sample(1, seed=1), sample(2, seed=2, scale=2.0), Margins()).rows}
    assert rows["latency.p50"].verdict == "worse"
    for name, takes in (("p95", 117), ("p99", 597)):
        row = rows[f"latency.{name}"]
        assert (row.verdict, row.p, row.difference_ci95) == ("unclear", None, None)
        assert row.note == f"too short for an interval: both 60 s, its {name} takes {takes}"


@pytest.mark.parametrize(
    ("is_open", "worse", "better"),
    [
        ({"base": "above"}, "unclear", "better"),
        ({"base": "below"}, "worse", "unclear"),
        ({"new": "above"}, "worse", "unclear"),
        ({"new": "below"}, "unclear", "better"),
        ({"base": "above", "new": "above"}, "unclear", "unclear"),
    ],
)
def test_an_end_that_is_not_on_record_is_no_reason(is_open, worse, better):
    """A verdict rests on ends that were seen; without both there is no interval, and never the same."""

    def verdict(ratio):
        base, new = (
            replace(one, **({f"is_open_{is_open[name]}": True} if name in is_open else {}))
            for name, one in (("base", _estimate(1.0)), ("new", _estimate(ratio, seed=2)))
        )
        row = judge(LATENCY, base, new, 0.05)
        assert row.difference_ci95 is None
        assert "a longer run would tell" in row.note
        return row.verdict

    assert (verdict(1.2), verdict(1.0), verdict(0.8)) == (worse, "unclear", better)


def test_replicates_that_reach_the_highest_value_make_an_interval_open(sample):
    """What lies beyond is not on record; in the middle of the answers all of it is."""
    one = sample(1, seed=1, seconds=600, per_s=1)
    p50, p99 = one.quantiles("latency", lambda _: True, (50, 99))
    assert (p50.is_open, p99.is_open_above, p99.is_open_below) == (False, True, False)
