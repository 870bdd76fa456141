"""A run directory gives back what was written into it, and can be read wherever it was cut."""

import csv
import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import COLUMNS, Cell, Interval, count_ns, packed
from loadtester.rundir import SCHEMA, Writer, new_directory, read, request_lines, require_writable

NOW = datetime(2026, 11, 21, 7, 30, 5, tzinfo=UTC)
SERIES = Series("latency", "a, b|c=d", "ai", "us.anthropic.x-v1:0", is_ok=True)
OTHER = Series("ttft", "greeting", "ai", "m", is_ok=False)


def _interval(second):
    return Interval(
        second=second,
        planned=3,
        sent=2,
        in_flight=1,
        cpu_s=0.25,
        stall_s=0.001,
        failures={(Outcome.DROPPED, "cap, \u2028"): 1},
        cells={
            CellKey("a, b|c=d", "ai", "m", "m", Outcome.OK): Cell(
                count=2, sent=2, in_slo=1, input=10, output=20, usd=Decimal("0.000375")
            ),
            CellKey("q\u2028\n", "ai", "m", "", Outcome.DROPPED): Cell(count=1),
        },
        counts={
            SERIES: count_ns(np.array([1_000_000 + second, 5_000_000_000])),
            OTHER: count_ns(np.array([10**13])),
        },
    )


def _written(tmp_path, seconds):
    writer = Writer(tmp_path / "run", {"schema": SCHEMA, "id": "run"}, NOW)
    for second in range(seconds):
        writer.write(_interval(second), packed([f"{second}" + "," * (len(COLUMNS) - 1)]))
    writer.close()
    return tmp_path / "run"


def test_what_is_written_is_read(tmp_path):
    """Every second comes back: counters, money and histograms, hostile names and clipped values too."""
    run = read(_written(tmp_path, 3))
    assert [interval.second for interval in run.recording.intervals] == [0, 1, 2]
    for got, put in zip(run.recording.intervals, map(_interval, range(3)), strict=True):
        assert (got.cells, got.failures) == (put.cells, put.failures)
        assert (got.planned, got.sent, got.in_flight, got.cpu_s, got.stall_s) == (3, 2, 1, 0.25, 0.001)
        assert set(got.counts) == set(put.counts)
        for series, counts in put.counts.items():
            assert got.counts[series].indices.tolist() == counts.indices.tolist()
            assert got.counts[series].counts.tolist() == counts.counts.tolist()
            assert got.counts[series].clipped == counts.clipped


def test_runs_of_earlier_versions_are_read(tmp_path):
    """A counter that a version did not have yet counts nothing; the others are as they were."""
    path = _written(tmp_path, 1)
    second = json.loads((path / "timeline.ndjson").read_text())
    for cell in second["cells"]:
        del cell["exact_hits"], cell["semantic_hits"]
    (path / "timeline.ndjson").write_text(json.dumps(second) + "\n")
    (interval,) = read(path).recording.intervals
    assert interval.cells == _interval(0).cells


@pytest.mark.parametrize("name", ["timeline.ndjson", "intervals.hlog", "requests.csv.gz"])
def test_cut_anywhere_it_stays_readable(tmp_path, name):
    """Whatever byte a file was cut at, the whole seconds before the cut are there and nothing is made up."""
    path = _written(tmp_path, 4)
    whole, written = (path / name).read_bytes(), list(request_lines(path))
    assert len(written) == 5
    header = len(whole) if name != "intervals.hlog" else whole.index(b"Tag=")
    for size in {*range(0, len(whole), max(1, len(whole) // 97)), header}:
        (path / name).write_bytes(whole[:size])
        seconds = [interval.second for interval in read(path).recording.intervals]
        assert seconds == list(range(len(seconds)))
        rows = list(request_lines(path))
        assert rows == written[: len(rows)]


def test_requests_file_is_plain_gzip_csv(tmp_path):
    """Standard tools read the requests file."""
    path = _written(tmp_path, 2)
    rows = list(csv.DictReader(io.StringIO(gzip.decompress((path / "requests.csv.gz").read_bytes()).decode())))
    assert [row["id"] for row in rows] == ["0", "1"]


def test_second_without_its_timeline_line_is_left_out(tmp_path):
    """Histograms of a second that was not finished do not count."""
    path = _written(tmp_path, 2)
    lines = (path / "timeline.ndjson").read_bytes().splitlines(keepends=True)
    (path / "timeline.ndjson").write_bytes(lines[0])
    assert [interval.second for interval in read(path).recording.intervals] == [0]


def test_broken_line_in_the_middle_is_named(tmp_path):
    """A line edited by hand is reported with its number, not skipped."""
    path = _written(tmp_path, 3)
    lines = (path / "timeline.ndjson").read_bytes().splitlines(keepends=True)
    (path / "timeline.ndjson").write_bytes(lines[0] + b"{oops}\n" + lines[2])
    with pytest.raises(FmloadError, match="line 2"):
        read(path)


@pytest.mark.parametrize("manifest", [None, "", "[]", '{"schema": 99}'])
def test_not_a_run_directory(tmp_path, manifest):
    """A directory without a manifest of a known schema is refused with what to do."""
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(FmloadError) as caught:
        read(tmp_path)
    assert caught.value.code is Exit.INPUT
    assert caught.value.remedy


def test_manifest_is_replaced_whole(tmp_path):
    """A manifest update keeps what was there."""
    writer = Writer(tmp_path / "run", {"schema": SCHEMA, "id": "x"}, NOW)
    writer.update_manifest(status="complete")
    writer.close()
    assert json.loads((tmp_path / "run" / "manifest.json").read_text()) == {
        "schema": SCHEMA,
        "id": "x",
        "status": "complete",
    }


def test_directory_names_are_safe_and_free(tmp_path):
    """A name with anything in it becomes one directory under the root; a taken one gets a number."""
    first = new_directory(tmp_path, "../a b/c", NOW)
    assert first.parent == tmp_path
    assert first.name == "2026-11-21T07-30-05Z-..-a-b-c"
    assert new_directory(tmp_path, "../a b/c", NOW).name == first.name + "-2"


def test_runs_that_start_at_once_have_a_directory_each(tmp_path):
    """What is given is there already, and empty: nobody else is given it, however many ask in the same moment."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: new_directory(tmp_path / "reports", "spike", NOW), range(16)))
    assert len(set(made)) == len(made)
    assert sorted((tmp_path / "reports").iterdir()) == sorted(made)


@pytest.mark.parametrize("name", ["n" * 400, "夜" * 100, "é" + "夜" * 100, "\udcff" * 100])
def test_a_long_name_is_cut_to_what_a_file_system_takes(tmp_path, name):
    """255 bytes, whatever its letters take, with room for a number."""
    first, second = (new_directory(tmp_path, name, NOW) for _ in range(2))
    assert len(second.name.encode()) <= 255
    assert second.name == first.name + "-2"


def test_a_directory_that_cannot_be_made_is_said(tmp_path):
    """With the place, and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FmloadError, match="cannot write") as caught:
        new_directory(tmp_path / "file", "spike", NOW)
    assert "--out" in caught.value.remedy


def test_bytes_that_are_no_text_are_written_as_question_marks(tmp_path):
    """A command line may hold any byte, and Python gives half a character for it: no report could hold that."""
    writer = Writer(tmp_path / "run", {"schema": SCHEMA, "id": "run", "command": ["-f", "f\udcff.yaml"]}, NOW)
    writer.close()
    assert read(tmp_path / "run").manifest["command"] == ["-f", "f?.yaml"]


def test_unwritable_root_is_said_before_the_run(tmp_path):
    """A root that is a file can't hold run directories."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FmloadError, match="cannot write"):
        require_writable(tmp_path / "file" / "reports")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_full_disk_is_an_error_with_a_remedy(tmp_path):
    """A disk that is full stops the run with a message, like a limit."""
    writer = Writer(tmp_path / "run", {"schema": SCHEMA}, NOW)
    writer._timeline.close()
    writer._timeline = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115  closed with the writer
    with pytest.raises(FmloadError, match="No space left") as caught:
        writer.write(_interval(0), b"")
    assert caught.value.code is Exit.BUDGET
    writer.close()


def test_a_warm_up_is_read_as_it_was_written(tmp_path):
    """Its counters come back apart from the others; a second that has none of it doesn't say so."""
    warm = {CellKey("greeting", "ai", "m", "m", Outcome.OK): Cell(count=2, sent=2, usd=Decimal("0.5"))}
    writer = Writer(tmp_path / "run", {"schema": SCHEMA, "id": "run"}, NOW)
    writer.write(replace(_interval(0), warm_planned=3, warm_sent=2, warm=warm), packed([]))
    writer.write(_interval(1), packed([]))
    writer.close()
    first, second = read(tmp_path / "run").recording.intervals
    assert (first.warm_planned, first.warm_sent, first.warm) == (3, 2, warm)
    assert (second.warm_planned, second.warm_sent, second.warm) == (0, 0, {})
    assert first.cells == second.cells == _interval(0).cells
    lines = (tmp_path / "run" / "timeline.ndjson").read_text().splitlines()
    assert ["warm" in json.loads(line) for line in lines] == [True, False]
