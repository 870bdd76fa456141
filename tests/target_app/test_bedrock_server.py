"""target_app.bedrock.server: what AWS's own clients get from the emulator, and what its log says about it."""

from __future__ import annotations

import asyncio
import base64
import http.client
import io
import json
import queue
import re
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass

import aioboto3
import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError

from target_app.bedrock.connection import CuttableProtocol
from target_app.bedrock.limits import Quotas
from target_app.bedrock.server import create_app
from target_app.bedrock.settings import Settings
from target_app.bedrock.tokens import count

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
QUESTION = "Recommend 5 manga similar to Demon Slayer for someone who likes action."
MESSAGES = [{"role": "user", "content": [{"text": QUESTION}]}]
CLAUDE = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": QUESTION}],
}
LIMIT_S = 30.0
MINUTE_NS = 60_000_000_000


class Lines(io.StringIO):
    """A log that hands each line on as it is written."""

    def __init__(self):
        super().__init__()
        self.written = queue.Queue()

    def write(self, line):
        self.written.put(json.loads(line))
        return super().write(line)


@dataclass
class Served:
    port: int
    log: Lines
    server: uvicorn.Server

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def entry(self):
        """The next line of the log, as soon as it is there."""
        return self.log.written.get(timeout=LIMIT_S)


@contextmanager
def serving(quota_clock_ns=lambda: 0, graceful_s=None, **settings):
    log = Lines()
    quotas = Quotas(tokens_per_minute=settings.pop("tokens_per_minute", 200_000))
    chosen = Settings(**({"time_scale": 0.0, "quotas": quotas} | settings))
    app = create_app(chosen, log, quota_clock_ns=quota_clock_ns)
    config = uvicorn.Config(
        app, http=CuttableProtocol, access_log=False, log_level="critical", timeout_graceful_shutdown=graceful_s
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Served(listener.getsockname()[1], log, server)
        finally:
            server.should_exit = True
            thread.join(LIMIT_S)
            assert not thread.is_alive()


@contextmanager
def client(served, key="AKIDEXAMPLE"):
    with closing(
        boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=served.url,
            aws_access_key_id=key,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=LIMIT_S),
        )
    ) as bedrock:
        yield bedrock


def post(served, path, body, headers=(("Authorization", "Bearer token"),)):
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=LIMIT_S)) as connection:
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()


@pytest.fixture(scope="module")
def served():
    with serving(tokens_per_minute=None) as running:
        yield running


@pytest.fixture(scope="module")
def bedrock(served):
    with client(served) as connected:
        yield connected


def test_health_answers_without_credentials(served):
    """GET /health is for whoever starts the emulator."""
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=LIMIT_S)) as connection:
        connection.request("GET", "/health")
        assert json.loads(connection.getresponse().read()) == {"status": "ok"}


def test_converse_answers_with_usage_that_adds_up(bedrock):
    """Input counts system and messages, output counts the text, and the total is their sum."""
    answer = bedrock.converse(modelId=HAIKU, messages=MESSAGES, system=[{"text": "You sell manga."}])
    [block] = answer["output"]["message"]["content"]
    usage = answer["usage"]
    assert usage["inputTokens"] == count(QUESTION) + count("You sell manga.")
    assert usage["outputTokens"] == count(block["text"])
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert answer["stopReason"] == "end_turn"
    assert answer["metrics"]["latencyMs"] >= 0


def test_converse_stream_keeps_the_service_s_order_of_events(bedrock):
    """Start, deltas, block's end, stop, metadata; no start of a text block; the text is Converse's."""
    whole = bedrock.converse(modelId=HAIKU, messages=MESSAGES)
    events = list(bedrock.converse_stream(modelId=HAIKU, messages=MESSAGES)["stream"])
    names = [next(iter(event)) for event in events]
    assert names[0] == "messageStart"
    assert set(names[1:-3]) == {"contentBlockDelta"}
    assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events[1:-3])
    assert text == whole["output"]["message"]["content"][0]["text"]
    assert events[-1]["metadata"]["usage"] == whole["usage"]


def test_events_are_padded(served):
    """Every event of ConverseStream carries the field `p`, as the service's do."""
    status, headers, body = post(served, f"/model/{HAIKU}/converse-stream", json.dumps({"messages": MESSAGES}))
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    payloads = [json.loads(message.payload) for message in buffer]
    assert (status, headers["Content-Type"]) == (200, "application/vnd.amazon.eventstream")
    assert all(re.fullmatch("[a-zA-Z0-9]+", payload["p"]) for payload in payloads)
    assert len({payload["p"] for payload in payloads}) > 3


@pytest.mark.parametrize(
    "name", [f"jp.{HAIKU}", f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.{HAIKU}"]
)
def test_profiles_and_arns_work_percent_encoded(bedrock, served, name):
    """The path's model id is decoded, slashes and colons included; the log has it as it was asked for."""
    answer = bedrock.converse(modelId=name, messages=MESSAGES)
    assert answer["usage"]["outputTokens"] > 0
    assert [line["model"] for line in map(json.loads, served.log.getvalue().splitlines())][-1] == name


def test_invoke_speaks_anthropic_s_messages(bedrock):
    """InvokeModel takes and gives a Messages body, with the counts repeated in headers."""
    response = bedrock.invoke_model(modelId=HAIKU, body=json.dumps(CLAUDE))
    message = json.loads(response["body"].read())
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert message["usage"] == {
        "input_tokens": count(QUESTION),
        "output_tokens": 50,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
    }
    assert (message["stop_reason"], message["role"]) == ("max_tokens", "assistant")
    assert count(message["content"][0]["text"]) == 50
    assert headers["x-amzn-bedrock-input-token-count"] == str(count(QUESTION))
    assert headers["x-amzn-bedrock-output-token-count"] == "50"
    assert int(headers["x-amzn-bedrock-invocation-latency"]) >= 0


def test_invoke_stream_ends_with_bedrock_s_metrics(bedrock):
    """Chunks are Anthropic's events; the last one carries amazon-bedrock-invocationMetrics."""
    whole = json.loads(bedrock.invoke_model(modelId=HAIKU, body=json.dumps(CLAUDE))["body"].read())
    response = bedrock.invoke_model_with_response_stream(modelId=HAIKU, body=json.dumps(CLAUDE))
    events = [json.loads(event["chunk"]["bytes"]) for event in response["body"]]
    kinds = [event["type"] for event in events]
    assert response["contentType"] == "application/json"
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert set(kinds[2:-3]) == {"content_block_delta"}
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert "".join(event["delta"]["text"] for event in events[2:-3]) == whole["content"][0]["text"]
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert (metrics["inputTokenCount"], metrics["outputTokenCount"]) == (count(QUESTION), 50)
    assert metrics["invocationLatency"] >= metrics["firstByteLatency"] >= 0


def test_count_tokens_counts_what_would_be_charged(bedrock):
    """CountTokens of a request is the input that the request is then charged."""
    charged = bedrock.converse(modelId=HAIKU, messages=MESSAGES)["usage"]["inputTokens"]
    invoke = {"invokeModel": {"body": json.dumps(CLAUDE)}}
    assert bedrock.count_tokens(modelId=HAIKU, input={"converse": {"messages": MESSAGES}})["inputTokens"] == charged
    assert bedrock.count_tokens(modelId=HAIKU, input=invoke)["inputTokens"] == charged


def test_titan_embeds(bedrock):
    """Titan gives a vector and its token count, the same each time."""
    body = json.dumps({"inputText": "ワンピース 1", "dimensions": 256})
    first, second = (json.loads(bedrock.invoke_model(modelId=TITAN, body=body)["body"].read()) for _ in range(2))
    assert (len(first["embedding"]), first["inputTextTokenCount"]) == (256, count("ワンピース 1"))
    assert first == second


def test_aioboto3_reads_the_same_stream(served, bedrock):
    """The asynchronous SDK gets the same answer."""

    async def ask():
        session = aioboto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")
        async with session.client("bedrock-runtime", endpoint_url=served.url) as connected:
            response = await connected.converse_stream(modelId=HAIKU, messages=MESSAGES)
            return [event async for event in response["stream"]]

    texts = [
        event["contentBlockDelta"]["delta"]["text"] for event in asyncio.run(ask()) if "contentBlockDelta" in event
    ]
    whole = bedrock.converse(modelId=HAIKU, messages=MESSAGES)
    assert "".join(texts) == whole["output"]["message"]["content"][0]["text"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"modelId": "anthropic.claude-9"}, "The provided model identifier is invalid."),
        ({"modelId": TITAN}, "This action doesn't support the model"),
        ({"messages": []}, "must start with a user message"),
        ({"messages": [{"role": "assistant", "content": [{"text": "Hi"}]}]}, "must start with a user message"),
        ({"messages": MESSAGES * 2}, "must alternate between user and assistant roles"),
        ({"messages": [{"role": "user", "content": [{"text": " "}]}]}, r"messages\.0\.content\.0 is blank"),
        ({"messages": [{"role": "user", "content": []}]}, r"messages\.0 is empty"),
        ({"inferenceConfig": {"maxTokens": 4_097}}, "exceeds the model limit of 4096"),
        ({"messages": [{"role": "user", "content": [{"text": "本" * 200_001}]}]}, "Input is too long"),
        ({"requestMetadata": {"output_tokens": "many"}}, "output_tokens must be a whole number"),
    ],
)
def test_a_broken_rule_is_a_validation_exception(bedrock, served, call, said):
    """The caller's mistakes are 400 with the service's words, and are logged as invalid."""
    with pytest.raises(ClientError, match=said) as refused:
        bedrock.converse(**({"modelId": HAIKU, "messages": MESSAGES} | call))
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    line = json.loads(served.log.getvalue().splitlines()[-1])
    assert line["id"] == refused.value.response["ResponseMetadata"]["RequestId"]
    assert (line["outcome"], line["status"]) == ("invalid", 400)


@pytest.mark.parametrize("missing", ["max_tokens", "anthropic_version", "messages"])
def test_invoke_names_what_is_missing(bedrock, missing):
    """A Messages body without one of its required fields is malformed."""
    body = {name: value for name, value in CLAUDE.items() if name != missing}
    with pytest.raises(ClientError, match=rf"Malformed input request: .*{missing}"):
        bedrock.invoke_model(modelId=HAIKU, body=json.dumps(body))


def test_errors_name_themselves_in_a_header(served):
    """JSON with a message, and x-amzn-ErrorType with the name before a colon."""
    status, headers, body = post(served, "/model/nope/converse", b"{}")
    assert (status, headers["Content-Type"]) == (400, "application/json")
    assert headers["x-amzn-ErrorType"].split(":")[0] == "ValidationException"
    assert json.loads(body) == {"message": "The provided model identifier is invalid."}
    assert headers["x-amzn-RequestId"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/model/{HAIKU}/converse", b"{", 400),
        *((f"/model/{HAIKU}/{name}", b"[" * 9_999, 400) for name in ("converse", "invoke", "count-tokens")),
        (f"/model/{TITAN}/invoke", b"[" * 9_999, 400),
        (f"/model/{HAIKU}/guess", b"{}", 404),
        ("/nothing", b"{}", 404),
    ],
)
def test_what_is_no_request_is_refused(served, path, body, status):
    """Neither broken JSON nor an unknown operation reaches a model."""
    assert post(served, path, body)[0] == status


def test_a_request_without_credentials_is_refused(served):
    """No Authorization header: 403, Missing Authentication Token."""
    status, headers, body = post(served, f"/model/{HAIKU}/converse", b"{}", headers=())
    assert (status, json.loads(body)) == (403, {"message": "Missing Authentication Token"})
    assert headers["x-amzn-ErrorType"].startswith("MissingAuthenticationTokenException:")


def test_another_access_key_is_refused():
    """Where a key is set, SigV4 with another one is an UnrecognizedClientException."""
    with serving(access_key="AKIDRIGHT") as running:
        with client(running, "AKIDRIGHT") as right:
            right.converse(modelId=HAIKU, messages=MESSAGES)
        with (
            client(running, "AKIDWRONG") as wrong,
            pytest.raises(ClientError, match="security token included") as refused,
        ):
            wrong.converse(modelId=HAIKU, messages=MESSAGES)
    assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_the_quota_throttles_to_the_request():
    """Calls of 18 + 40 tokens that hold 18 + 82: of 1,000 tokens 16 are granted, and after 1 s of refill one more."""
    now_ns = [0]
    with serving(lambda: now_ns[0], tokens_per_minute=1_000) as running, client(running) as caller:

        def ask():
            try:
                caller.converse(
                    modelId=HAIKU,
                    messages=MESSAGES,
                    inferenceConfig={"maxTokens": 82},
                    requestMetadata={"output_tokens": "40"},
                )
            except caller.exceptions.ThrottlingException as error:
                return error.response["Error"]["Message"]
            return "ok"

        assert count(QUESTION) == 18
        refused = "Too many tokens, please wait before trying again."
        assert [ask() for _ in range(20)] == ["ok"] * 16 + [refused] * 4
        # 72 tokens are left, 28 are missing: 1.68 s at 1,000 a minute.
        now_ns[0] = MINUTE_NS * 28 // 1_000 - 1
        assert ask() == refused
        now_ns[0] += 1
        assert [ask(), ask()] == ["ok", refused]
        caller.count_tokens(modelId=HAIKU, input={"converse": {"messages": MESSAGES}})
        caller.invoke_model(modelId=TITAN, body=json.dumps({"inputText": "another model, another quota"}))
    lines = [json.loads(line) for line in running.log.getvalue().splitlines()]
    outcomes = [line["outcome"] for line in lines]
    assert (outcomes.count("ok"), outcomes.count("throttled")) == (19, 6)
    assert {(line["status"], line["reserved"]) for line in lines if line["outcome"] == "throttled"} == {(429, 100)}


def test_burndown_charges_more_than_was_held():
    """Where output weighs five times, a call of 18 + 82 tokens is charged 428 of the minute."""
    with serving(tokens_per_minute=527) as running, client(running) as caller:
        call = {
            "modelId": "global.anthropic.claude-haiku-4-5-20251001-v1:0",
            "messages": MESSAGES,
            "inferenceConfig": {"maxTokens": 82},
        }
        caller.converse(**call)
        with pytest.raises(caller.exceptions.ThrottlingException):
            caller.converse(**call)


def test_every_request_is_in_the_log_once_by_the_time_its_answer_has_ended(bedrock, served):
    """One line a request, under the id the client saw, with the request's own metadata and the answer's figures."""
    asked = {}
    for number in range(20):
        metadata = {"request_id": f"r-{number}", "query_type": "greeting"}
        stream = bedrock.converse_stream(modelId=HAIKU, messages=MESSAGES, requestMetadata=metadata)
        usage = list(stream["stream"])[-1]["metadata"]["usage"]
        asked[stream["ResponseMetadata"]["RequestId"]] = (f"r-{number}", usage["inputTokens"], usage["outputTokens"])
        assert json.loads(served.log.getvalue().splitlines()[-1])["id"] == stream["ResponseMetadata"]["RequestId"]
    lines = [line for line in map(json.loads, served.log.getvalue().splitlines()) if line["id"] in asked]
    assert {line["id"]: (line["request_id"], line["input_tokens"], line["output_tokens"]) for line in lines} == asked
    assert len(lines) == len(asked)
    for line in lines:
        assert line["arrived_ns"] <= line["first_ns"] <= line["ended_ns"]
        assert (line["operation"], line["outcome"], line["status"]) == ("converse-stream", "ok", 200)
        assert (line["stop_reason"], line["max_tokens"]) == ("end_turn", None)
        assert line["reserved"] == line["input_tokens"] + 4_096


def test_answers_do_not_depend_on_the_order_of_arrival():
    """Two emulators of one seed give the same answers to the same questions, asked the other way round."""
    questions = [[{"role": "user", "content": [{"text": f"What is volume {number} about?"}]}] for number in range(8)]

    def ask(order):
        with serving(seed=5, tokens_per_minute=None) as running, client(running) as caller:
            return {
                number: caller.converse(modelId=HAIKU, messages=questions[number])["output"]["message"]
                for number in order
            }

    assert ask(range(8)) == ask(reversed(range(8)))


def begin_stream(served, n_tokens):
    """Open a connection, ask for a long streamed answer, and read its first bytes."""
    body = json.dumps({"messages": MESSAGES, "requestMetadata": {"output_tokens": str(n_tokens)}}).encode()
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT_S)
    head = f"POST /model/{HAIKU}/converse-stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n"
    connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    received = b""
    while b"contentBlockDelta" not in received:
        received += connection.recv(65_536)
    return connection


def test_a_client_that_goes_away_ends_the_work_and_frees_its_quota():
    """The answer is given up, logged with what was decoded, and what it held beyond that is there for the next."""
    with serving(tokens_per_minute=4_200, time_scale=0.2) as running:
        begin_stream(running, 4_000).close()
        line = running.entry()
        assert (line["outcome"], line["status"], line["stop_reason"]) == ("client_gone", 200, None)
        assert (line["reserved"], line["input_tokens"]) == (18 + 4_096, 18)
        assert 1 <= line["output_tokens"] < 4_000
        with client(running) as caller:
            caller.converse(modelId=HAIKU, messages=MESSAGES, inferenceConfig={"maxTokens": 30})
        assert running.entry()["outcome"] == "ok"


def test_an_emulator_that_is_stopped_has_everything_on_record():
    """What is cut off by the end of the emulator is logged as its error."""
    with serving(tokens_per_minute=None, time_scale=1.0, graceful_s=1) as running:
        connection = begin_stream(running, 4_000)
        running.server.should_exit = True
        line = running.entry()
        connection.close()
    assert (line["outcome"], line["status"]) == ("error", 200)
    assert running.log.written.empty()


def test_a_fault_of_the_emulator_s_own_is_an_internal_server_exception(monkeypatch):
    """A fault is a 500 before the stream has begun, an exception frame after it, and an error in the log."""

    def fail(*_):
        raise RuntimeError("broken on purpose")

    with serving(tokens_per_minute=None) as running, client(running) as caller:
        monkeypatch.setattr("target_app.bedrock.converse.closing", fail)
        events = caller.converse_stream(modelId=HAIKU, messages=MESSAGES)["stream"]
        with closing(events), pytest.raises(ClientError) as in_stream:
            list(events)
        monkeypatch.setattr("target_app.bedrock.converse.whole", fail)
        with pytest.raises(ClientError) as before:
            caller.converse(modelId=HAIKU, messages=MESSAGES)
        assert [(line["outcome"], line["status"]) for line in (running.entry(), running.entry())] == [
            ("error", 200),
            ("error", 500),
        ]
    assert in_stream.value.response["Error"]["Code"] == "internalServerException"
    assert before.value.response["Error"]["Code"] == "InternalServerException"


def test_count_tokens_takes_the_body_in_base64(served):
    """The wire form of InvokeModel's body inside CountTokens is base64, as for every blob."""
    body = base64.b64encode(json.dumps(CLAUDE).encode()).decode()
    request = json.dumps({"input": {"invokeModel": {"body": body}}})
    status, _, answer = post(served, f"/model/{HAIKU}/count-tokens", request)
    assert (status, json.loads(answer)) == (200, {"inputTokens": count(QUESTION)})
