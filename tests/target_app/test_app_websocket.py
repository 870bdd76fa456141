"""The WebSocket on real processes: turns, requests side by side, API Gateway's frames and limits."""

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

LIMIT_S = 20.0


def message(session="s", text="Do you have One Piece?", request_id="r", **fields):
    return {"action": "chat", "request_id": request_id, "session_id": session, "message": text, **fields}


def talk(app, conversation):
    """Run `conversation` on one connection, within a limit."""

    async def run():
        async with asyncio.timeout(LIMIT_S), connect(f"{app.url.replace('http', 'ws')}/ws") as socket:
            return await conversation(socket)

    return asyncio.run(run())


async def answer(socket):
    """The frames of one answer, to its end."""
    frames = []
    while True:
        frames.append(json.loads(await socket.recv()))
        if frames[-1].get("type") != "delta":
            return frames


async def begun(socket, n_answers):
    """Wait until that many answers have begun."""
    seen = set()
    while len(seen) < n_answers:
        seen.add(json.loads(await socket.recv())["request_id"])


async def ask_in(socket, frames):
    await socket.send(frames)
    return await answer(socket)


async def ask(socket, **fields):
    return await ask_in(socket, json.dumps(message(**fields)))


def test_turns_on_one_connection(fast):
    """Several turns, one after another: deltas in order, then done; the second turn's input has the first in it."""

    async def conversation(socket):
        return [await ask(socket, session="turns", request_id=f"turn-{n}") for n in range(2)]

    first, second = talk(fast.app, conversation)
    for n, frames in enumerate((first, second)):
        assert {frame["request_id"] for frame in frames} == {f"turn-{n}"}
        assert all(frame.keys() == {"type", "request_id", "text"} for frame in frames[:-1])
        assert frames[-1].keys() == {
            "type", "request_id", "session_id", "model", "finish_reason", "usage", "timing",
        }  # fmt: skip
        assert frames[-1]["type"] == "done"
    usage = first[-1]["usage"]
    assert second[-1]["usage"]["input_tokens"] >= usage["input_tokens"] + usage["output_tokens"]


def test_no_compression_is_agreed_on(fast):
    """The client offers permessage-deflate; the service leaves it off."""

    async def conversation(socket):
        return socket.response.headers.get("Sec-WebSocket-Extensions")

    assert talk(fast.app, conversation) is None


def test_requests_side_by_side(fast):
    """Twenty requests in flight on one connection each get their own deltas and their own end."""
    wanted = {f"side-{n}": 20 + n for n in range(20)}

    async def conversation(socket):
        for request_id, n_tokens in wanted.items():
            fields = {"bare": True, "output_tokens": n_tokens}
            await socket.send(json.dumps(message(session=request_id, request_id=request_id, **fields)))
        frames = []
        while sum(frame["type"] != "delta" for frame in frames) < len(wanted):
            frames.append(json.loads(await socket.recv()))
        return frames

    frames = talk(fast.app, conversation)
    for request_id, n_tokens in wanted.items():
        *deltas, done = [frame for frame in frames if frame["request_id"] == request_id]
        assert {frame["type"] for frame in deltas} == {"delta"}
        assert (done["type"], done["usage"]["output_tokens"]) == ("done", n_tokens)
        text = "".join(frame["text"] for frame in deltas)
        n_ascii = sum(char.isascii() for char in text)
        assert -(-n_ascii // 4) + len(text) - n_ascii == n_tokens


def test_the_connection_is_bounded(start_pair):
    """The 65th request in flight is refused as a bad request; the connection stays."""
    app, _ = start_pair("--time-scale", "4", "--tokens-per-minute", "0")

    async def conversation(socket):
        for n in range(65):
            await socket.send(json.dumps(message(request_id=f"r-{n}", session=f"s-{n}", output_tokens=1000)))
        while True:
            frame = json.loads(await socket.recv())
            if frame["request_id"] == "r-64":
                return frame

    refused = talk(app, conversation)
    assert (refused["type"], refused["error"]["code"]) == ("error", "bad_request")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ('{"action": "dance", "request_id": "r"}', "Forbidden"),
        ('{"request_id": "r"}', "Forbidden"),
        ('{"action": 7}', "Forbidden"),
        ("{", "Internal server error"),
        ("[]", "Internal server error"),
        ("", "Internal server error"),
        (b"\x00\x01", "Internal server error"),
    ],
)
def test_what_cannot_be_routed_gets_api_gateways_frame(fast, frame, words):
    """An unknown action is Forbidden, what is no JSON object an Internal server error; the connection stays open."""

    async def conversation(socket):
        await socket.send(frame)
        return json.loads(await socket.recv()), await ask(socket, session="after-refusal", output_tokens=5)

    refusal, frames = talk(fast.app, conversation)
    assert refusal.keys() == {"message", "connectionId", "requestId"}
    assert refusal["message"] == words
    assert frames[-1]["type"] == "done"


@pytest.mark.parametrize(
    ("fields", "request_id"),
    [
        ({"text": ""}, "r"),
        ({"request_id": "x" * 65}, None),
        ({"request_id": 3}, None),
        ({"max_tokens": "many"}, "r"),
        ({"max_tokens": -1}, "r"),
        ({"model": "anthropic.claude-9"}, "r"),
        ({"query_type": "weather"}, "r"),
    ],
)
def test_a_bad_message_gets_an_error_frame(fast, fields, request_id):
    """A message that breaks the rules gets one error, with its request id if that can be echoed."""

    async def conversation(socket):
        return await ask(socket, **fields), await ask(socket, session="after-error", output_tokens=5)

    (error,), frames = talk(fast.app, conversation)
    assert error.keys() == {"type", "request_id", "error"}
    assert (error["type"], error["request_id"], error["error"]["code"]) == ("error", request_id, "bad_request")
    assert frames[-1]["type"] == "done"


def test_a_throttle_is_an_error_frame(start_pair):
    """A refused call is one error frame with `throttled`, and the connection stays open for the next."""
    app, bedrock = start_pair("--time-scale", "0", "--tokens-per-minute", "1000")

    async def conversation(socket):
        return await ask(socket), await ask(socket, request_id="small", bare=True, max_tokens=20)

    (error,), frames = talk(app, conversation)
    assert error["error"]["code"] == "throttled"
    assert frames[-1]["type"] == "done"
    assert [line["outcome"] for line in bedrock.lines()] == ["throttled", "ok"]


@pytest.mark.parametrize(
    "frames",
    [["x" * (32 * 1024 + 1)], ["x" * 1_000_000], ["x" * 30_000] * 5, [b"x" * 40_000]],
    ids=["frame", "huge frame", "message of small frames", "binary frame"],
)
def test_too_large_closes_with_1009(fast, frames):
    """A frame over 32 KB, or a message over 128 KB in frames that are not, closes the connection with 1009."""

    async def conversation(socket):
        with pytest.raises(ConnectionClosed) as caught:
            await ask_in(socket, frames)
        return caught.value

    closed = talk(fast.app, conversation)
    assert closed.rcvd.code == 1009


def test_a_refused_client_counts_as_gone(start_pair):
    """What a connection had in flight when it was closed with 1009 is ended at Bedrock and on record as such."""
    app, bedrock = start_pair("--time-scale", "4", "--tokens-per-minute", "0")

    async def conversation(socket):
        for n in range(3):
            await socket.send(json.dumps(message(request_id=f"cut-{n}", session=f"cut-{n}", output_tokens=1000)))
        await begun(socket, 3)
        with pytest.raises(ConnectionClosed) as caught:
            await ask_in(socket, "x" * 100_000)
        return caught.value

    assert talk(app, conversation).rcvd.code == 1009
    for n in range(3):
        assert app.wait_for_line(request_id=f"cut-{n}")["outcome"] == "client_gone"
        assert bedrock.wait_for_line(request_id=f"cut-{n}")["outcome"] == "client_gone"


def test_what_just_fits_is_answered(fast):
    """A message of nearly 128 KB in frames of at most 32 KB is taken whole."""
    text = json.dumps(message(session="large", text="abcd" * 30_000, bare=True, output_tokens=5))
    size = 32 * 1024

    async def conversation(socket):
        return await ask_in(socket, [text[start : start + size] for start in range(0, len(text), size)])

    assert talk(fast.app, conversation)[-1]["usage"]["input_tokens"] == 30_000


def test_a_client_that_leaves_cancels_its_calls(start_pair):
    """When the connection closes, every call it had in flight is ended at Bedrock, and no history is kept."""
    app, bedrock = start_pair("--time-scale", "4", "--tokens-per-minute", "0")

    async def conversation(socket):
        for n in range(3):
            await socket.send(json.dumps(message(request_id=f"gone-{n}", session=f"gone-{n}", output_tokens=1000)))
        await begun(socket, 3)

    talk(app, conversation)
    for n in range(3):
        assert bedrock.wait_for_line(request_id=f"gone-{n}")["outcome"] == "client_gone"
        assert app.wait_for_line(request_id=f"gone-{n}")["outcome"] == "client_gone"


def test_a_client_that_is_cut_off_cancels_its_calls(start_pair):
    """So is it when the connection breaks without a goodbye."""
    app, bedrock = start_pair("--time-scale", "4")

    async def conversation(socket):
        await socket.send(json.dumps(message(request_id="cut", output_tokens=1000)))
        await socket.recv()
        socket.transport.abort()

    talk(app, conversation)
    assert bedrock.wait_for_line(request_id="cut")["outcome"] == "client_gone"


def test_bedrock_going_away_is_a_model_error(start_pair):
    """When Bedrock breaks off in the middle of an answer, the error follows its deltas."""
    app, bedrock = start_pair("--time-scale", "4")

    async def conversation(socket):
        await socket.send(json.dumps(message(output_tokens=1000)))
        first = json.loads(await socket.recv())
        bedrock.process.stdin.close()
        return first, await answer(socket)

    first, frames = talk(app, conversation)
    assert first["type"] == "delta"
    assert (frames[-1]["type"], frames[-1]["error"]["code"]) == ("error", "model_error")


def test_invalid_utf_8_closes_with_1007(fast):
    """A text frame that is no UTF-8 ends its own connection, as RFC 6455 has it; the service answers the next."""

    async def conversation(socket):
        socket.protocol.send_text(b"\xff\xfe{")
        socket.transport.write(b"".join(socket.protocol.data_to_send()))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        return socket.close_code

    assert talk(fast.app, conversation) == 1007
    assert talk(fast.app, lambda socket: ask(socket, session="after-1007", output_tokens=5))[-1]["type"] == "done"


def test_a_message_of_200_kb_closes_with_1009(fast):
    """Sent in frames that are small enough, the message itself is too large; the service lives on."""

    async def conversation(socket):
        with contextlib.suppress(ConnectionClosed):  # it may be closed while the rest is still being sent
            await socket.send("x" * 8192 for _ in range(25))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        return socket.close_code

    assert talk(fast.app, conversation) == 1009
    assert talk(fast.app, lambda socket: ask(socket, session="after-1009", output_tokens=5))[-1]["type"] == "done"


def test_a_prompt_of_100_000_characters_is_answered(fast):
    """It fits into a message of several frames, and the model has room for it."""

    async def conversation(socket):
        whole = json.dumps(message(session="long", text="ab cd efgh" * 10_000, output_tokens=5))
        return await ask_in(socket, [whole[at : at + 30_000] for at in range(0, len(whole), 30_000)])

    done = talk(fast.app, conversation)[-1]
    assert done["type"] == "done"
    assert done["usage"]["input_tokens"] > 10_000
