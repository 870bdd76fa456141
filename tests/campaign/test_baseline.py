"""A run held against its baseline: the comparison is a part of its own report, wherever that is read."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from loadtester import campaign
from loadtester.campaign.campaign import judged
from loadtester.errors import Exit
from loadtester.reporters import exit_code
from loadtester.rundir import Writer


@pytest.fixture
def run(made_run, tmp_path):
    """A run directory whose run has ended, but is not judged; each begins a minute after the one before."""
    made = []

    def make(name, **shape):
        manifest, recording = made_run(**({"seconds": 30, "load__seed": 1} | shape))
        started_at = datetime(2026, 11, 21, 7, len(made), tzinfo=UTC)
        made.append(name)
        manifest = manifest | {"id": name, "started_at": started_at.isoformat()}
        writer = Writer(tmp_path / name, manifest, started_at)
        for interval in recording.intervals:
            writer.write(interval, b"")
        writer.update_manifest(status=manifest["status"])
        writer.close()
        return tmp_path / name

    return make


def _judge(directory, baseline=None, exports=()):
    said = []
    report = judged(directory, {}, said.append, exports=exports, baseline=baseline)
    assert all("requests.csv.gz" in text for text in said)  # of which these runs have none
    return report


def _json(directory, name="summary.json"):
    return json.loads((directory / name).read_text("utf-8"))


def test_a_worse_run_fails_wherever_it_is_read(run):
    """Exit code 99 in report, summary and manifest; the rows in summary.json, JUnit and the page."""
    _judge(run("base"))
    new = run("new", seed=2, scale=2.0)
    report = _judge(new, "latest-good", ["junit"])
    summary = _json(new)
    assert exit_code(report) == summary["run"]["exit_code"] == Exit.THRESHOLD
    assert summary["run"]["exit_codes"] == _json(new, "manifest.json")["exit_codes"] == [99]
    assert _json(new, "manifest.json")["baseline"] == "base"
    found = summary["comparison"]
    assert (found["verdict"], found["baseline"], found["why_not"]) == ("worse", "base", "")
    rows = {row["measure"]: row["verdict"] for row in found["rows"]}
    assert rows["latency.p50"] == "worse"
    suite = ET.parse(new / "junit.xml").getroot()[0]  # noqa: S314  our own file
    failures = {case.get("name") for case in suite.findall("testcase") if case.find("failure") is not None}
    assert failures == {name for name, verdict in rows.items() if verdict == "worse"}
    page = (new / "report.html").read_text("utf-8")
    assert "Against the baseline" in page
    assert "▼ worse" in page


def test_a_like_run_passes(run):
    """Its comparison is in the report, and changes no exit code; the code is no 99."""
    _judge(run("base"))
    new = run("new", seed=2)
    assert exit_code(_judge(new, "latest-good")) == 0
    assert _json(new)["comparison"]["verdict"] in ("same", "unclear")
    assert _json(new, "manifest.json")["exit_codes"] == []


def test_a_worse_run_is_no_baseline(run):
    """What is worse than the last good run is no good run: the next one is held against the one before it."""
    _judge(run("base"))
    _judge(run("worse", seed=2, scale=2.0), "latest-good")
    still = _judge(run("still", seed=3, scale=2.0), "latest-good")
    assert (still.against.baseline, still.against.is_worse) == ("base", True)
    better = _judge(run("better", seed=4), "latest-good")
    assert (better.against.baseline, better.against.is_worse) == ("base", False)
    assert _judge(run("after", seed=5), "latest-good").against.baseline == "better"


def test_a_run_judged_again_is_compared_again(run):
    """`fmload report` keeps the comparison and its code, also where all the directories have moved."""
    base, new = run("base"), run("new", seed=2, scale=2.0)
    _judge(base)
    _judge(new, str(base))
    moved = new.parent / "elsewhere"
    moved.mkdir()
    for directory in (base, new):
        directory.rename(moved / directory.name)
    report = campaign.report(moved / "new", print)
    assert (report.against.baseline, exit_code(report)) == ("base", Exit.THRESHOLD)


def test_why_there_is_no_comparison_is_said(run):
    """No run before it, another workload, a baseline that is gone: in the report, and no failure by itself."""
    first = run("first")
    assert "no good run" in _judge(first, "latest-good").against.why_not
    other = run("other", seed=2, load__rate_per_s=99)
    assert "no good run" in _judge(other, "latest-good").against.why_not
    found = _judge(other, str(first)).against
    assert (found.baseline, found.comparison) == ("first", None)
    assert "rate" in found.why_not
    assert not found.why_not.startswith(("-", "these runs"))
    several = run("several", seed=2, load__rate_per_s=99, load__seed=2, status="interrupted")
    why_not = _judge(several, str(first)).against.why_not
    assert len(why_not.split("; ")) > 1
    assert " - " not in why_not
    for file in first.iterdir():
        file.unlink()
    report = campaign.report(other, print)
    assert (exit_code(report), report.against.comparison) == (0, None)
    assert _json(other)["comparison"]["why_not"] == report.against.why_not
    assert "Not compared: " in (other / "report.html").read_text("utf-8")
