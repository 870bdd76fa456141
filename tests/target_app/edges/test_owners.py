"""With tokens, chats and carts are their user's alone; over all transports."""

import json
import time

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from target_app.edges.tokens import issue

SECRET = "a secret of 16 or more"
BODY = {
    "title": "Blue Giant", "title_ja": "", "volume": 1, "author": "Ishizuka", "genre": "music",
    "price_jpy": 660, "stock": 4, "released": "2013-11-29", "summary": "Jazz.",
}  # fmt: skip


def bearer(user, valid_s=3600, secret=SECRET):
    return {"Authorization": f"Bearer {issue(secret, user, int(time.time()) + valid_s)}"}


def message(words="Hello!", session="shared"):
    return {"request_id": "r", "session_id": session, "message": words}


def over_rest(client, words, headers):
    return client.post("/v1/chat", json=message(words), headers=headers).json()


def over_sse(client, words, headers):
    text = client.post("/v1/chat/stream", json=message(words), headers=headers).text
    return json.loads(text.strip().splitlines()[-1].removeprefix("data: "))


def over_ws(client, words, headers):
    with client.websocket_connect("/ws", headers=headers) as socket:
        socket.send_json({"action": "chat", **message(words)})
        while (frame := socket.receive_json())["type"] == "delta":
            pass
    return frame


@pytest.fixture
def model(says):
    return says()


@pytest.fixture
def client(build, model):
    return TestClient(build(model, auth={"secret": SECRET}))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, (401, "unauthorized")),
        (bearer("ann", -1), (403, "forbidden")),
        (bearer("ann", secret="another secret of 16"), (403, "forbidden")),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat"), ("POST", "/v1/chat/stream"), ("GET", "/v1/carts/ann"),
        ("PUT", "/v1/carts/ann/items/MGA-000001"), ("DELETE", "/v1/carts/ann/items/MGA-000001"),
    ],
)  # fmt: skip
def test_without_a_good_token_nothing_is_done(client, model, method, path, headers, code):
    """Missing, expired or signed by somebody else, it is the documented error, and no model is asked."""
    response = client.request(method, path, json=message(), headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == code
    assert model.calls == []


def test_without_a_token_there_is_no_upgrade(client):
    """A WebSocket is refused before it is one."""
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/ws"):
        pass
    assert refused.value.status_code == 401


@pytest.mark.parametrize("over", [over_rest, over_sse, over_ws])
def test_nothing_of_another_session_is_shown(client, model, over):
    """Who guesses another user's session id begins a session of their own; the owner's goes on over any transport."""
    assert over(client, "My secret is 4711.", bearer("ann"))["session_id"] == "shared"
    over(client, "What did I say?", bearer("bob"))
    assert [turn.text for turn in model.calls[-1].turns] == ["What did I say?"]
    over_rest(client, "And I?", bearer("ann"))
    assert [turn.text for turn in model.calls[-1].turns] == ["My secret is 4711.", "One Piece", "And I?"]


def test_no_session_id_reaches_into_another_users(client, model):
    """An id that looks like the key of another user's session is only an id."""
    over_rest(client, "My secret is 4711.", bearer("ann"))
    for session in ("ann/shared", "../ann/shared", "ann\x00/shared"):
        client.post("/v1/chat", json=message("What did I say?", session), headers=bearer("bob"))
        assert len(model.calls[-1].turns) == 1


def test_no_cached_follow_up_is_shared(build, says):
    """Two users who say the same in sessions of one name still have each their own answers."""
    model = says()
    client = TestClient(build(model, auth={"secret": SECRET}, cache={"exact": True}))
    for user in ("ann", "bob"):
        over_rest(client, "Hello!", bearer(user))
        over_rest(client, "What else is there?", bearer(user))
    assert [call.turns[-1].text for call in model.calls].count("What else is there?") == 2


def test_a_cart_is_its_users(client):
    """The owner fills and sees it; another user may neither look nor touch."""
    client.put("/v1/products/MGA-000001", json=BODY)
    item = "/v1/carts/ann/items/MGA-000001"
    assert client.put(item, json={"quantity": 2}, headers=bearer("ann")).status_code == 200
    for method, path in (("GET", "/v1/carts/ann"), ("PUT", item), ("DELETE", item)):
        refused = client.request(method, path, json={"quantity": 1}, headers=bearer("bob"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert client.get("/v1/carts/ann", headers=bearer("ann")).json()["items"] == [
        {"product_id": "MGA-000001", "quantity": 2}
    ]
