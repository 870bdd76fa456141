"""A run directory whose files don't agree is refused, or cut to where they do: its figures would be wrong."""

import json
from datetime import UTC, datetime

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.recorder import packed
from loadtester.rundir import Writer, read

SECONDS = 20
NOW = datetime(2026, 11, 21, 7, 30, 5, tzinfo=UTC)


@pytest.fixture
def written(made_run, tmp_path):
    """Writes a run of 20 s, 10/s; `changes` are of its manifest."""

    def write(**changes):
        manifest, recording = made_run(seconds=SECONDS, failed=10)
        writer = Writer(tmp_path / "run", manifest, NOW)
        for interval in recording.intervals:
            writer.write(interval, packed([]))
        writer.update_manifest(**{"status": "complete", **changes})
        writer.close()
        return tmp_path / "run"

    return write


def _cut(path, keep):
    """Keep these of its lines, by their place among those that are not its header."""
    lines = path.read_bytes().splitlines(keepends=True)
    head = [line for line in lines if line.startswith((b"#", b'"'))]
    rest = lines[len(head) :]
    path.write_bytes(b"".join(head + [line for place, line in enumerate(rest) if keep(place, len(rest))]))


def _refused(directory):
    with pytest.raises(FmloadError) as caught:
        read(directory)
    assert caught.value.code is Exit.INPUT
    assert "copy" in caught.value.remedy
    return caught.value.message


def test_what_was_written_whole_is_read(written):
    """Failures have no latency of an ok answer, and are not missed."""
    assert len(read(written()).recording.intervals) == SECONDS


def test_histograms_that_lost_lines_are_refused(written):
    """At the end, in the middle or at the start."""
    for keep in (lambda i, n: i < 0.55 * n, lambda i, _: not 10 <= i < 12, lambda i, _: i >= 2):
        directory = written()
        _cut(directory / "intervals.hlog", keep)
        message = _refused(directory)
        assert "intervals.hlog has 0 latencies of second" in message
        assert "requests ended ok" in message


@pytest.mark.parametrize("tag", [b"Tag=ttft|", b"Tag=ttft|query=greeting"])
def test_a_run_that_lost_other_histograms_is_refused(written, tag):
    """Each second says how many it has: a metric that is gone, or thinned out, is no metric that never was."""
    for keep in (0, 2):
        directory = written()
        path = directory / "intervals.hlog"
        seen, kept = 0, []
        for line in path.read_bytes().splitlines(keepends=True):
            seen += tag in line
            if tag not in line or (keep and seen % keep):
                kept.append(line)
        assert len(kept) < len(path.read_bytes().splitlines())
        path.write_bytes(b"".join(kept))
        assert "intervals.hlog has " in _refused(directory)


def test_a_run_of_an_earlier_version_does_not_tell_of_histograms(written):
    """Its seconds are held to the latencies of ok answers alone."""
    directory = written()
    path = directory / "timeline.ndjson"
    seconds = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(second.pop("histograms") for second in seconds)
    path.write_text("".join(json.dumps(second) + "\n" for second in seconds))
    assert len(read(directory).recording.intervals) == SECONDS


def test_a_second_beyond_numbers_is_refused(written):
    """What no clock could say was edited, killed or not."""
    directory = written(status="running")
    path = directory / "intervals.hlog"
    path.write_bytes(path.read_bytes().replace(b",3.000,", b",1e300,"))
    assert "intervals.hlog" in _refused(directory)


def test_a_timeline_that_lost_its_end_is_refused(written):
    """What was planned is missing, be it a half or the last second."""
    directory = written()
    _cut(directory / "timeline.ndjson", lambda i, n: i < n / 2)
    assert "timeline.ndjson has 100 of the 200 requests that were planned" in _refused(directory)
    directory = written()
    _cut(directory / "timeline.ndjson", lambda i, n: i < n - 1)
    assert "timeline.ndjson has 190 of the 200 requests that were planned" in _refused(directory)


def test_users_plan_no_requests(written):
    """A second of theirs that is missing at the end is seen by its histograms."""
    plan = {"requests": None, "users": 5, "duration_s": 20.0}
    assert len(read(written(plan=plan)).recording.intervals) == SECONDS
    directory = written(plan=plan)
    _cut(directory / "timeline.ndjson", lambda i, n: i < n - 1)
    assert "timeline.ndjson lacks second 19" in _refused(directory)


def test_a_run_ends_when_nothing_is_in_flight(written):
    """Where both files lost the same seconds, what was still under way tells; a stall at the end loses none."""
    directory = written(plan={"requests": None, "users": 5, "duration_s": 20.0})
    _cut(directory / "timeline.ndjson", lambda i, n: i < n / 2)
    _cut(directory / "intervals.hlog", lambda i, n: i < n / 2)
    assert len(read(directory).recording.intervals) == SECONDS / 2
    path = directory / "timeline.ndjson"
    path.write_text(path.read_text().replace('"in_flight": 0', '"in_flight": 3'))
    assert "timeline.ndjson ends after 10 s, and the run took 20.0 s" in _refused(directory)


def test_a_second_that_is_missing_or_twice_there_is_refused(written):
    """Whatever became of the run: seconds are written one after the other."""
    for status in ("complete", "running", "interrupted"):
        directory = written(status=status)
        _cut(directory / "timeline.ndjson", lambda i, _: i != 7)
        assert "timeline.ndjson, line 8: second 8, where second 7 should be" in _refused(directory)
    path = written() / "timeline.ndjson"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:5], lines[4], *lines[5:]]))
    assert "line 6: second 4, where second 5 should be" in _refused(path.parent)


@pytest.mark.parametrize("status", ["running", "aborted"])
def test_a_killed_run_goes_as_far_as_both_files_do(written, status):
    """Its files may end anywhere, but have no holes."""
    directory = written(status=status)
    _cut(directory / "timeline.ndjson", lambda i, _: i < 15)
    assert len(read(directory).recording.intervals) == 15
    _cut(directory / "intervals.hlog", lambda i, _: i < 2 * 10)
    seconds = read(directory).recording.intervals
    assert len(seconds) == 10
    assert all(one.counts for one in seconds)
    directory = written(status=status)
    _cut(directory / "intervals.hlog", lambda i, _: i not in (10, 11))
    assert "0 latencies of second 5" in _refused(directory)


def test_an_interrupted_run_need_not_have_sent_its_plan(written):
    """But what it did send is there."""
    directory = written(status="interrupted", plan={"requests": 900, "users": None, "duration_s": 90.0}, stopped_s=20.0)
    assert len(read(directory).recording.intervals) == SECONDS
    _cut(directory / "intervals.hlog", lambda i, n: i < n / 2)
    _refused(directory)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda second: second.update(planned=-1), "planned is below 0"),
        (lambda second: second["cells"][0].update(sent=-4), "sent is below 0"),
        (lambda second: second["cells"][0].update(usd="-1"), "usd is no amount"),
        (lambda second: second["cells"][0].update(usd="NaN"), "usd is no amount"),
    ],
)
def test_no_counter_is_negative(written, change, what):
    """The line is named."""
    path = written() / "timeline.ndjson"
    lines = path.read_text().splitlines(keepends=True)
    second = json.loads(lines[3])
    change(second)
    path.write_text("".join([*lines[:3], json.dumps(second) + "\n", *lines[4:]]))
    message = _refused_anyhow(path.parent)
    assert "line 4" in message
    assert what in message


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"outcome=ok", b"outcom=ok", "its tag names no series"),
        (b",3.000,", b",three,", "its start is no number of seconds"),
        (b",1.000,", b",", "4 fields, where a line has 5"),
        (b"HISTF", b"HIST", "its histogram was cut or changed"),
    ],
)
def test_a_broken_histogram_says_what_is_wrong(written, old, new, what):
    """In words, with the number of its line."""
    path = written() / "intervals.hlog"
    lines = path.read_bytes().splitlines(keepends=True)
    place = next(place for place, line in enumerate(lines) if b",3.000," in line)
    assert old in lines[place]
    lines[place] = lines[place].replace(old, new, 1)
    path.write_bytes(b"".join(lines))
    message = _refused_anyhow(path.parent)
    assert f"line {place + 1}: " in message
    assert what in message


def _refused_anyhow(directory):
    with pytest.raises(FmloadError) as caught:
        read(directory)
    assert caught.value.code is Exit.INPUT
    return caught.value.message
