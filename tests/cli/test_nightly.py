"""`fmload nightly` and `fmload history` as a person runs them, and the examples in docs/nightly.md."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from typer.testing import CliRunner

from loadtester.cli.app import app
from loadtester.errors import Exit, FmloadError
from loadtester.scenario.suite import read_suite

DOCUMENT = (Path(__file__).parents[2] / "docs" / "nightly.md").read_text("utf-8")
QUICK = """scenarios:
  - {scenario: sustained, name: steady, load: {rate: 10/s, duration: 1s}, thresholds: ["error_rate<50%"]}
  - {scenario: sustained, name: dead, load: {rate: 5/s, duration: 1s}, target: {url: "http://127.0.0.1:9/"}}
"""


def _examples(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def _refused(*args):
    done = CliRunner().invoke(app, list(args))
    assert isinstance(done.exception, FmloadError), done.output
    return done.exception


def test_a_night_from_end_to_end(tmp_path, monkeypatch, queued_target):
    """One scenario runs, one finds nobody: both are in every report, the code is the dead one's, and history knows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    there = f'name: steady, target: {{url: "{queued_target()}"}}'
    (tmp_path / "quick.yaml").write_text(QUICK.replace("name: steady", there))
    flags = ["--protocol", "rest", "--junit", "out/junit.xml", "--markdown", "night.md", "--json", "-q", "-y"]
    done = CliRunner().invoke(app, ["nightly", "quick.yaml", *flags])
    assert done.exit_code == Exit.UNREACHABLE, done.output
    night = json.loads(done.stdout)
    assert [(one["name"], one["exit_codes"]) for one in night["scenarios"]][1] == ("dead", [113])
    assert len(ET.parse(tmp_path / "out" / "junit.xml").getroot()) == 2  # noqa: S314  our own file
    page = (tmp_path / "night.md").read_text("utf-8")
    assert page == (tmp_path / "step.md").read_text("utf-8")
    assert "failed: " in page.splitlines()[0]
    (directory,) = (tmp_path / "reports").glob("*-nightly-quick")
    assert (directory / "summary.md").read_text("utf-8") == page
    listed = CliRunner().invoke(app, ["history", str(tmp_path / "reports"), "--summary", "json"])
    history = json.loads(listed.stdout)
    assert [(one["name"], len(one["runs"])) for one in history["scenarios"]] == [("steady", 1)]
    assert history["skipped"] == []
    shown = CliRunner().invoke(app, ["history", str(tmp_path / "reports"), "--name", "steady", "--since", "1d"])
    assert "steady → http://127.0.0.1:" in shown.stdout


def test_a_dry_run_sends_nothing(tmp_path, monkeypatch):
    """Lengths, requests and money with their sum, as a page and as JSON; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.yaml").write_text(QUICK)
    page = CliRunner().invoke(app, ["nightly", "quick.yaml", "--dry-run"]).stdout.splitlines()
    assert page[0].split() == ["scenario", "length", "requests", "cost", "up", "to"]
    assert page[1].split()[:3] == ["steady", "1s", "10"]
    assert page[3].split()[:3] == ["all", "2s", "15"]
    found = json.loads(CliRunner().invoke(app, ["nightly", "quick.yaml", "--dry-run", "--json"]).stdout)
    assert [one["requests"] for one in found["scenarios"]] == [10, 5]
    assert [path.name for path in tmp_path.iterdir()] == ["quick.yaml"]


@pytest.mark.parametrize(
    ("args", "environ", "code", "said"),
    [
        (["nope"], {}, 2, "there is no suite 'nope'"),
        (["quick.yaml", "--webhook", "always"], {}, 2, "--webhook always needs FMLOAD_WEBHOOK_URL"),
        (["quick.yaml"], {"FMLOAD_WEBHOOK_URL": "secret-thing"}, 2, "FMLOAD_WEBHOOK_URL holds no http"),
        (["quick.yaml", "--junit", "quick.yaml/x.xml"], {}, 2, "cannot write"),
        (["quick.yaml", "--max-cost", "-1"], {}, 2, "--max-cost"),
        (["quick.yaml", "https://chat.example"], {"FMLOAD_SAFETY_CONFIRM_OVER_USD": "0"}, 2, "these 2 runs may cost"),
    ],
)
def test_what_is_wrong_is_told_before_the_night(tmp_path, monkeypatch, args, environ, code, said):
    """Names, files, webhook, budget and consent; no run directory is made, and no secret shown."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.yaml").write_text(QUICK)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    error = _refused("nightly", *args)
    assert (error.code, said in error.message) == (code, True), error
    assert "secret-thing" not in str(error)
    assert not list(tmp_path.glob("reports/*"))


def test_a_history_of_nothing_and_wrong_flags(tmp_path):
    """An empty directory has no runs; a missing one, an unknown name and a wrong time are told."""
    assert CliRunner().invoke(app, ["history", str(tmp_path)]).stdout == "no runs\n"
    assert _refused("history", str(tmp_path / "none")).code is Exit.INPUT
    assert _refused("history", str(tmp_path), "--name", "x").code is Exit.USAGE
    for since in ("soon", "-3d", "9" * 30 + "d"):
        assert _refused("history", str(tmp_path), "--since", since).code is Exit.USAGE


def test_a_baseline_that_cannot_be_one_is_refused_before_the_run(tmp_path, monkeypatch):
    """No run directory, no summary, an invalid run: told first, and nothing is sent."""
    monkeypatch.chdir(tmp_path)
    example = Path(__file__).parents[2] / "reports" / "example"
    for name in ("bare", "invalid"):
        (tmp_path / name).mkdir()
        for file in ("manifest.json", "timeline.ndjson"):
            (tmp_path / name / file).write_bytes((example / file).read_bytes())
    summary = json.loads((example / "summary.json").read_text("utf-8"))
    summary["validity"]["verdict"] = "invalid"
    (tmp_path / "invalid" / "summary.json").write_text(json.dumps(summary))
    for name, said in (("none", "not a run directory"), ("bare", "no summary"), ("invalid", "an invalid run")):
        error = _refused("run", "--baseline", name)
        assert (error.code, said in error.message) == (Exit.INPUT, True), error
    assert not (tmp_path / "reports").exists()


def test_the_documents_examples_hold(tmp_path):
    """YAML, JSON and units parse, the suite resolves, and every fmload command in them is one."""
    suite, *others = _examples("yaml")
    (tmp_path / "suite.yaml").write_text(suite)
    assert [entry.name for entry in read_suite(str(tmp_path / "suite.yaml"), {}, {}).entries] == [
        "smoke",
        "load-evening",
        "breakpoint",
    ]
    workflow, job = (yaml.safe_load(text) for text in others)
    assert any("fmload nightly" in step.get("run", "") for step in workflow["jobs"]["load"]["steps"])
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (task,) = (json.loads(text) for text in _examples("json"))
    assert len(_examples("ini")) == 2
    for command in (container["args"], task["containerDefinitions"][0]["command"]):
        done = CliRunner().invoke(app, [*command[:2], "--dry-run", "--help"])
        assert done.exit_code == 0
        assert all(flag in done.stdout for flag in command if flag.startswith("--"))
