"""What Prometheus scrapes is the run: every counter, whole buckets, and a port that is there or an error."""

import re
import socket
import sys
import traceback
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtester.errors import Exit, FmloadError
from loadtester.live.families import BUCKETS_S, Families
from loadtester.live.post import post
from loadtester.live.prometheus import Prometheus
from loadtester.live.remote_write import AUTHORIZATION, RemoteWrite
from loadtester.recorder import Meter

DOCS = (Path(__file__).parents[2] / "docs" / "observability.md").read_text("utf-8")
#: As cli.watch tells one run from another.
RUN_LABELS = ("name", "target", "protocol", "pattern", "version")


def scraped(url):
    with urlopen(url) as answer:  # noqa: S310  our own port
        text = answer.read().decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_is_the_run_so_far(tick_of):
    """Counters by query, kind, model and outcome; buckets that hold what they say; money and tokens by who answered."""
    said = []
    labels = (("kind", "ai"), ("model", "model-a"), ("query", "pushed"))
    with Prometheus("127.0.0.1:0", {"name": "n"}, Decimal(5), said.append) as serving:
        assert scraped(serving.url) == {("fmload_run", ("name", "n")): 1.0}
        serving.observe(tick_of(ok=4, throttled=1, dropped=2))
        serving.observe(tick_of(ok=1, latency_s=2.5))
        found = scraped(serving.url)
    of = lambda name, **more: found[(name, *sorted((*labels, *more.items())))]  # noqa: E731  said ten times
    assert of("fmload_requests_total", outcome="ok") == 5.0
    assert of("fmload_requests_total", outcome="throttled") == 1.0
    assert of("fmload_requests_total", outcome="dropped") == 2.0
    assert of("fmload_in_slo_total") == 5.0
    assert of("fmload_tokens_total", answered_by="model-a", type="output") == 1_000.0
    assert of("fmload_cost_usd_total", answered_by="model-a") == pytest.approx(0.0175)
    assert of("fmload_latency_seconds_bucket", result="ok", le="0.3") == 0.0
    assert of("fmload_latency_seconds_bucket", result="ok", le="0.75") == 4.0
    assert of("fmload_latency_seconds_bucket", result="ok", le="3") == 5.0
    assert of("fmload_latency_seconds_count", result="ok") == 5.0
    assert of("fmload_latency_seconds_sum", result="ok") == pytest.approx(4.5, rel=1e-3)
    assert found[("fmload_budget_usd",)] == 5.0
    assert found[("fmload_in_flight",)] == 3.0
    assert said == [f"metrics at {serving.url}"]


def test_a_port_in_use_is_an_error_before_the_run():
    """With what to do about it, and the code of wrong usage."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(FmloadError, match=f"127.0.0.1:{port}") as raised,
            Prometheus(f"127.0.0.1:{port}", {}, None, print),
        ):
            pytest.fail("entered")
    assert raised.value.code is Exit.USAGE
    assert "another port" in raised.value.remedy


def test_a_port_for_everybody_is_said_to_be_one():
    """Not refused: a Prometheus in another container has to reach it."""
    said = []
    with Prometheus("0.0.0.0:0", {}, None, said.append):
        assert "everybody" in said[0]


@pytest.mark.parametrize("flag", ["--prometheus", "--prometheus-remote-write"])
def test_a_missing_extra_says_how_to_install_it(flag, monkeypatch):
    """The flag that needs it, the name of the package, and the command."""
    for module in ("prometheus_client", "prometheus_client.core", "prometheus_client.registry"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "loadtester.live.families", raising=False)
    watcher, where = {
        "--prometheus": (Prometheus, "127.0.0.1:0"),
        "--prometheus-remote-write": (RemoteWrite, "http://127.0.0.1/"),
    }[flag]
    with pytest.raises(FmloadError, match=f"^{flag} needs prometheus_client") as raised:
        watcher(where, {}, None, print)
    assert raised.value.remedy == "pip install 'fmload[prometheus]'"
    assert raised.value.code is Exit.USAGE


def test_what_is_documented_is_what_is_served(tick_of):
    """Names, labels, kinds and edges in docs/observability.md are those of a scrape, with nothing left out."""
    families = Families(dict.fromkeys(RUN_LABELS, "x"), Decimal(1))
    families.add(tick_of(ok=3, throttled=1))
    served = {}
    for family in families.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        served[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
    rows = re.findall(r"^\|( `fmload_.*?)\|(.*?)\|(.*?)\|$", DOCS, re.MULTILINE)
    documented = {
        name: {label for label in re.sub(r"\(.*?\)", "", labels).replace(" ", "").split(",") if label}
        for names, labels, _ in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    assert documented == served
    histograms = {name for names, _, words in rows if "histogram" in words for name in re.findall(r"`(\w+)`", names)}
    assert histograms == {family.name for family in families.collect() if family.type == "histogram"}
    sentence = re.search(r"Buckets end at (.*?) s\.", DOCS, re.DOTALL)[1]
    in_ms, in_s = (re.findall(r"[\d.]+", part) for part in sentence.split("ms"))
    assert tuple(float(edge) / 1e3 for edge in in_ms) + tuple(map(float, in_s)) == BUCKETS_S


def test_a_warm_up_is_counted_and_paid_for_and_in_no_histogram(second_of):
    """What was planned and sent has its outcomes, tokens and dollars here too; its times are nobody's measurement."""
    cold = second_of(ok=2, throttled=1)
    families = Families({}, None)
    families.add(Meter().add(replace(cold, cells=None, counts=None, warm=cold.cells, warm_planned=3, warm_sent=3)))
    totals = {}
    for family in families.collect():
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    assert totals["fmload_requests_total"] == totals["fmload_planned_total"] == totals["fmload_sent_total"] == 3.0
    assert totals["fmload_tokens_total"] == 1_400.0
    assert totals["fmload_cost_usd_total"] == pytest.approx(0.007)
    assert "fmload_latency_seconds_count" not in totals


@pytest.mark.parametrize("key", ["Bearer canary\nX: y", "Bearer canary\u2028x", "Bearer canary\u3042"])
def test_a_key_that_http_has_no_room_for_is_refused_unquoted(key, monkeypatch):
    """Before the run, by the variable's name: a traceback of the sending thread would have shown it."""
    monkeypatch.setenv(AUTHORIZATION, key)
    with pytest.raises(FmloadError, match=AUTHORIZATION) as raised:
        RemoteWrite("http://127.0.0.1/", {}, None, print)
    assert "canary" not in "".join(traceback.format_exception(raised.value))
    with pytest.raises(FmloadError) as raised:
        post("http://127.0.0.1:1/", b"", {"Authorization": key}, limit_s=0.1)
    assert "canary" not in "".join(traceback.format_exception(raised.value))
