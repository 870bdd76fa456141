"""POST /v1/chat on scripted ASGI events: what no client on a real socket can time."""

import asyncio
import io
import json

import pytest
from starlette.testclient import TestClient

from target_app.errors import ChatError, Code

BODY = json.dumps({"request_id": "r", "session_id": "s", "message": "hi"}).encode()


class Held:
    """A model that never answers, and says when it is asked and when it is let go."""

    def __init__(self):
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    async def complete(self, _):
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.released.set()


class Refusing:
    """A model that is over its quota."""

    async def complete(self, _):
        raise ChatError(Code.THROTTLED, "slow down", retry_after="7")


def test_a_client_that_leaves_cancels_the_call(build):
    """A client that leaves while the model is at it gets nothing, ends the call, and is on record as gone."""
    log, sent = io.StringIO(), []

    async def run():
        model = Held()
        app = build(model, log)
        events = [{"type": "http.request", "body": BODY, "more_body": False}]

        async def receive():
            if events:
                return events.pop()
            await model.asked.wait()
            return {"type": "http.disconnect"}

        async def send(event):
            sent.append(event)

        scope = {"type": "http", "method": "POST", "path": "/v1/chat", "headers": []}
        await app(scope, receive, send)
        assert model.released.is_set()

    asyncio.run(run())
    assert sent == []
    assert json.loads(log.getvalue())["outcome"] == "client_gone"


def test_the_models_retry_after_is_passed_on(build):
    """A throttle's answer has the Retry-After that Bedrock gave."""
    client = TestClient(build(Refusing()))
    response = client.post("/v1/chat", content=BODY)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/stream"])
@pytest.mark.parametrize("text", ["[" * 9_999, '{"request_id":' * 9_999, BODY.decode()[:-1] + ', "x": ' + "[" * 9_999])
def test_json_nested_beyond_all_sense(build, path, text):
    """It is a bad request like any other, wherever the nesting is; the service answers the next one."""
    client = TestClient(build())
    response = client.post(path, content=text)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert client.post(path, content=BODY).status_code == 200
