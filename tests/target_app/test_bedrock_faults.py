"""target_app.bedrock.injection: each fault as AWS's own client sees it, and its line in the log, to the request."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections import Counter
from contextlib import closing

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from urllib3.exceptions import ProtocolError

from target_app.bedrock.tokens import count

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
LIMIT_S = 20.0
SOURCES = (
    "<sources>\n"
    '<source id="MGA-000123">鬼滅の刃 | Demon Slayer | volume 7 | Koyoharu Gotouge | ¥660 | in stock 4 | 2021-10-05 | '
    "A boy fights demons.</source>\n"
    "</sources>"
)


def admin(running, method, path, value=None, headers=(("Authorization", "Bearer t"),)):
    port = int(running.url.rsplit(":", 1)[1])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)) as connection:
        connection.request(method, path, None if value is None else json.dumps(value), dict(headers))
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@pytest.fixture(scope="module")
def bedrock(fast):
    with closing(
        boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=fast.bedrock.url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=LIMIT_S),
        )
    ) as client:
        yield client


@pytest.fixture
def have(fast):
    """Puts faults in force for the test."""

    def put(*faults, seed=1):
        status, body = admin(fast.bedrock, "PUT", "/_faults", {"faults": faults, "seed": seed})
        assert status == 200, body

    yield put
    put()


def request(number=0, question="How much is Demon Slayer volume 7?", **more):
    return {
        "modelId": HAIKU,
        "messages": [{"role": "user", "content": [{"text": question}]}],
        "system": [{"text": SOURCES}],
        "requestMetadata": {"request_id": f"r-{number}", "query_type": "price_check"},
    } | more


def streamed(bedrock, **call):
    """Text and last metadata of a streamed answer."""
    texts, metadata = [], None
    with closing(bedrock.converse_stream(**call)["stream"]) as events:
        for event in events:
            if "contentBlockDelta" in event:
                texts.append(event["contentBlockDelta"]["delta"]["text"])
            metadata = event.get("metadata", metadata)
    return "".join(texts), metadata


def test_without_a_plan_nothing_goes_wrong(bedrock, fast):
    """No fault is injected that nobody asked for."""
    bedrock.converse(**request())
    assert fast.bedrock.lines()[-1]["fault"] is None
    assert admin(fast.bedrock, "GET", "/_faults")[1] == {"plan": {"faults": [], "seed": 1}, "injected": {}}


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
@pytest.mark.parametrize(
    ("kind", "code", "status", "outcome"),
    [
        ("throttle", "ThrottlingException", 429, "throttled"),
        ("unavailable", "ServiceUnavailableException", 503, "error"),
        ("server_error", "InternalServerException", 500, "error"),
        ("model_timeout", "ModelTimeoutException", 408, "error"),
        ("model_not_ready", "ModelNotReadyException", 429, "error"),
    ],
)
def test_refusals_are_the_service_s_errors(bedrock, fast, have, operation, kind, code, status, outcome):
    """Each has the service's name and status, in both operations, and is logged and counted as the fault it is."""
    have({"kind": kind})
    with pytest.raises(ClientError) as refused:
        getattr(bedrock, operation)(**request())
    response = refused.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    line = fast.bedrock.wait_for_line(id=response["ResponseMetadata"]["RequestId"])
    assert (line["fault"], line["outcome"], line["status"], line["output_tokens"]) == (kind, outcome, status, None)
    assert admin(fast.bedrock, "GET", "/_faults")[1]["injected"] == {kind: 1}


@pytest.mark.parametrize(
    "call", [("converse", request), ("invoke_model", lambda: {"modelId": TITAN, "body": '{"inputText": "a"}'})]
)
def test_a_reset_comes_before_any_byte(bedrock, fast, have, call):
    """The connection is gone, text or vector; the log has no status."""
    have({"kind": "connection_reset"})
    operation, arguments = call
    with pytest.raises(ConnectionClosedError):
        getattr(bedrock, operation)(**arguments())
    line = fast.bedrock.lines()[-1]
    assert (line["fault"], line["outcome"], line["status"]) == ("connection_reset", "error", None)


def test_a_reset_is_one_on_the_wire(fast, have):
    """The kernel tells the client that its peer has reset the connection: it was not merely closed."""
    have({"kind": "connection_reset"})
    body = json.dumps({"messages": request()["messages"]}).encode()
    head = f"POST /model/{HAIKU}/converse HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nContent-Length: {len(body)}"
    port = int(fast.bedrock.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_broken_stream_ends_without_its_end(bedrock, fast, have):
    """Some text arrives, then the connection is cut: the HTTP client's own error, half of the answer on record."""
    have({"kind": "broken_stream"})
    texts = []
    with closing(bedrock.converse_stream(**request())["stream"]) as events, pytest.raises(ProtocolError):
        texts.extend(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert texts
    line = fast.bedrock.lines()[-1]
    assert (line["fault"], line["outcome"], line["status"], line["stop_reason"]) == (
        "broken_stream",
        "error",
        200,
        None,
    )


def test_a_stream_exception_arrives_inside_the_stream(bedrock, fast, have):
    """Some text arrives, then an exception frame with the model's error."""
    have({"kind": "stream_exception"})
    names = []
    with closing(bedrock.converse_stream(**request())["stream"]) as events, pytest.raises(ClientError) as broken:
        names.extend(next(iter(event)) for event in events)
    assert names[-1] == "contentBlockDelta"
    assert broken.value.response["Error"]["Code"] == "modelStreamErrorException"
    line = fast.bedrock.lines()[-1]
    assert (line["fault"], line["outcome"], line["status"]) == ("stream_exception", "error", 200)


def test_what_only_a_stream_can_have_passes_a_whole_answer_by(bedrock, fast, have):
    """Converse has no middle to break in."""
    have({"kind": "broken_stream"}, {"kind": "stream_exception"})
    bedrock.converse(**request())
    assert fast.bedrock.lines()[-1]["fault"] is None


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_a_slow_start_delays_the_first_byte(bedrock, fast, have, operation):
    """No byte comes before the delay is over, whatever the time scale."""
    have({"kind": "slow_start", "delay_s": 0.05})
    if operation == "converse":
        bedrock.converse(**request())
    else:
        streamed(bedrock, **request())
    line = fast.bedrock.lines()[-1]
    assert line["fault"] == "slow_start"
    assert line["first_ns"] - line["arrived_ns"] >= 50_000_000


def test_a_stall_is_in_the_middle(bedrock, fast, have):
    """The first token is not late for it, the end is; all of the answer arrives."""
    whole = bedrock.converse(**request())["output"]["message"]["content"][0]["text"]
    have({"kind": "stall", "delay_s": 0.05})
    started_s = time.monotonic()
    text, _ = streamed(bedrock, **request())
    assert time.monotonic() - started_s >= 0.05
    line = fast.bedrock.lines()[-1]
    assert text == whole
    assert (line["fault"], line["outcome"]) == ("stall", "ok")
    assert line["ended_ns"] - line["first_ns"] >= 50_000_000


def test_a_truncated_answer_says_max_tokens_early(bedrock, fast, have):
    """It is the beginning of the whole answer, half as long, and its usage is its own."""
    whole = bedrock.converse(**request())
    have({"kind": "truncated"})
    cut = bedrock.converse(**request())
    assert (whole["stopReason"], cut["stopReason"]) == ("end_turn", "max_tokens")
    assert cut["usage"]["outputTokens"] == whole["usage"]["outputTokens"] // 2
    text = cut["output"]["message"]["content"][0]["text"]
    assert count(text) == cut["usage"]["outputTokens"]
    assert fast.bedrock.lines()[-1]["fault"] == "truncated"


def test_the_wrong_language_is_the_other_one(bedrock, fast, have):
    """An English question is answered in Japanese."""
    have({"kind": "wrong_language"})
    text, _ = streamed(bedrock, **request())
    assert "こ" in text or "の" in text
    assert fast.bedrock.lines()[-1]["fault"] == "wrong_language"


def test_a_hallucinated_title_is_in_no_source(bedrock, fast, have):
    """One quoted title and one price that the prompt does not have, before all that it has."""
    have({"kind": "hallucinated_title"})
    text = bedrock.converse(**request())["output"]["message"]["content"][0]["text"]
    title = text.split('"')[1]
    price = "¥" + text.split("¥")[1].split(" ")[0]
    assert title not in SOURCES
    assert price not in SOURCES
    assert fast.bedrock.lines()[-1]["fault"] == "hallucinated_title"


def test_a_slip_that_does_not_show_is_none(bedrock, fast, have):
    """An answer of one token has no room for a title: nothing was injected, and nothing is counted."""
    have({"kind": "hallucinated_title"})
    bedrock.converse(**request(requestMetadata={"output_tokens": "1"}))
    assert fast.bedrock.lines()[-1]["fault"] is None
    assert admin(fast.bedrock, "GET", "/_faults")[1]["injected"] == {}


def test_missing_usage_is_missing_everywhere(bedrock, fast, have):
    """Neither body, stream nor headers tell a count; the log still does."""
    have({"kind": "missing_usage"})
    assert "usage" not in bedrock.converse(**request())
    _, metadata = streamed(bedrock, **request())
    assert "usage" not in metadata
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    response = bedrock.invoke_model(modelId=HAIKU, body=json.dumps(body))
    assert "usage" not in json.loads(response["body"].read())
    assert "x-amzn-bedrock-output-token-count" not in response["ResponseMetadata"]["HTTPHeaders"]
    events = bedrock.invoke_model_with_response_stream(modelId=HAIKU, body=json.dumps(body))["body"]
    assert not [event for event in events if b"oken" in event["chunk"]["bytes"].replace(b"max_tokens", b"")]
    lines = fast.bedrock.lines()[-4:]
    assert [line["fault"] for line in lines] == ["missing_usage"] * 4
    assert all(line["output_tokens"] for line in lines)


def test_the_counts_agree_with_the_log_and_with_what_clients_saw(bedrock, fast, have):
    """Of 120 requests under a mix of faults each one's fate is the log's, and a second run has the same faults."""
    n_before = len(fast.bedrock.lines())
    plan = [{"kind": kind, "rate": 0.15} for kind in ("throttle", "unavailable", "truncated", "wrong_language")]

    def run(order):
        have(*plan, seed=3)
        seen = {}
        for number in order:
            try:
                answer = bedrock.converse(**request(number))
            except ClientError as error:
                seen[f"r-{number}"] = error.response["Error"]["Code"]
            else:
                seen[f"r-{number}"] = answer["stopReason"]
        return seen

    seen = run(range(60))
    injected = admin(fast.bedrock, "GET", "/_stats")[1]["faults"]
    assert run(reversed(range(60))) == seen
    lines = fast.bedrock.lines()[n_before:]
    first, second = lines[:60], lines[60:]
    assert Counter(line["fault"] for line in first if line["fault"]) == injected
    assert {line["request_id"]: line["fault"] for line in first} == {
        line["request_id"]: line["fault"] for line in second
    }
    by_fault = {
        "throttle": "ThrottlingException",
        "unavailable": "ServiceUnavailableException",
        "truncated": "max_tokens",
    }
    assert seen == {line["request_id"]: by_fault.get(line["fault"], "end_turn") for line in first}
    assert len(injected) == 4
