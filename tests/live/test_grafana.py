"""The dashboard and remote write against a real Prometheus, and a real run."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.live.remote_write import RemoteWrite
from loadtester.model import Outcome
from loadtester.recorder import recording
from loadtester.rundir import read

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "docs" / "grafana" / "fmload.json").read_text())
#: How long a process may take for what it is waited for, in seconds: a noisy machine's, not what is measured.
LIMIT_S = 60.0
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (apt: prometheus)")
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs prometheus (apt)")


def test_panels_are_there_once_and_in_their_places():
    """No two panels share an id or a place, and each has a query of a metric of ours."""
    panels = DASHBOARD["panels"]
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    assert all("fmload_" in target["expr"] for panel in panels for target in panel["targets"])


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The base URL of a Prometheus that has scraped a run for some seconds."""
    folder = tmp_path_factory.mktemp("watched")
    run = _run(folder)
    try:
        metrics = _said(run, r"metrics at http://(\S+)/metrics")
        scrape = {"job_name": "fmload", "scrape_interval": "500ms", "static_configs": [{"targets": [metrics]}]}
        # JSON is YAML.
        (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}))
        prometheus = _prometheus(folder)
        try:
            address = _said(prometheus, r"Listening on.*address=(\S+)")
            yield f"http://{address}"
        finally:
            # Both at once: neither needs the other to end.
            run.send_signal(signal.SIGINT)
            _end(prometheus)
    finally:
        _end(run)


@needs_prometheus
def test_every_panel_shows_something_of_a_run(watched):
    """Each query of the dashboard is understood by Prometheus, and finds data of a run that goes on."""
    queries = {target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]}
    empty = queries
    until_s = time.monotonic() + LIMIT_S
    while empty and time.monotonic() < until_s:
        time.sleep(0.25)
        empty = {query for query in empty if not _ask(watched, _filled_in(query))}
    assert not empty


@needs_promtool
def test_the_documented_configuration_is_one(tmp_path):
    """Prometheus' own checker takes the scrape configuration and the alert rules as they are printed."""
    text = (ROOT / "docs" / "observability.md").read_text("utf-8")
    scrape, rules = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(scrape)
    (tmp_path / "fmload-rules.yml").write_text(rules)
    done = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS: 4 rules found" in done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("is_bad", [False, True])
def test_rates_are_the_reports(tmp_path, second_of, is_bad):
    """Each outcome is in the rates that the report has it in: a throttle is no error, what was cut short neither.

    Nor are they empty where nothing was ok, or throttled.
    """
    counts = {outcome.value: 3 + i for i, outcome in enumerate(Outcome)}
    if is_bad:
        counts = {"timeout": 5, "dropped": 3}
    run = recording([second_of(**counts)])
    manifest = read(ROOT / "reports" / "example").manifest
    rates = summarise(manifest, run, price_table({})).total.rates
    wanted = {
        "AI error rate": {"__auto": rates.error_rate},
        "Throttled": {"__auto": rates.throttle_rate},
        "Throttle and error rate": {"throttled": rates.throttle_rate, "errors": rates.error_rate},
    }
    shown = {
        panel["title"]: {target["legendFormat"]: target["expr"] for target in panel["targets"]}
        for panel in DASHBOARD["panels"]
        if panel["title"] in wanted
    }
    assert {title: set(queries) for title, queries in shown.items()} == {title: set(of) for title, of in wanted.items()}
    pairs = [(query, wanted[title][name]) for title, queries in shown.items() for name, query in queries.items()]
    series = [
        {"series": f'fmload_requests_total{{instance="a:1",kind="ai",outcome="{name}"}}', "values": f"0+{count}x9"}
        for name, count in counts.items()
    ]
    # In whole millionths: a share of rates differs from that of counts by what floats leave.
    asked = [
        {
            "expr": f"round(1e6 * ({_filled_in(query)}))",
            "eval_time": "9s",
            "exp_samples": [{"labels": "{}", "value": round(1e6 * value)}],
        }
        for query, value in pairs
    ]
    test = {"interval": "1s", "input_series": series, "promql_expr_test": asked}
    (tmp_path / "test.yml").write_text(json.dumps({"evaluation_interval": "1s", "tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_prometheus
def test_prometheus_takes_what_is_pushed(watched, tick_of):
    """A real remote-write receiver reads the protobuf and the snappy written here, with labels and values."""
    said = []
    name = 'näme, "quoted"'
    with RemoteWrite(f"{watched}/api/v1/write", {"name": name}, None, said.append) as pushing:
        pushing.observe(tick_of(ok=7, throttled=2))
    assert said == []
    counts = {
        one["metric"]["outcome"]: one["value"][1] for one in _ask(watched, 'fmload_requests_total{query="pushed"}')
    }
    assert counts == {"ok": "7", "throttled": "2"}
    (info,) = _ask(watched, f"fmload_run{{name={json.dumps(name, ensure_ascii=False)}}}")
    assert info["metric"]["job"] == "fmload"
    assert _ask(watched, 'fmload_latency_seconds_bucket{query="pushed",le="+Inf"}')[0]["value"][1] == "7"


@needs_prometheus
def test_a_prometheus_that_takes_nothing_is_told_of_once(watched, tick_of):
    """Here one without such an address; the run would go on."""
    said = []
    with RemoteWrite(f"{watched}/nowhere?token=geheim", {}, None, said.append) as pushing:
        pushing.observe(tick_of(ok=1))
    (line,) = said
    assert "HTTP 40" in line
    assert "geheim" not in line


def _filled_in(query):
    return query.replace("$instance", ".*").replace("$__rate_interval", "5s")


def _ask(base, query):
    with urlopen(f"{base}/api/v1/query?{urlencode({'query': query})}") as answer:  # noqa: S310  our own process
        found = json.load(answer)
    assert found["status"] == "success"
    return found["data"]["result"]


def _run(folder):
    flags = (
        "run --pattern sustained -d 5m -r 20/s --protocol rest --time-scale 0.02 --tokens-per-minute 2000000 "
        "--max-cost 100 -y --graceful-stop 1s"
    )
    with (folder / "run.txt").open("wb") as said:
        run = subprocess.Popen(
            [sys.executable, "-m", "loadtester", *flags.split(), "--prometheus", ":0", "--summary", "none"],
            cwd=folder,
            stderr=said,
            stdout=subprocess.DEVNULL,
        )
    run.said = folder / "run.txt"
    return run


def _prometheus(folder):
    with (folder / "prometheus.txt").open("wb") as said:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                "--web.listen-address=127.0.0.1:0",
                "--web.enable-remote-write-receiver",
                # How soon it looks for what to scrape, for which it takes five seconds.
                "--scrape.discovery-reload-interval=100ms",
            ],
            stderr=said,
            stdout=subprocess.DEVNULL,
        )
    process.said = folder / "prometheus.txt"
    return process


def _said(process, pattern):
    until_s = time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        if found := re.search(pattern, process.said.read_text()):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"never said {pattern}:\n{process.said.read_text()}")


def _end(process):
    # A run that is asked twice aborts what it waits for.
    process.send_signal(signal.SIGINT)
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
