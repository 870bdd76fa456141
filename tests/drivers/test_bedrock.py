"""Both Bedrock drivers, the lean one and the SDK's, against a scripted HTTP server that speaks AWS's event stream."""

import asyncio
import json
import os
import stat
import struct
import zlib
from contextlib import asynccontextmanager, suppress

import pytest

from loadtester.drivers.bedrock import BedrockDriver
from loadtester.drivers.compat.bedrock import CompatBedrockDriver
from loadtester.errors import Exit, FmloadError
from loadtester.model import Outcome, Request, Usage

PATIENCE_S = 20.0
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRET = "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    """Credentials that are nobody's, and nothing of this machine's own."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


DRIVERS = {"fast": BedrockDriver, "compat": CompatBedrockDriver}


@pytest.fixture(params=list(DRIVERS))
def client(request):
    """Which of the drivers a test is about: each rule holds for both."""
    return DRIVERS[request.param]


class Probe:
    """Writes down what it is told, in order."""

    def __init__(self):
        self.events = []
        self.texts = []
        self.n_bytes = []
        self.n_connected = 0

    def sent(self):
        self.events.append("sent")

    def chunk(self, n_bytes, text):
        self.events.append("chunk")
        self.texts.append(text)
        self.n_bytes.append(n_bytes)

    def chunks(self, n_bytes, texts):
        assert n_bytes == len("".join(texts).encode())
        for text in texts:
            self.chunk(len(text.encode()), text)

    def connected(self, duration_ns):  # noqa: ARG002  the probe's signature
        self.n_connected += 1


def ask(number=7, **changes):
    fields = {
        "id": number,
        "query": "greeting",
        "kind": "ai",
        "model": "anthropic.claude-3-haiku-20240307-v1:0",
        "prompt": "こんにちは",
        "session": "s-3",
        "turn": 1,
        "max_tokens": 64,
        "language": "ja",
    }
    return Request(**(fields | changes))


def frame(headers, payload):
    """One message of AWS's event stream."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(name, **fields):
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(fields | {"p": "abcdefgh"}).encode())


def exception(name, message):
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def text_event(text):
    return event("contentBlockDelta", contentBlockIndex=0, delta={"text": text})


START = event("messageStart", role="assistant")
STOP = event("contentBlockStop", contentBlockIndex=0) + event("messageStop", stopReason="end_turn")
USAGE = {"inputTokens": 11, "outputTokens": 5, "totalTokens": 25, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 2}
METADATA = event("metadata", usage=USAGE, metrics={"latencyMs": 1250})
STREAM = START + text_event("こん") + text_event("") + text_event("ni") + STOP + METADATA


def converse_answer(**changes):
    content = [{"text": "こん"}, {"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}, {"text": "ni"}]
    answer = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": USAGE,
        "metrics": {"latencyMs": 1250},
    }
    return json.dumps(answer | changes).encode()


def response(body=b"", status=200, error=None, kind="application/json"):
    """An HTTP answer of known length; `error` is the name that AWS gives it."""
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    if error is not None:
        head += f"x-amzn-ErrorType: {error}:http://internal.amazon.com/coral/com.amazon.bedrock/\r\n"
    return head.encode() + b"\r\n" + body


def refusal(error, status, message="why"):
    return response(json.dumps({"message": message}).encode(), status, error)


def stream(*pieces, end=b"0\r\n\r\n"):
    """An answer in HTTP chunks, one for each piece."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


class Bedrock:
    """Answers every request with the bytes that `script(path, body)` gives; None hangs, b"" hangs up.

    An answer that ends in `b"!"` is sent without it, then the connection is closed.
    """

    def __init__(self, script):
        self.script = script
        self.asked = []
        self.heads = []
        self.n_connections = 0
        self.n_gone = 0
        #: No answer before this many requests have come.
        self.wait_for = 0
        self.have_come = asyncio.Event()
        self.was_asked = asyncio.Event()
        self.is_gone = asyncio.Event()

    async def talk(self, reader, writer):
        self.n_connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ")[1]
                lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
                body = json.loads(await reader.readexactly(int(lines["content-length"])))
                self.asked.append((path, body))
                self.heads.append(lines)
                said = self.script(path, body)
                self.was_asked.set()
                if len(self.asked) == self.wait_for:
                    self.have_come.set()
                if self.wait_for:
                    await self.have_come.wait()
                if said is None:
                    await reader.read()
                writer.write((said or b"").removesuffix(b"!"))
                await writer.drain()
                if not said or said.endswith(b"!"):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.n_gone += 1
            self.is_gone.set()


@asynccontextmanager
async def bedrock(client, said, *, is_streaming=True, region="us-east-1"):
    """A driver and the server that it talks to; `said` is an answer or a script."""
    server = Bedrock(said if callable(said) else lambda *_: said)
    tasks = set()

    async def tracked(reader, writer):
        tasks.add(asyncio.current_task())
        await server.talk(reader, writer)

    listening = await asyncio.start_server(tracked, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    driver = client(region, server.url, is_streaming=is_streaming, ca_file=None)
    try:
        yield driver, server
    finally:
        await driver.aclose()
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def run(main):
    """Run `main` to its end; nothing of it may stay: no task, no socket."""

    async def bounded():
        async with asyncio.timeout(PATIENCE_S):
            result = await main()
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    before = sockets()
    result = asyncio.run(bounded())
    assert sockets() == before
    return result


def sockets():
    """The file descriptors of this process that are sockets."""
    found = set()
    for number in range(1024):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                found.add(number)
    return found


def sending(client, said, request=None, *, is_streaming=True):
    """How one request ends, what the probe was told, and the server."""

    async def main():
        async with bedrock(client, said, is_streaming=is_streaming) as (driver, server):
            probe = Probe()
            return await driver.send(request or ask(), probe), probe, server

    return run(main)


def test_a_stream_is_told_as_it_comes(client):
    """Sent, each piece of text, then an Ending with reason, usage, model and the service's own time."""
    ending, probe, _ = sending(client, stream(STREAM))
    assert probe.events == ["sent", "chunk", "chunk"]
    assert (probe.texts, probe.n_bytes) == (["こん", "ni"], [6, 2])
    assert (ending.outcome, ending.finish_reason, ending.model) == (Outcome.OK, "end_turn", ask().model)
    assert ending.usage == Usage(11, 5, cache_read=7, cache_write=2)
    assert ending.timing_s == {"model": 1.25}


def test_a_whole_answer_is_one_chunk(client):
    """Converse: the text blocks together, and the same Ending as of a stream."""
    ending, probe, server = sending(client, response(converse_answer()), is_streaming=False)
    assert (probe.events, probe.texts, probe.n_bytes) == (["sent", "chunk"], ["こんni"], [8])
    assert ending == sending(client, stream(STREAM))[0]
    assert server.asked[0][0].endswith("/converse")


def test_a_request_holds_what_bedrock_takes(client):
    """Model in the path, no system prompt, metadata as strings of characters that Bedrock allows."""
    request = ask(query="マンガ search!", want_output_tokens=12)
    _, _, server = sending(client, stream(STREAM), request)
    path, body = server.asked[0]
    assert path == "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream"
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "こんにちは"}]}],
        "inferenceConfig": {"maxTokens": 64},
        "requestMetadata": {"request_id": "r-7", "query_type": "--- search-", "output_tokens": "12"},
    }
    assert "/bedrock/aws4_request" in server.heads[0]["authorization"]


@pytest.mark.parametrize("is_streaming", [True, False])
def test_a_sampled_request_and_no_other_carries_its_trace(client, is_streaming):
    """As a header that is not signed: a proxy on the way may put its own in."""

    async def main():
        said = stream(STREAM) if is_streaming else response(converse_answer())
        async with bedrock(client, said, is_streaming=is_streaming) as (driver, server):
            for trace in (TRACE, None):
                await driver.send(ask(traceparent=trace), Probe())
            return server.heads

    sampled, other = run(main)
    assert sampled["traceparent"] == TRACE
    assert "signedheaders=" in sampled["authorization"]
    assert "traceparent" not in sampled["authorization"]
    assert "traceparent" not in other


def test_a_bearer_token_of_the_environment_is_used(client, monkeypatch):
    """The SDK's own way to authenticate without a signature works."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "token-of-nobody")
    _, _, server = sending(client, stream(STREAM))
    assert server.heads[0]["authorization"] == "bearer token-of-nobody"


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("stop_sequence", Outcome.OK),
        ("tool_use", Outcome.OK),
        ("max_tokens", Outcome.TRUNCATED),
        ("model_context_window_exceeded", Outcome.TRUNCATED),
        ("guardrail_intervened", Outcome.FILTERED),
        ("content_filtered", Outcome.FILTERED),
        ("malformed_model_output", Outcome.INVALID),
    ],
)
@pytest.mark.parametrize("is_streaming", [True, False])
def test_the_stop_reason_decides_the_outcome(client, reason, outcome, is_streaming):
    """A 200 is no success: it is one only if the model ended on its own."""
    if is_streaming:
        said = stream(START, text_event("a"), event("messageStop", stopReason=reason), METADATA)
    else:
        said = response(converse_answer(stopReason=reason))
    ending, _, _ = sending(client, said, is_streaming=is_streaming)
    assert (ending.outcome, ending.finish_reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        ("ThrottlingException", 429, Outcome.THROTTLED),
        ("ServiceQuotaExceededException", 400, Outcome.THROTTLED),
        ("ModelNotReadyException", 429, Outcome.UNAVAILABLE),
        ("ServiceUnavailableException", 503, Outcome.UNAVAILABLE),
        ("ModelTimeoutException", 408, Outcome.MODEL_TIMEOUT),
        ("ModelErrorException", 424, Outcome.SERVER_ERROR),
        ("InternalServerException", 500, Outcome.SERVER_ERROR),
        ("ValidationException", 400, Outcome.CLIENT_ERROR),
        ("AccessDeniedException", 403, Outcome.CLIENT_ERROR),
        ("ResourceNotFoundException", 404, Outcome.CLIENT_ERROR),
    ],
)
@pytest.mark.parametrize("is_streaming", [True, False])
def test_an_error_has_its_outcome_and_is_not_sent_again(client, error, status, outcome, is_streaming):
    """The SDK's retries are off: one request on the wire, whatever the answer."""
    ending, probe, server = sending(client, refusal(error, status), is_streaming=is_streaming)
    assert (ending.outcome, ending.detail) == (outcome, f"{status} {error}: why")
    assert probe.events == ["sent"]
    assert len(server.asked) == 1


def test_the_sdk_counts_no_retry():
    """RetryAttempts of a good answer and of a refusal is 0."""

    async def main():
        counts = []
        async with bedrock(CompatBedrockDriver, lambda path, _: refusal("ThrottlingException", 429) if "stream" in path else response(converse_answer())) as (driver, _):  # fmt: skip  # noqa: E501
            client = await driver._ready()
            client.meta.events.register(
                "after-call.bedrock-runtime",
                lambda parsed, **_: counts.append(parsed["ResponseMetadata"]["RetryAttempts"]),
            )
            await driver.send(ask(), Probe())
            driver._is_streaming = False
            await driver.send(ask(), Probe())
        return counts

    assert run(main) == [0, 0]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (response(b"<html>bad gateway</html>", 502, kind="text/html"), Outcome.SERVER_ERROR),
        (response(b"", 504), Outcome.MODEL_TIMEOUT),
        (response(b"", 429), Outcome.THROTTLED),
        (response(b"{", 403), Outcome.CLIENT_ERROR),
    ],
)
def test_an_answer_that_is_not_bedrocks_goes_by_its_status(client, said, outcome):
    """Proxies and balancers answer in their own words."""
    ending, _, server = sending(client, said)
    assert ending.outcome is outcome
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("throttlingException", Outcome.THROTTLED),
        ("serviceUnavailableException", Outcome.UNAVAILABLE),
        ("modelStreamErrorException", Outcome.BROKEN),
        ("internalServerException", Outcome.SERVER_ERROR),
        ("validationException", Outcome.CLIENT_ERROR),
    ],
)
def test_an_error_inside_a_stream_keeps_its_outcome(client, name, outcome):
    """Also after the first piece of text."""
    ending, probe, _ = sending(client, stream(START, text_event("a"), exception(name, "Too many tokens")))
    assert (ending.outcome, ending.detail) == (outcome, f"in the stream {name}: Too many tokens")
    assert probe.texts == ["a"]


@pytest.mark.parametrize(
    ("pieces", "missing"),
    [
        ([START, text_event("a")], "messageStop"),
        ([START, text_event("a"), METADATA], "messageStop"),
        ([START, text_event("a"), STOP], "metadata"),
        ([], "messageStop"),
        ([START, text_event("a"), STOP, METADATA[:-4]], "metadata"),
    ],
)
def test_a_stream_without_both_of_its_last_events_is_broken(client, pieces, missing):
    """The HTTP answer was complete, the model's was not."""
    ending, _, _ = sending(client, stream(*pieces))
    assert (ending.outcome, ending.detail) == (Outcome.BROKEN, f"the stream ended without {missing}")


@pytest.mark.parametrize(
    "said",
    [
        stream(START, text_event("a"), end=b"!"),
        stream(START, text_event("a"), STREAM[:20], end=b"7\r\n!"),
        stream(START, text_event("a")[:-1] + b"\x00"),
        stream(START, text_event("a"), end=b"zz\r\n!"),
    ],
    ids=["dropped", "half-chunk", "checksum", "chunk-size"],
)
def test_a_stream_that_dies_is_broken(client, said):
    """Dropped sockets and damaged frames; the connection is not kept."""
    ending, _, server = sending(client, said)
    assert ending.outcome is Outcome.BROKEN
    assert "127.0.0.1" not in ending.detail
    assert server.n_gone == 1


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le!", b"SSH-2.0-x\r\n!", response(b"{}")[:-1] + b"!"]
)
@pytest.mark.parametrize("is_streaming", [True, False])
def test_an_exchange_that_breaks_off_is_broken(client, said, is_streaming):
    """The request was sent, no answer came whole; it is not sent again."""
    ending, _, server = sending(client, said, is_streaming=is_streaming)
    assert ending.outcome is Outcome.BROKEN
    assert len(server.asked) == 1


def test_no_connection_is_refused(client):
    """Nobody listens: not sent, and told without an address."""

    async def main():
        async with bedrock(client, b"") as (_, server):
            pass
        driver = client("us-east-1", server.url, is_streaming=True, ca_file=None)
        try:
            return await driver.send(ask(), Probe())
        finally:
            await driver.aclose()

    ending = run(main)
    assert ending.outcome is Outcome.REFUSED
    assert "127.0.0.1" not in ending.detail


def test_connections_are_kept_and_as_many_as_it_takes(client):
    """One client for the run: turns share a connection, requests at once have one each, far beyond the SDK's ten."""

    async def main():
        async with bedrock(client, stream(STREAM)) as (driver, server):
            for _ in range(3):
                await driver.send(ask(), Probe())
            one_by_one = server.n_connections
            server.wait_for = len(server.asked) + 30
            endings = await asyncio.gather(*(driver.send(ask(), Probe()) for _ in range(30)))
            return one_by_one, server.n_connections, {ending.outcome for ending in endings}

    assert run(main) == (1, 30, {Outcome.OK})


@pytest.mark.parametrize("said", [None, stream(START, text_event("a"), end=b"")], ids=["waiting", "streaming"])
@pytest.mark.parametrize("is_streaming", [True, False])
def test_a_cancelled_request_costs_its_connection(client, said, is_streaming):
    """Its connection is closed, not handed to the next request."""

    async def main():
        async with bedrock(client, said, is_streaming=is_streaming) as (driver, server):
            task = asyncio.create_task(driver.send(ask(), Probe()))
            await server.was_asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await server.is_gone.wait()
            return server.n_connections, server.n_gone

    assert run(main) == (1, 1)


def test_check_counts_a_words_tokens(client):
    """The free call, once; the load then uses the same client."""

    async def main():
        script = lambda path, _: response(b'{"inputTokens": 8}') if path.endswith("/count-tokens") else stream(STREAM)  # noqa: E731  one line says it
        async with bedrock(client, script) as (driver, server):
            await driver.check()
            ending = await driver.send(ask(), Probe())
            return ending.outcome, [path.rpartition("/")[2] for path, _ in server.asked]

    assert run(main) == (Outcome.OK, ["count-tokens", "converse-stream"])


@pytest.mark.parametrize(
    "said",
    [
        refusal("ValidationException", 400, "The provided model doesn't support counting tokens."),
        refusal("ResourceNotFoundException", 404, "Model not found"),
        refusal("ThrottlingException", 429),
        refusal("AccessDeniedException", 403, "You don't have access to the model with the specified model ID."),
    ],
)
def test_check_is_content_with_a_refusal_of_its_question(client, said):
    """Bedrock is there, and knows the caller: that the tiny question can't be answered is no matter."""

    async def main():
        async with bedrock(client, said) as (driver, _):
            await driver.check()

    run(main)


def failing_check(client, said, **options):
    async def main():
        async with bedrock(client, said, **options) as (driver, _):
            with pytest.raises(FmloadError) as caught:
                await driver.check()
        return caught.value

    error = run(main)
    assert error.code is Exit.UNREACHABLE
    assert error.remedy
    assert SECRET not in str(error)
    assert "AKIDEXAMPLE" not in str(error)
    return error


@pytest.mark.parametrize(
    "said",
    [
        refusal("UnrecognizedClientException", 403, f"bad {SECRET}"),
        refusal("ExpiredTokenException", 403),
        refusal("InvalidSignatureException", 403),
        refusal("AccessDeniedException", 403, "not authorized to perform: bedrock:CountTokens"),
        response(b"", 401),
    ],
)
def test_check_tells_of_bad_credentials(client, said):
    """Where they came from and what to set; never what they are."""
    error = failing_check(client, said)
    assert "credentials of the environment (AWS_ACCESS_KEY_ID)" in error.message
    assert "AWS_PROFILE" in error.remedy


def test_check_tells_of_missing_credentials(client, monkeypatch):
    """Nothing is sent; a profile is named where one is chosen."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "default profile" in failing_check(client, b"").message
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "profile nobody" in failing_check(client, b"").message


def test_check_tells_of_a_missing_region(client):
    """Without a region there is nowhere to go."""
    assert "region" in failing_check(client, b"", region=None).message


@pytest.mark.parametrize(
    "said", [b"", refusal("InternalServerException", 500), refusal("ServiceUnavailableException", 503)]
)
def test_check_tells_of_a_service_that_is_not_well(client, said):
    """Hanging up, and 5xx."""
    assert "can't be reached at http://127.0.0.1:" in failing_check(client, said).message


def test_check_tells_that_nobody_is_there(client):
    """A closed port."""

    async def main():
        async with bedrock(client, b"") as (_, server):
            pass
        driver = client("us-east-1", server.url, is_streaming=True, ca_file=None)
        with pytest.raises(FmloadError, match="Connection refused") as caught:
            await driver.check()
        await driver.aclose()
        return caught.value.code

    assert run(main) is Exit.UNREACHABLE


@pytest.mark.parametrize("url", ["", "http://", "bedrock.example.com", "ftp://x"])
def test_an_endpoint_that_is_no_url_is_the_users_to_mend(client, url):
    """Told before anything is opened."""
    with pytest.raises(FmloadError):
        client("us-east-1", url, is_streaming=True, ca_file=None)


def test_prepare_never_raises(client, monkeypatch):
    """What keeps the client from being made shows when the request is sent."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    async def main():
        async with bedrock(client, b"") as (driver, server):
            await driver.prepare(ask())
            return await driver.send(ask(), Probe()), server.n_connections

    ending, n_connections = run(main)
    assert (ending.outcome, n_connections) == (Outcome.CLIENT_ERROR, 0)


def test_a_fault_in_the_probe_is_not_bedrocks(client):
    """What the load tester itself does wrong is raised."""

    class Broken(Probe):
        def chunk(self, n_bytes, text):  # noqa: ARG002  the probe's signature
            raise ZeroDivisionError

        def chunks(self, n_bytes, texts):  # noqa: ARG002  the probe's signature
            raise ZeroDivisionError

    async def main():
        async with bedrock(client, stream(STREAM)) as (driver, _):
            with pytest.raises(ZeroDivisionError):
                await driver.send(ask(), Broken())

    run(main)


SERVICE_ERRORS = [
    ("ThrottlingException", 429, "Too many tokens, please wait before trying again."),
    ("ThrottlingException", 429, "Too many requests, please wait before trying again."),
    ("ThrottlingException", 429, "Too many tokens per day, please wait before trying again."),
    ("ModelNotReadyException", 429, "not ready"),
    ("InternalServerException", 500, "internal"),
    ("ServiceUnavailableException", 503, "unavailable"),
    ("ModelTimeoutException", 408, "timed out"),
    ("ModelErrorException", 424, "the model failed"),
    ("ModelStreamErrorException", 424, "the stream failed"),
    ("ValidationException", 400, "The provided model identifier is invalid."),
    ("ServiceQuotaExceededException", 400, "quota"),
    ("AccessDeniedException", 403, "You don't have access to the model"),
    ("ResourceNotFoundException", 404, "Model not found"),
    ("com.amazon.coral#SomethingNewException", 418, "マンガ"),
]
ODD_ERRORS = [
    response(b"{}", 429, "ThrottlingException"),
    response(b'{"Message": "in capitals"}', 400, "ValidationException"),
    response(b'{"__type": "com.amazon#ThrottlingException", "message": "in the body"}', 429),
    response(b'{"code": "ThrottlingException:http://x/", "message": "in the body"}', 429),
    response(b'{"message": null}', 500),
    response(b"<html><b>Http/1.1 Service Unavailable</b></html>", 503, kind="text/html"),
    response(b"<HTML>bad gateway</HTML>", 502, kind="text/html"),
    response(b"upstream connect error", 503, kind="text/plain"),
    response(b"", 504),
    response(b"", 599),
    response(b"", 302),
    response(b"{", 403),
]
STREAM_ERRORS = [
    (name, message)
    for name in (
        "throttlingException",
        "serviceUnavailableException",
        "modelStreamErrorException",
        "internalServerException",
        "validationException",
    )
    for message in ("why", "Too many tokens, please wait before trying again.", "マンガ")
]
UNMODELLED = frame(
    {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "nobody modelled this"}, b""
)


def both(said, *, is_streaming):
    """What each driver makes of the same bytes: the ending, and the text in its pieces with their sizes."""
    results = []
    for driver in DRIVERS.values():
        ending, probe, server = sending(driver, said, is_streaming=is_streaming)
        path, body = server.asked[0]
        results.append((ending, probe.texts, probe.n_bytes, path, body))
    return results


@pytest.mark.parametrize(("error", "status", "message"), SERVICE_ERRORS)
@pytest.mark.parametrize("is_streaming", [True, False])
def test_both_clients_read_the_same_of_an_error(error, status, message, is_streaming):
    """Outcome, name and text, and the request that led to it."""
    lean, compat = both(refusal(error, status, message), is_streaming=is_streaming)
    assert lean == compat


@pytest.mark.parametrize("said", ODD_ERRORS)
@pytest.mark.parametrize("is_streaming", [True, False])
def test_both_clients_read_the_same_of_an_odd_error(said, is_streaming):
    """Names in other places, pages of gateways, no body, no JSON."""
    lean, compat = both(said, is_streaming=is_streaming)
    assert lean == compat


@pytest.mark.parametrize("said", [*(exception(*error) for error in STREAM_ERRORS), UNMODELLED])
def test_both_clients_read_the_same_of_an_error_in_a_stream(said):
    """Also after text, and of errors that the service's model does not know."""
    for before in (b"", START + text_event("a")):
        lean, compat = both(stream(before + said), is_streaming=True)
        assert lean == compat


@pytest.mark.parametrize(
    "usage",
    [
        USAGE,
        {"inputTokens": 11, "outputTokens": 5, "totalTokens": 16},
        {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0, "cacheReadInputTokens": 9, "cacheWriteInputTokens": 0},
        {"inputTokens": 11, "totalTokens": 16},
        {},
        None,
    ],
)
@pytest.mark.parametrize("reason", ["end_turn", "guardrail_intervened"])
def test_both_clients_read_the_same_of_an_answer(usage, reason):
    """Each byte of the text, every field of the usage, whole and streamed, at any size of the pieces."""
    texts = ["これは", 'a"\\\n\u0000', "🦊", "é", ""]
    told = event("metadata", usage=usage, metrics={"latencyMs": 3})
    events = [START, *map(text_event, texts), event("messageStop", stopReason=reason), told]
    whole = b"".join(events)
    for pieces in (events, [whole], [whole[at : at + 7] for at in range(0, len(whole), 7)]):
        lean, compat = both(stream(*pieces), is_streaming=True)
        assert lean == compat
        assert "".join(lean[1]) == "".join(texts)
    answer = converse_answer(usage=usage, stopReason=reason)
    lean, compat = both(response(answer), is_streaming=False)
    assert lean == compat


@pytest.mark.parametrize(
    "model",
    [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "jp.anthropic.claude-haiku-4-5-20251001-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc~d_e",
    ],
)
def test_both_clients_ask_for_a_model_by_the_same_path(model):
    """Names and ARNs, encoded alike."""
    paths = {sending(driver, stream(STREAM), ask(model=model))[2].asked[0][0] for driver in DRIVERS.values()}
    assert len(paths) == 1


@pytest.mark.parametrize(
    "pieces", [[START, text_event("a"), STOP, METADATA, METADATA[:9]], [STREAM + b"\x00"]], ids=["frame", "byte"]
)
def test_a_frame_cut_short_after_the_last_event_is_broken(pieces):
    """The SDK would not mind; bytes that went missing are no success."""
    ending, _, _ = sending(BedrockDriver, stream(*pieces))
    assert (ending.outcome, ending.detail) == (Outcome.BROKEN, "the stream ended in the middle of a frame")


@pytest.mark.parametrize(
    ("said", "is_streaming"),
    [
        (response(b"no json"), False),
        (response(b'{"stopReason": 7}'), False),
        (stream(START, event("contentBlockDelta", delta=[])), True),
        (stream(event("metadata", usage={"inputTokens": "many"})), True),
    ],
)
def test_an_answer_in_another_format_is_invalid(said, is_streaming):
    """It came whole, but is not what the API says."""
    assert sending(BedrockDriver, said, is_streaming=is_streaming)[0].outcome is Outcome.INVALID
