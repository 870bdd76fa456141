"""`fmload compare` as a person runs it, on good runs and on bad ones."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from loadtester.cli.app import app
from loadtester.errors import Exit, FmloadError
from loadtester.rundir import Writer


@pytest.fixture
def run(made_run, tmp_path):
    """A run directory as `fmload run` leaves it."""

    def make(name, **shape):
        manifest, recording = made_run(**({"seconds": 30} | shape))
        writer = Writer(tmp_path / name, manifest, datetime(2026, 11, 21, tzinfo=UTC))
        for interval in recording.intervals:
            writer.write(interval, b"")
        writer.update_manifest(status=manifest["status"])
        writer.close()
        return tmp_path / name

    return make


def _compare(*args):
    return CliRunner().invoke(app, ["compare", *map(str, args)])


def _refused(*args):
    done = _compare(*args)
    assert isinstance(done.exception, FmloadError), done.output
    return done.exception


def test_a_slower_run_fails(run):
    """Exit 99, with what is worse in the first line."""
    done = _compare(run("base", seed=1), run("new", seed=2, scale=2.0))
    assert done.exit_code == Exit.THRESHOLD
    assert done.stdout.startswith("worse: latency.p50")
    assert "rows looked at" in done.stdout


def test_a_like_run_passes_unless_unclear_fails(run):
    """Two runs of half a minute can't be told apart within 5 %: 0, and 99 where that was asked for."""
    base, new = run("base", seed=1), run("new", seed=2)
    assert _compare(base, new).exit_code == 0
    assert _compare(base, new, "--fail-on", "unclear").exit_code == Exit.THRESHOLD


def test_several_runs_against_one(run):
    """Each has its own verdict; one worse is enough to fail."""
    base = run("base", seed=1)
    done = _compare(base, run("b", seed=2), run("c", seed=3, scale=2.0), "--summary", "json")
    found = json.loads(done.stdout)
    assert [one["verdict"] for one in found["comparisons"]] == ["unclear", "worse"]
    assert done.exit_code == Exit.THRESHOLD


def test_json_to_a_file(run, tmp_path):
    """`--out` takes it, stdout stays empty; every row has its interval, and the shift its 99 quantiles."""
    done = _compare(run("base", seed=1), run("new", seed=2), "--summary", "json", "--out", tmp_path / "c.json")
    found = json.loads((tmp_path / "c.json").read_text())["comparisons"][0]
    assert done.stdout == ""
    assert found["rows"][0]["measure"] == "latency.p50"
    assert len(found["rows"][0]["difference_ci95"]) == 2
    assert len([one for one in found["shift"] if one["metric"] == "latency"]) == 99


def test_a_file_that_cannot_be_written(run, tmp_path):
    """A message, not a traceback."""
    error = _refused(run("base", seed=1), run("new", seed=2), "--out", tmp_path / "no" / "where.md")
    assert (error.code, "cannot write" in error.message) == (Exit.INPUT, True)


def test_markdown_escapes_what_users_named(run):
    """A table for pull requests; names in it can't make markup."""
    shape = {"mix": [{"name": "greeting", "share": 1.0, "model": "m", "kind": "ai"}]}
    done = _compare(run("a<b>|c", seed=1, **shape), run("new", seed=2, **shape), "--summary", "markdown")
    assert "| latency.p95 |" in done.stdout
    assert "a<b>" not in done.stdout
    assert "a&lt;b&gt;&#124;c" in done.stdout


def test_all_reasons_at_once(run):
    """Unlike scenarios, cut short: each reason with both values, one remedy each; forced, it says so."""
    base, new = run("base", seed=1, status="running"), run("new", seed=2, max_tokens=512, load__pattern="spike")
    error = _refused(base, new)
    assert error.code is Exit.INPUT
    assert "base was cut short" in error.message
    assert "max_tokens: 1024 in BASE, 512 in NEW" in error.message
    assert "load.pattern: sustained in BASE, spike in NEW" in error.message
    assert "--force" in error.remedy
    forced = _compare(base, new, "--force")
    assert forced.exit_code == 0
    assert forced.stdout.count("forced, though") == 3


def test_an_invalid_run_is_refused(run):
    """What was not delivered as planned is no baseline."""
    base = run("base", seed=1)
    manifest = json.loads((base / "manifest.json").read_text())
    (base / "manifest.json").write_text(json.dumps(manifest | {"target_ended": "the target ended by itself"}))
    error = _refused(base, run("new", seed=2))
    assert "base is invalid: the target ended by itself" in error.message


def test_what_is_no_run_directory(run, tmp_path):
    """Missing, a file, empty, another schema, hand-edited: all are named in one message, and nothing is changed."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    old, edited = run("old"), run("edited")
    (old / "manifest.json").write_text('{"schema": 0}')
    (edited / "manifest.json").write_text('{"schema": 1, "scenario": {"mix": 7}}')
    error = _refused(run("base"), tmp_path / "missing", tmp_path / "file", tmp_path / "empty", old, edited)
    assert error.code is Exit.INPUT
    for said in ("does not exist", "is a file", "no manifest.json", "schema 0", "lacks what a comparison needs"):
        assert said in error.message
    assert (old / "manifest.json").read_text() == '{"schema": 0}'


@pytest.mark.parametrize(("name", "text"), [("timeline.ndjson", "{}\n"), ("intervals.hlog", "Tag=x,1,1,1,AAAA\n")])
def test_broken_files(run, name, text):
    """A line that can't be read names its file."""
    new = run("new", seed=2)
    (new / name).write_text(text)
    assert name in _refused(run("base", seed=1), new, "--force").message


def test_the_same_run_twice(run, tmp_path):
    """Also by another path: a run is no different from itself, and forcing would change nothing."""
    base = run("base")
    (tmp_path / "link").symlink_to(base)
    assert "named twice" in _refused(base, tmp_path / "link", "--force").message


def test_a_run_of_no_requests(run):
    """Refused; forced, every row is unclear and nothing breaks."""
    base, new = run("base", seed=1), run("new", seconds=0, load__duration_s=30)
    assert "new sent no request" in _refused(base, new).message
    assert _compare(base, new, "--force").stdout.startswith("unclear")


def test_a_misspelt_margin(run):
    """Wrong usage, with what was meant."""
    error = _refused(run("base"), run("new", seed=2), "--margin", "tftt=10%")
    assert (error.code, "did you mean ttft?" in error.remedy) == (Exit.USAGE, True)


def test_attribution(run):
    """The app's share in total and by query type, in each form."""
    through = run("app", seed=1, scale=1.25)
    straight = run("model", seed=1, target__protocol="bedrock")
    done = _compare("--attribute", through, straight)
    assert done.exit_code == 0
    assert done.stdout.startswith("of the median latency the app's own share is 20.0% (")
    assert "no percentile of differences" in done.stdout
    found = json.loads(_compare("--attribute", through, straight, "--summary", "json").stdout)["attribution"]
    assert found["total"][0]["share"] == pytest.approx(0.2, abs=0.001)
    assert "| greeting |" in _compare("--attribute", through, straight, "--summary", "markdown").stdout


def test_attribution_the_wrong_way_round(run):
    """Both runs are told what they are; other questions are refused, too; a margin means nothing here."""
    through = run("app", seed=1)
    straight = run("model", seed=2, target__protocol="bedrock")
    error = _refused("--attribute", straight, through)
    assert "straight at a model, not through an app" in error.message
    assert "through an app, not straight at a model" in error.message
    assert "load.seed: 2 in BASE, 1 in NEW" in error.message
    assert _refused("--attribute", through, straight, "--margin", "5%").code is Exit.USAGE


def test_a_killed_run_up_to_its_last_second(run):
    """Cut in the middle of a line: refused as cut short; forced, what is there is compared."""
    base, new = run("base", seed=1), run("new", seed=2, seconds=60, load__duration_s=30, status="running")
    for name in ("timeline.ndjson", "intervals.hlog"):
        whole = (new / name).read_bytes()
        (new / name).write_bytes(whole[: len(whole) * 2 // 3])
    shutil.rmtree(new / "target", ignore_errors=True)
    assert "cut short" in _refused(base, new).message
    assert "forced, though" in _compare(base, new, "--force").stdout
