"""The history's page: trends of what counts, marks where they changed, and every run in the list."""

from datetime import UTC, datetime, timedelta

from loadtester.analysis.comparison.trends import trends
from loadtester.reporters.history_text import history_json, history_text, sparkline
from loadtester.rundir.history import Entry, Skipped


def _entry(night, p95, *, name="load", verdict="valid", status="complete", workload="w"):
    figures = {"latency_p95_s": p95, "ttft_p95_s": None, "throttle_rate": 0.0, "usd_per_good_answer": 0.003}
    return Entry(
        directory=f"night-{night}",
        name=name,
        target="chat.example",
        started_at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=night),
        status=status,
        verdict=verdict,
        held=True,
        exit_code=0,
        duration_s=60.0,
        workload=workload,
        figures=figures,
        by_kind={},
        stamp=(),
    )


def _slower():
    """Ten nights at about 1 s, ten at about 1.5 s, and an invalid and a broken one that were far slower."""
    nights = [_entry(night, (1.0 if night < 10 else 1.5) + night % 3 * 0.01) for night in range(20)]
    odd = [_entry(20, 99.0, verdict="invalid"), _entry(21, 99.0, status="interrupted")]
    return [*nights, *odd]


def test_a_change_is_marked_with_its_first_run():
    """From when, in which directory, from what to what; runs that don't count are listed with a dot."""
    (trend,) = trends(_slower())
    page = history_text([trend], [])
    assert page.startswith("load → chat.example: 22 runs, 2 left out of the trend (·)\n")
    assert "▲ p95 worse since 2026-11-11 (night-10): 1.010 s → 1.510 s" in page
    assert page.count("▲") == 1
    assert sum(line.startswith("  ·") for line in page.splitlines()) == 2
    assert "highest 1.520 s" in page
    assert "first token" not in page


def test_json_has_all_of_it():
    """Runs with whether they count, series, changes, and what was skipped."""
    found = history_json(trends(_slower()), [Skipped("odd", "no run directory")])
    (scenario,) = found["scenarios"]
    assert [run["is_counted"] for run in scenario["runs"]] == [True] * 20 + [False] * 2
    (change,) = scenario["trends"]["latency_p95_s"]["changes"]
    assert (change["first"], change["verdict"]) == ("night-10", "worse")
    assert len(scenario["trends"]["latency_p95_s"]["values"]) == 20
    assert scenario["trends"]["ttft_p95_s"]["values"] == []
    assert found["skipped"] == [{"directory": "odd", "reason": "no run directory"}]


def test_unlike_runs_have_trends_of_their_own():
    """Another workload under the same name is another series; the one that ran last comes last."""
    found = trends([_entry(0, 1.0), _entry(1, 5.0, workload="other"), _entry(2, 1.0)])
    assert [(trend.workload, len(trend.entries)) for trend in found] == [("other", 1), ("w", 2)]


def test_a_long_list_of_skipped_directories_is_cut():
    """Twenty are named, the rest counted."""
    page = history_text([], [Skipped(f"d{number}", "foreign") for number in range(25)])
    assert page.startswith("no runs\n")
    assert page.count("skipped d") == 20
    assert "and 5 more were skipped" in page


def test_a_sparkline_goes_from_the_lowest_to_the_highest():
    """Flat where values are equal, empty where there are none, and of the last thirty only."""
    assert sparkline([1, 2, 3]) == "▁▅█"
    assert sparkline([7, 7]) == "▁▁"
    assert sparkline([]) == ""
    assert len(sparkline(list(range(50)))) == 30
