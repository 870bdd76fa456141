"""A WebSocket's limits on scripted ASGI events and a clock that never waits; and who may connect."""

import asyncio
import json
import time

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from target_app.edges.tokens import issue

SECRET = "a secret of 16 or more"
CHAT = json.dumps({"action": "chat", "request_id": "r", "session_id": "s", "message": "Hello!"})


class Hangs:
    """A model that never ends."""

    async def stream(self, _, deliver):
        await deliver("begun")
        await asyncio.Event().wait()


async def connection(app, sends):
    """What a connection sends, with when, for a client that sends at `sends` (seconds, text) and never leaves."""
    loop, sent = asyncio.get_running_loop(), []
    events = [(0.0, {"type": "websocket.connect"})]
    events += [(at_s, {"type": "websocket.receive", "text": text}) for at_s, text in sends]

    async def receive():
        if not events:
            await asyncio.Event().wait()
        await asyncio.sleep(max(0.0, events[0][0] - loop.time()))
        return events.pop(0)[1]

    async def send(event):
        sent.append((loop.time(), event))

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b"", "subprotocols": []}
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize(("sends", "end_s"), [([], 600), ([(500, "x")], 1100), ([(599, "x"), (1198, CHAT)], 1798)])
def test_an_idle_connection_is_closed(build, run_virtually, sends, end_s):
    """Ten minutes after the last frame either way the service goes away, with the code that says so."""
    sent = run_virtually(connection(build(), sends))
    assert sent[-1] == (end_s, {"type": "websocket.close", "code": 1001})


def test_no_connection_outlives_its_total(build, run_virtually):
    """However busy, a connection is closed after its total time."""
    app = build(limits={"idle_s": 50, "total_s": 200})
    sent = run_virtually(connection(app, [(at_s, "x") for at_s in range(10, 300, 10)]))
    assert sent[-1] == (200, {"type": "websocket.close", "code": 1001})


def test_an_answer_that_takes_too_long(build, run_virtually):
    """Past the integration limit API Gateway's own frame ends the answer; the connection lives on."""
    app = build(Hangs(), limits={"integration_s": 29, "idle_s": 40})
    sent = run_virtually(connection(app, [(1, CHAT), (35, "x")]))
    frames = [(at_s, json.loads(event["text"])) for at_s, event in sent if event["type"] == "websocket.send"]
    assert [at_s for at_s, _ in frames] == [1, 30, 35]
    assert frames[1][1].keys() == {"message", "connectionId", "requestId"}
    assert frames[1][1]["message"] == "Endpoint request timed out"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 401),
        ("?token=nonsense", 403),
        (f"?token={issue(SECRET, 'u', 1)}", 403),
        (f"?token={issue('another secret of 16', 'u', 4_000_000_000)}", 403),
    ],
)
def test_without_a_good_token_there_is_no_upgrade(build, query, status):
    """A missing token is 401, a wrong or expired one 403, before the upgrade."""
    client = TestClient(build(auth={"secret": SECRET}))
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(f"/ws{query}"):
        pass
    assert refused.value.status_code == status


def test_with_a_good_token_it_is_a_connection(build):
    """A token that is good lets a client chat."""
    token = issue(SECRET, "u", int(time.time()) + 1000)
    with TestClient(build(auth={"secret": SECRET})).websocket_connect(f"/ws?token={token}") as socket:
        socket.send_text(CHAT)
        assert [socket.receive_json()["type"] for _ in range(2)] == ["delta", "done"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"text": "{"}, "Internal server error"),
        ({"bytes": b"\x00\x01"}, "Internal server error"),
        ({"text": '{"action": "drop"}'}, "Forbidden"),
    ],
)
def test_bad_frames_leave_the_connection_alive(build, frame, words):
    """What can't be routed has API Gateway's frame, and the next message its answer."""
    with TestClient(build()).websocket_connect("/ws") as socket:
        socket.send({"type": "websocket.receive", **frame})
        assert socket.receive_json()["message"] == words
        socket.send_text(CHAT)
        assert [socket.receive_json()["type"] for _ in range(2)] == ["delta", "done"]


@pytest.mark.parametrize("text", ["[" * 9_999, CHAT[:-1] + ', "x": ' + '{"a":' * 5_000])
def test_json_nested_beyond_all_sense(build, text):
    """A frame that can't be read for its depth is answered as one that can't be routed; the connection lives on."""
    with TestClient(build()).websocket_connect("/ws") as socket:
        socket.send_text(text)
        assert socket.receive_json()["message"] == "Internal server error"
        socket.send_text(CHAT)
        assert [socket.receive_json()["type"] for _ in range(2)] == ["delta", "done"]
