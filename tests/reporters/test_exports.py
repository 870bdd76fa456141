"""A run's files for other tools: CSV, HdrHistogram's log, Parquet."""

import re
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from typer.testing import CliRunner

from loadtester.campaign.exports import formats
from loadtester.cli.app import app
from loadtester.errors import Exit, FmloadError
from loadtester.model import Outcome
from loadtester.recorder import Interval, recording
from loadtester.reporters.tables import by_second, csv_text
from loadtester.rundir import read, request_lines

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
FORMATS = ("csv", "hlog", "junit", "json", "parquet", "html")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example run with every export beside it."""
    directory = tmp_path_factory.mktemp("reports") / "example"
    shutil.copytree(EXAMPLE, directory)
    asked = [word for name in FORMATS for word in ("--report", name)]
    ran = CliRunner().invoke(app, ["report", str(directory), "--summary", "none", *asked])
    assert ran.exit_code == 0, ran.output
    return directory


def test_every_format_has_its_file(example):
    """Each --report leaves its file, and no half-written one."""
    files = {path.name for path in example.iterdir()}
    named = {"summary.json", "report.html", "seconds.csv", "parts.csv", "merged.hlog", "junit.xml", "requests.parquet"}
    assert named | {"seconds.parquet"} <= files
    assert not [name for name in files if name.endswith(".part")]


def test_pandas_reads_the_tables_in_a_line(example):
    """Sums of both tables are those of the run; percentiles are numbers or missing."""
    funnel = pd.read_json(example / "summary.json", typ="series")["funnel"]
    seconds = pd.read_csv(example / "seconds.csv")
    parts = pd.read_csv(example / "parts.csv", keep_default_na=False, na_values=[""])
    assert seconds["sent"].sum() == funnel["sent"]
    assert seconds["ok"].sum() == funnel["ok"]
    assert seconds["latency_p50_s"].dtype == np.float64
    by_query = parts[parts["dimension"] == "query"]
    assert by_query["throttled"].sum() == funnel["throttled"] == parts.iloc[0]["throttled"]


def test_the_log_opens_in_the_standard_reader(example):
    """The merged log's histograms, read by HdrHistogram's own package, are the sums of the run's."""
    reader = HistogramLogReader(str(example / "merged.hlog"), HdrHistogram(1, 3_600_000_000, 3))
    found = {}
    while (one := reader.get_next_interval_histogram()) is not None:
        found[one.get_tag()] = one.get_total_count()
    reader.close()
    wanted = {series: one.total for series, one in read(example).recording.histograms().items() if one.total}
    assert sorted(found.values()) == sorted(wanted.values())
    ok = sum(count for tag, count in found.items() if tag.startswith("latency|") and "outcome=ok" in tag)
    assert ok == sum(count for series, count in wanted.items() if series.metric == "latency" and series.is_ok)


def test_the_log_has_the_lines_of_the_java_tool(example):
    """Log format 1.3: comments, a legend, and lines of tag, start, length, maximum in ms and the histogram."""
    lines = (example / "merged.hlog").read_text("ascii").splitlines()
    assert lines[0] == "#[Histogram log format version 1.3]"
    assert re.fullmatch(r"#\[StartTime: \d+\.\d{3} \(seconds since epoch\), .+\]", lines[1])
    assert lines[3] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    for line in lines[4:]:
        assert re.fullmatch(r"Tag=[^,\s]+,0\.000,66\.000,\d+\.\d{3},HISTF[A-Za-z0-9+/]+={0,2}", line)


def test_parquet_has_a_row_a_request(example):
    """The requests as they are in the CSV, with types: whole numbers, text, missing values."""
    table = pd.read_parquet(example / "requests.parquet", dtype_backend="pyarrow")
    plain = pd.read_csv(StringIO("\n".join(request_lines(example))))
    assert list(table.columns) == list(plain.columns)
    assert len(table) == len(plain) == 840
    assert (table["outcome"] == Outcome.THROTTLED.value).sum() == 194
    assert table["first_ns"].isna().sum() == plain["first_ns"].isna().sum()
    assert str(table["due_ns"].dtype) == "int64[pyarrow]"


def test_a_format_that_is_none():
    """A misspelt format is refused before anything is done, with the one that was meant."""
    with pytest.raises(FmloadError, match="cvs is no format") as raised:
        formats(["html", "cvs"])
    assert raised.value.code is Exit.USAGE
    assert "csv" in raised.value.remedy
    assert formats(["csv", "csv"]) == ("csv",)


def test_parquet_without_its_library(monkeypatch):
    """Where pyarrow is missing, the message says how to install it."""
    monkeypatch.setattr("loadtester.campaign.exports.find_spec", lambda _: None)
    with pytest.raises(FmloadError, match="pyarrow") as raised:
        formats(["parquet"])
    assert "fmload[parquet]" in raised.value.remedy


def test_what_looks_like_a_formula_is_text():
    """A spreadsheet doesn't run the name of a query type."""
    assert csv_text([{"value": "=1+1", "usd": None}]) == "value,usd\n'=1+1,\n"
    assert csv_text([]) == ""


def test_seconds_are_without_the_warm_up():
    """What was due in it has no outcome there, so it is neither planned nor sent."""
    (row,) = by_second(recording([Interval(0, planned=10, sent=9, in_flight=4, warm_planned=7, warm_sent=6)]))
    assert (row["planned"], row["sent"], row["in_flight"]) == (3, 3, 4)
