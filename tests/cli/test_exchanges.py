"""`fmload report RUN --exchanges` prints what was kept, or says why there is nothing."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from loadtester.cli.app import app
from loadtester.errors import FmloadError
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Interval, Keeper, KeepingProbe
from loadtester.rundir import SCHEMA, Writer


def run_directory(tmp_path, keep, n_kept):
    manifest = {"schema": SCHEMA, "scenario": {"output": {"keep": keep}}}
    writer = Writer(tmp_path / "run", manifest, datetime.now(UTC))
    keeper = Keeper(20, seed=1, redact=str)
    for number in range(n_kept):
        probe = KeepingProbe(lambda: 0, number)
        probe.chunk(3, "Yes")
        request = Request(number, "greeting", "ai", "m", "Hello?", "s", 1, 10, "en")
        keeper.add(request, probe, Ending(Outcome.OK), None, None)
    writer.write(Interval(0, exchanges=keeper.take()), b"")
    writer.close()
    return str(tmp_path / "run")


def test_it_prints_them_and_nothing_else(tmp_path):
    """Text for people, and one JSON object a line where that is asked for; the run is not judged again."""
    directory = run_directory(tmp_path, 20, 2)
    text = CliRunner().invoke(app, ["report", directory, "--exchanges"])
    assert (text.exit_code, text.stdout.startswith("ok (2)\n\nrequest 0: greeting")) == (0, True)
    lines = CliRunner().invoke(app, ["report", directory, "--exchanges", "--summary", "json"]).stdout.splitlines()
    assert [(one["id"], one["prompt"], one["answer"]) for one in map(json.loads, lines)] == [
        (0, "Hello?", "Yes"),
        (1, "Hello?", "Yes"),
    ]
    assert not (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize(("keep", "words"), [(0, "--keep 20"), (20, "no request was sent")])
def test_nothing_kept_is_a_fault_with_a_remedy(tmp_path, keep, words):
    """A run that was to keep none is told apart from one that had none."""
    told = CliRunner().invoke(app, ["report", run_directory(tmp_path, keep, 0), "--exchanges"])
    assert isinstance(told.exception, FmloadError)
    assert words in told.exception.remedy
