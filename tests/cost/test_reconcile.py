"""CloudWatch's figures beside the run's: what agrees is silent, what differs is a finding."""

import asyncio
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto.server import ThreadedMotoServer

from loadtester.cost.reconcile import METRICS, Pair, counts, pairs, window
from loadtester.drivers.aws.cloudwatch import bedrock_sums
from loadtester.errors import Exit, FmloadError
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval, recording
from loadtester.scenario.mix import HAIKU, SONNET

START = datetime(2026, 11, 21, 7, 30, 5, tzinfo=UTC)
RUN = recording(
    [
        Interval(
            0,
            cells={
                CellKey("a", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=90, sent=90, input=45_000, output=18_000),
                CellKey("a", "ai", HAIKU, HAIKU, Outcome.TRUNCATED): Cell(count=10, sent=10, input=5_000, output=2_000),
                CellKey("b", "ai", SONNET, "", Outcome.THROTTLED): Cell(count=7, sent=7),
            },
        )
    ]
)


@pytest.fixture
def endpoint(monkeypatch):
    """A CloudWatch of moto's on a free port."""
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _put(endpoint, data):
    client = boto3.client("cloudwatch", region_name="us-east-1", endpoint_url=endpoint)
    client.put_metric_data(
        Namespace="AWS/Bedrock",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "ModelId", "Value": model}],
                "Timestamp": at,
                "Value": value,
            }
            for model, metric, at, value in data
        ],
    )
    client.close()


def test_counts():
    """Calls that a model answered, throttles of the model asked for, tokens as reported."""
    assert counts(RUN) == {
        HAIKU: {"Invocations": 100, "InvocationThrottles": 0, "InputTokenCount": 50_000, "OutputTokenCount": 20_000},
        SONNET: {"Invocations": 0, "InvocationThrottles": 7, "InputTokenCount": 0, "OutputTokenCount": 0},
    }


def test_what_was_tried_again_was_throttled_before():
    """Each retry is a throttle of the model asked, whatever became of the request in the end."""
    cells = {
        CellKey("a", "ai", HAIKU, HAIKU, Outcome.OK): Cell(count=90, sent=90, retries=12),
        CellKey("a", "ai", HAIKU, "", Outcome.THROTTLED): Cell(count=5, sent=5, retries=10),
        CellKey("a", "ai", HAIKU, "", Outcome.TIMEOUT): Cell(count=1, sent=1, retries=1),
        CellKey("c", "crud", "", "", Outcome.OK): Cell(count=9, sent=9, retries=3),
    }
    found = counts(recording([Interval(0, cells=cells)]))
    assert found[HAIKU]["Invocations"] == 90
    assert found[HAIKU]["InvocationThrottles"] == 12 + 5 + 10 + 1
    assert set(found) == {HAIKU}


def test_what_was_no_call_and_what_was_one_more():
    """Hits, canned answers and answers that broke off are no invocations; calls beside the answers are."""
    cells = {
        CellKey("a", "ai", HAIKU, HAIKU, Outcome.OK): Cell(
            count=320, sent=320, exact_hits=300, semantic_hits=15, input=2_930, output=500
        ),
        CellKey("a", "ai", SONNET, "canned", Outcome.OK): Cell(count=3, sent=3),
        CellKey("a", "ai", SONNET, SONNET, Outcome.OK): Cell(
            also_calls=2, also_input=70, also_output=9, input=70, output=9
        ),
        CellKey("a", "ai", SONNET, SONNET, Outcome.TIMEOUT): Cell(
            count=4, sent=4, input=40, output=8, also_calls=1, also_input=30, also_output=6
        ),
        CellKey("a", "ai", SONNET, SONNET, Outcome.BROKEN): Cell(count=1, sent=1, input=9, output=3),
    }
    assert counts(recording([Interval(0, cells=cells)])) == {
        HAIKU: {"Invocations": 5, "InvocationThrottles": 0, "InputTokenCount": 2_930, "OutputTokenCount": 500},
        SONNET: {"Invocations": 3, "InvocationThrottles": 0, "InputTokenCount": 100, "OutputTokenCount": 15},
    }


def test_window():
    """Whole minutes around the run, in UTC."""
    manifest = {"started_at": "2026-11-21T16:30:05.000+09:00", "elapsed_s": 61.0}
    assert window(manifest, RUN) == (START.replace(second=0), START.replace(minute=32, second=0))
    with pytest.raises(FmloadError):
        window({"started_at": "yesterday"}, RUN)
    with pytest.raises(FmloadError):
        window({}, RUN)


def test_against_cloudwatch(endpoint):
    """Sums over the window's minutes, of this model only; what lies outside the window is left out."""
    _put(
        endpoint,
        [
            (HAIKU, "Invocations", START, 60.0),
            (HAIKU, "Invocations", START + timedelta(seconds=60), 40.0),
            (HAIKU, "Invocations", START - timedelta(hours=1), 500.0),
            (HAIKU, "InputTokenCount", START, 50_100.0),
            (HAIKU, "OutputTokenCount", START, 26_000.0),
            (SONNET, "InvocationThrottles", START, 7.0),
        ],
    )
    span = (START.replace(second=0), START.replace(minute=32, second=0))
    mine = counts(RUN)
    seen = asyncio.run(bedrock_sums([HAIKU, SONNET], METRICS, span, region="us-east-1", endpoint_url=endpoint))
    assert seen[HAIKU] == {
        "Invocations": 100,
        "InvocationThrottles": None,
        "InputTokenCount": 50_100,
        "OutputTokenCount": 26_000,
    }
    findings = [pair.finding for pair in pairs(mine, seen) if pair.finding]
    assert len(findings) == 1
    assert "OutputTokenCount is 26,000 in CloudWatch, 20,000 in the run" in findings[0]


@pytest.mark.parametrize(
    ("run", "seen", "is_finding"),
    [(100, 101, False), (100, 102, True), (100, 98, True), (0, None, False), (1, None, True)],
)
def test_findings(run, seen, is_finding):
    """More than 1 % apart is a finding, either way; so is no data where the run has some."""
    assert (Pair("m", "Invocations", run, seen).finding is not None) == is_finding


def test_no_cloudwatch_there(monkeypatch):
    """An endpoint that nobody listens at is exit code 113, and no secret is in the message."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    span = (START, START + timedelta(minutes=1))
    with pytest.raises(FmloadError) as caught:
        asyncio.run(bedrock_sums([HAIKU], METRICS, span, region="us-east-1", endpoint_url="http://127.0.0.1:1"))
    assert caught.value.code is Exit.UNREACHABLE
    assert "very-secret" not in str(caught.value)
