"""The Bedrock client on a scripted server: what it sends, what it makes of every answer, and that it never retries."""

import asyncio
import json
import struct
from contextlib import asynccontextmanager
from dataclasses import replace
from zlib import crc32

import pytest

from target_app.chat import Usage
from target_app.endpoint import Endpoint
from target_app.errors import ChatError, Code
from target_app.model import ModelCall, Turn
from target_app.model_client import BedrockModel
from target_app.pools.limits import LIMITS

CALL = ModelCall(
    model="jp.anthropic.claude:1",
    system="Be kind.",
    turns=(Turn("user", "one"), Turn("assistant", "two"), Turn("user", "three")),
    max_tokens=77,
    metadata={"request_id": "r-1"},
)
METADATA = {
    "usage": {
        "inputTokens": 10,
        "outputTokens": 4,
        "totalTokens": 17,
        "cacheReadInputTokens": 2,
        "cacheWriteInputTokens": 1,
    },
    "metrics": {"latencyMs": 5},
}
USAGE = Usage(input_tokens=10, output_tokens=4, cache_read_tokens=2, cache_write_tokens=1)


def frame(event, payload, kind="event"):
    """One event-stream message, as Bedrock frames them."""
    headers = b""
    for name, value in ((f":{kind}-type", event), (":content-type", "application/json"), (":message-type", kind)):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return message + struct.pack("!I", crc32(message))


def delta(text):
    return frame("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": 0, "p": "abc"})


START = frame("messageStart", {"role": "assistant"})
STOP = frame("contentBlockStop", {"contentBlockIndex": 0}) + frame("messageStop", {"stopReason": "end_turn"})
WHOLE = START + delta("One ") + delta("Piece") + STOP + frame("metadata", METADATA)


def response(body, *, status="200 OK", kind="application/json", headers="", length=None):
    n_bytes = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {n_bytes}\r\n{headers}\r\n".encode() + body


def streamed(body, length=None):
    return response(body, kind="application/vnd.amazon.eventstream", length=length)


def fault(status, name, message="Too many tokens, please wait before trying again.", headers=""):
    type_header = f"x-amzn-ErrorType: {name}:http://internal.amazon.com/coral/com.amazon.bedrock/\r\n"
    return response(json.dumps({"message": message}).encode(), status=status, headers=type_header + headers)


class Server:
    """Answers every request with the same bytes and keeps what it was asked."""

    def __init__(self, answer, *, hangs_up=False):
        self.answer = answer
        self.hangs_up = hangs_up
        self.heads, self.bodies = [], []
        self.n_connections = 0
        self.left = asyncio.Event()
        self.asked = asyncio.Event()

    async def serve(self, reader, writer):
        self.n_connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:] if line)
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                self.heads.append(head)
                self.bodies.append(json.loads(body))
                self.asked.set()
                if self.answer is not None:
                    writer.write(self.answer)
                if self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.left.set()
            writer.close()


@asynccontextmanager
async def bedrock(server, **options):
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        async with BedrockModel(Endpoint(url=url), **options) as model:
            yield model
    finally:
        listener.close()


async def ignore(_):
    pass


def asked(answer, way="stream", *, hangs_up=False, deliver=ignore):
    """The reply or the ChatError, and the server that was asked once."""

    async def run():
        server = Server(answer, hangs_up=hangs_up)
        async with bedrock(server) as model:
            try:
                result = await (model.stream(CALL, deliver) if way == "stream" else model.complete(CALL))
            except ChatError as error:
                result = error
        return result, server

    return asyncio.run(run())


CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "One "}, {"text": "Piece"}]}},
    "stopReason": "max_tokens",
    **METADATA,
}


def test_a_stream_is_delivered_and_complete():
    """Each text goes on as it came; the reply has all of it, stop reason, usage with cache tokens, and the model."""
    got = []

    async def deliver(text):
        got.append(text)

    reply, _ = asked(streamed(WHOLE), deliver=deliver)
    assert got == ["One ", "Piece"]
    assert (reply.text, reply.model, reply.finish_reason, reply.usage) == ("One Piece", CALL.model, "end_turn", USAGE)


def test_a_whole_answer():
    """Converse gives the same, at once."""
    reply, _ = asked(response(json.dumps(CONVERSE).encode()), "complete")
    assert (reply.text, reply.model, reply.finish_reason, reply.usage) == ("One Piece", CALL.model, "max_tokens", USAGE)


def test_a_routers_choice_is_the_model_that_answered():
    """Behind a prompt router, the model it chose is named."""
    routed = {**METADATA, "trace": {"promptRouter": {"invokedModelId": "the-chosen-one"}}}
    reply, _ = asked(streamed(START + delta("Hi") + STOP + frame("metadata", routed)))
    assert reply.model == "the-chosen-one"


@pytest.mark.parametrize(
    ("way", "answer", "operation"),
    [
        ("stream", streamed(WHOLE), "converse-stream"),
        ("complete", response(json.dumps(CONVERSE).encode()), "converse"),
    ],
)
def test_what_bedrock_is_asked(way, answer, operation):
    """The call is Converse's own shape, to the model's percent-encoded path."""
    _, server = asked(answer, way)
    assert server.heads[0].startswith(f"POST /model/jp.anthropic.claude%3A1/{operation} HTTP/1.1\r\n")
    assert server.bodies == [
        {
            "messages": [
                {"role": "user", "content": [{"text": "one"}]},
                {"role": "assistant", "content": [{"text": "two"}]},
                {"role": "user", "content": [{"text": "three"}]},
            ],
            "system": [{"text": "Be kind."}],
            "inferenceConfig": {"maxTokens": 77},
            "requestMetadata": {"request_id": "r-1"},
        }
    ]


@pytest.mark.parametrize("way", ["stream", "complete"])
@pytest.mark.parametrize(
    ("status", "name", "code"),
    [
        ("429 Too Many Requests", "ThrottlingException", Code.THROTTLED),
        ("400 Bad Request", "ServiceQuotaExceededException", Code.THROTTLED),
        ("503 Service Unavailable", "ServiceUnavailableException", Code.UNAVAILABLE),
        ("429 Too Many Requests", "ModelNotReadyException", Code.UNAVAILABLE),
        ("408 Request Timeout", "ModelTimeoutException", Code.MODEL_TIMEOUT),
        ("424 Failed Dependency", "ModelErrorException", Code.MODEL_ERROR),
        ("500 Internal Server Error", "InternalServerException", Code.MODEL_ERROR),
        ("400 Bad Request", "ValidationException", Code.BAD_REQUEST),
        ("404 Not Found", "ResourceNotFoundException", Code.BAD_REQUEST),
        ("403 Forbidden", "AccessDeniedException", Code.INTERNAL),
        ("403 Forbidden", "UnrecognizedClientException", Code.INTERNAL),
        ("418 I'm a teapot", "UnheardOfException", Code.MODEL_ERROR),
    ],
)
def test_errors_are_mapped_and_not_retried(way, status, name, code):
    """Each of Bedrock's errors has its code, after exactly one request."""
    error, server = asked(fault(status, name), way)
    assert error.code is code
    assert len(server.bodies) == 1


def test_bedrocks_words_and_retry_after_are_passed_on():
    """The text of a throttle, and its Retry-After, reach the client; what concerns credentials does not."""
    error, _ = asked(fault("429 Too Many Requests", "ThrottlingException", headers="Retry-After: 7\r\n"))
    assert (error.message, error.retry_after) == ("Too many tokens, please wait before trying again.", "7")
    error, _ = asked(fault("403 Forbidden", "AccessDeniedException", "arn:aws:iam::123:user/secret may not"))
    assert "secret" not in error.message


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("throttlingException", Code.THROTTLED),
        ("serviceUnavailableException", Code.UNAVAILABLE),
        ("modelStreamErrorException", Code.MODEL_ERROR),
        ("internalServerException", Code.MODEL_ERROR),
        ("validationException", Code.BAD_REQUEST),
    ],
)
def test_an_exception_in_the_stream_is_mapped(name, code):
    """An exception frame after some text is an error with its own code and words."""
    error, server = asked(streamed(START + delta("One ") + frame(name, {"message": "not now"}, "exception")))
    assert (error.code, error.message) == (code, "not now")
    assert len(server.bodies) == 1


BROKEN = {
    "socket dropped in the middle": (streamed(START + delta("One "), length=10_000), True),
    "socket dropped inside a frame": (streamed(WHOLE[:-20], length=len(WHOLE)), True),
    "ended without a stop": (streamed(START + delta("One ")), False),
    "ended without usage": (streamed(START + delta("One ") + STOP), False),
    "a frame with a wrong checksum": (streamed(START + delta("One ")[:-1] + b"!" + STOP), False),
    "no answer at all": (b"", True),
}


@pytest.mark.parametrize(("answer", "hangs_up"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_off_is_no_answer(answer, hangs_up):
    """A stream that isn't complete is a model error, never a short answer, and isn't asked for again."""
    error, server = asked(answer, hangs_up=hangs_up)
    assert error.code is Code.MODEL_ERROR
    assert len(server.bodies) == 1


def test_a_model_that_is_not_there():
    """Nobody listening is a model error, and the endpoint is not reachable; with somebody, it is."""

    async def run():
        server = Server(streamed(WHOLE))
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with BedrockModel(Endpoint(url=url)) as model:
            assert await model.is_reachable()
            listener.close()
            await listener.wait_closed()
            assert not await model.is_reachable()
            with pytest.raises(ChatError) as caught:
                await model.complete(CALL)
        return caught.value

    error = asyncio.run(run())
    assert error.code is Code.MODEL_ERROR
    assert "127.0.0.1" not in error.message


def test_an_emulator_gets_no_credentials_of_the_users(monkeypatch, tmp_path):
    """On loopback nothing of the environment is sent or looked up: neither keys, tokens, profiles nor proxies."""
    settings = tmp_path / "config"
    settings.write_text("[default]\naws_access_key_id = AKIDCANARYFILE\naws_secret_access_key = canary\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDCANARY",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_SESSION_TOKEN": "canary-session",
        "AWS_BEARER_TOKEN_BEDROCK": "canary-bearer",
        "AWS_PROFILE": "canary-profile-that-is-not-there",
        "AWS_CONFIG_FILE": str(settings),
        "AWS_SHARED_CREDENTIALS_FILE": str(settings),
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    reply, server = asked(streamed(WHOLE))
    assert reply.text == "One Piece"
    assert "Authorization: AWS4-HMAC-SHA256 Credential=AKIDFMLOADEMULATOR/" in server.heads[0]
    assert "/ap-northeast-1/bedrock/aws4_request" in server.heads[0]
    assert "canary" not in server.heads[0].lower()


def test_a_connection_is_used_again():
    """A stream that was read to its end leaves its connection for the next call."""

    async def run():
        server = Server(streamed(WHOLE))
        async with bedrock(server) as model:
            for _ in range(3):
                await model.stream(CALL, ignore)
        return server

    server = asyncio.run(run())
    assert (len(server.bodies), server.n_connections) == (3, 1)


def test_cancelled_the_call_is_closed():
    """When nobody wants the answer any more, Bedrock's connection is closed at once, and its place is free again."""

    async def run():
        server = Server(streamed(START + delta("One "), length=10_000))
        async with bedrock(server, limits=replace(LIMITS["bedrock"], max_size=1, checkout_s=5.0)) as model:
            begun = asyncio.Event()

            async def deliver(_):
                begun.set()

            call = asyncio.create_task(model.stream(CALL, deliver))
            await begun.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.wait_for(server.left.wait(), 10)
            server.answer = streamed(WHOLE)
            assert (await model.stream(CALL, ignore)).text == "One Piece"

    asyncio.run(run())


def test_a_client_that_leaves_closes_the_call():
    """An error of the delivery is the client's, not the model's: it passes as it is, and the call is closed."""

    async def run():
        server = Server(streamed(START + delta("One "), length=10_000))

        async def deliver(_):
            raise LookupError("the client left")

        async with bedrock(server) as model:
            with pytest.raises(LookupError):
                await model.stream(CALL, deliver)
            await asyncio.wait_for(server.left.wait(), 10)

    asyncio.run(run())


def test_a_full_pool_is_said():
    """A call that gets no connection in time is the service's own fault; none is opened for it, and it is counted."""

    async def run():
        server = Server(None)
        async with bedrock(server, limits=replace(LIMITS["bedrock"], max_size=1, checkout_s=0.01)) as model:
            first = asyncio.create_task(model.complete(CALL))
            await server.asked.wait()
            with pytest.raises(ChatError, match="all 1 connections") as caught:
                await model.complete(CALL)
            first.cancel()
            await asyncio.wait([first])
            report = model.pool()
        assert server.n_connections == 1
        assert (report.checkouts, report.timeouts, report.active) == (2, 1, 0)
        return caught.value.code

    assert asyncio.run(run()) is Code.INTERNAL


def test_outside_its_block_it_is_no_client():
    """Used before it was opened, it says so."""
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(BedrockModel(Endpoint(url="http://127.0.0.1:1")).complete(CALL))
