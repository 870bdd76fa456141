"""The history is what lies on the disk; its file is a cache that may be stale, cut, foreign or impossible."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loadtester.errors import FmloadError
from loadtester.rundir.history import CACHE, entry_of, history, latest_good

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


def _run(root, label, *, started=0, p95=1.0, change=None, **manifest):
    """A run directory like the example's, so many nights later."""
    directory = root / label
    directory.mkdir(parents=True)
    made = json.loads((EXAMPLE / "manifest.json").read_text("utf-8")) | manifest
    made["started_at"] = (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=started)).isoformat()
    summary = json.loads((EXAMPLE / "summary.json").read_text("utf-8"))
    summary["thresholds"] = []
    summary["latency_s"]["p95"] = p95
    if change is not None:
        change(made, summary)
    (directory / "manifest.json").write_text(json.dumps(made), "utf-8")
    (directory / "summary.json").write_text(json.dumps(summary), "utf-8")
    return directory


def test_runs_are_listed_the_oldest_first(tmp_path):
    """Whatever their directories are called; each with its figures, also by kind, and a cache is left."""
    _run(tmp_path, "a", started=2, p95=3.0)
    _run(tmp_path, "b", started=1, p95=2.0)
    found = history(tmp_path)
    assert [(entry.directory, entry.figures["latency_p95_s"]) for entry in found.entries] == [("b", 2.0), ("a", 3.0)]
    assert found.entries[0].by_kind["ai"]["requests"] == 840
    assert found.skipped == ()
    assert (tmp_path / CACHE).exists()
    assert history(tmp_path) == found


def test_the_cache_saves_reading_and_is_made_anew_where_it_is_stale(tmp_path, monkeypatch):
    """An untouched run is not read again; one that was judged anew, added or taken away is noticed."""
    kept, gone = _run(tmp_path, "a"), _run(tmp_path, "b")
    history(tmp_path)
    read = []
    monkeypatch.setattr("loadtester.rundir.history.entry_of", lambda path: read.append(path.name) or entry_of(path))
    history(tmp_path)
    assert read == []
    summary = json.loads((kept / "summary.json").read_text())
    summary["latency_s"]["p95"] = 77.25
    (kept / "summary.json").write_text(json.dumps(summary))
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    _run(tmp_path, "c", started=5)
    found = history(tmp_path)
    assert read == ["a", "c"]
    assert [entry.figures["latency_p95_s"] for entry in found.entries] == [77.25, 1.0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda _: b"",
        lambda _: b"\x00\xff not json\n{}\n[1]\n",
        lambda data: data.replace(b"[1,", b"[999,"),
        lambda data: data + data[:40],
    ],
)
def test_a_spoilt_cache_is_passed_over(tmp_path, spoil):
    """Cut lines, other layouts and garbage cost a reading, never the history."""
    _run(tmp_path, "a")
    _run(tmp_path, "b", started=1)
    found = history(tmp_path)
    cache = tmp_path / CACHE
    cache.write_bytes(spoil(cache.read_bytes()))
    assert history(tmp_path) == found


def test_what_cannot_be_read_is_skipped_with_the_reason(tmp_path):
    """Foreign, unfinished, broken and older ones are named; hidden ones, nights, searches and files are not ours."""
    _run(tmp_path, "good")
    (tmp_path / "foreign").mkdir()
    (_run(tmp_path, "killed") / "summary.json").unlink()
    (_run(tmp_path, "cut") / "summary.json").write_text('{"schema": 1, "run"')
    (_run(tmp_path, "list") / "manifest.json").write_text("[]")
    _run(tmp_path, "old", schema=0)
    _run(tmp_path, "bare", change=lambda _, summary: summary.pop("validity"))
    _run(tmp_path, "when", change=lambda made, _: made.update(started_at="yesterday"))
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "night.json").write_text("{}")
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "search.json").write_text("{}")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("")
    found = history(tmp_path)
    assert [entry.directory for entry in found.entries] == ["good"]
    reasons = {one.directory: one.reason for one in found.skipped}
    assert set(reasons) == {"foreign", "killed", "cut", "list", "old", "bare", "when"}
    assert "no manifest.json" in reasons["foreign"]
    assert f"fmload report {tmp_path / 'killed'}" in reasons["killed"]
    assert reasons["cut"] == "summary.json is not whole JSON"
    assert "schema 0" in reasons["old"]
    assert "'validity'" in reasons["bare"]


def test_a_directory_that_is_not_there_is_an_error(tmp_path):
    """Missing, or a file: the message names it; an empty one has an empty history."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(FmloadError, match=path.name):
            history(path)
    (tmp_path / "empty").mkdir()
    assert history(tmp_path / "empty").entries == ()


def test_a_full_disk_costs_only_the_cache(tmp_path, monkeypatch):
    """Where the cache can't be written the history is whole, says so, and leaves nothing half written."""
    _run(tmp_path, "a")

    def full(_path, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    found = history(tmp_path)
    assert [entry.directory for entry in found.entries] == ["a"]
    assert "No space left" in found.cache_fault
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_several_writers_leave_a_whole_cache(tmp_path):
    """Eight at once: the cache is one writer's, whole, and every one of them has the whole history."""
    for number in range(6):
        _run(tmp_path, f"run-{number}", started=number)
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(len(history(tmp_path).entries))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [6] * 8
    assert len((tmp_path / CACHE).read_bytes().splitlines()) == 6
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [CACHE]


def test_the_last_good_run_is_valid_complete_and_held_its_thresholds(tmp_path):
    """Anything else is passed over, as are later runs, other scenarios and other targets."""

    def verdict(word):
        return lambda _, summary: summary["validity"].update(verdict=word)

    def failed(_, summary):
        summary["thresholds"] = [{"expression": "latency:p(95)<1s", "verdict": "fail"}]

    def elsewhere(made, _):
        made["scenario"]["target"]["url"] = "wss://other.example/ws"

    def as_before(made, _):
        made["scenario"]["load"]["workers"] = 4

    _run(tmp_path, "older", started=0)
    _run(tmp_path, "good", started=1, change=as_before)
    _run(tmp_path, "invalid", started=2, change=verdict("invalid"))
    _run(tmp_path, "suspect", started=3, change=verdict("suspect"))
    _run(tmp_path, "failed", started=4, change=failed)
    _run(tmp_path, "half", started=5, status="interrupted")
    _run(tmp_path, "other", started=6, name="load")
    _run(tmp_path, "elsewhere", started=7, change=elsewhere)
    _run(tmp_path, "mine", started=8)
    _run(tmp_path, "later", started=9)
    entries = {entry.directory: entry for entry in history(tmp_path).entries}
    assert latest_good(entries.values(), entries["mine"]) == entries["good"]
    assert latest_good(entries.values(), entries["later"]) == entries["mine"]
    assert latest_good(entries.values(), entries["older"]) is None
    assert latest_good(entries.values(), entries["elsewhere"]) is None
