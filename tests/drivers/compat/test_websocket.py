"""The WebSocket driver on the websockets library: same cases, same endings as on picows."""

import asyncio
import json
import os
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from loadtester.drivers.compat.websocket import open_compat
from loadtester.drivers.websocket import WebSocketDriver
from loadtester.drivers.ws.opening import open_connection
from loadtester.errors import FmloadError
from loadtester.model import Outcome

OPENERS = {"fast": open_connection, "compat": open_compat}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(params=list(OPENERS))
def opener(request):
    return OPENERS[request.param]


def delta(text, number="r-7"):
    return json.dumps({"type": "delta", "request_id": number, "text": text})


DONE = json.dumps(
    {
        "type": "done", "request_id": "r-7", "model": "m", "finish_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2}, "timing": {"total": 0.25},
    }
)  # fmt: skip


class Server:
    """Answers each message with what `script` says: text or bytes to send, an int to close with."""

    def __init__(self, *script):
        self.script = script
        self.opened = self.closed = 0

    async def __call__(self, socket):
        self.opened += 1
        with suppress(ConnectionClosed):
            async for _ in socket:
                for step in self.script:
                    if isinstance(step, int):
                        await socket.close(step)
                    else:
                        await socket.send(step)
        self.closed += 1


@asynccontextmanager
async def talking(server, opener, **options):
    async with serve(server, "127.0.0.1", 0, close_timeout=1, **options) as listening:
        url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        driver = WebSocketDriver(url, headers={"X-Team": "manga"}, ca_file=None, open_line=opener)
        try:
            yield driver
        finally:
            await driver.aclose()


def send(run, opener, probe, request, *script, times=1):
    async def work():
        server = Server(*script)
        async with talking(server, opener) as driver:
            for _ in range(times):
                ending = await driver.send(request, probe)
        return ending, server.opened

    return run(work())


CASES = {
    "answer": ([delta("Hel"), delta(""), delta("世界"), DONE], Outcome.OK),
    "other requests": ([delta("no", "r-1"), delta("a"), DONE], Outcome.OK),
    "binary": ([delta("a").encode(), DONE], Outcome.OK),
    "fragments": ([[delta("a")[:9], delta("a")[9:]], DONE], Outcome.OK),
    "gateway error": (['{"message": "Internal server error", "connectionId": "x"}'], Outcome.SERVER_ERROR),
    "no JSON": (["{"], Outcome.INVALID),
    "too large": (["x" * (1024 * 1024 + 1)], Outcome.INVALID),
    "closed after text": ([delta("a"), 1000], Outcome.BROKEN),
    "going away": ([delta("a"), 1001], Outcome.BROKEN),
    "policy": ([1008], Outcome.CLIENT_ERROR),
    "try again": ([1013], Outcome.UNAVAILABLE),
}


@pytest.mark.parametrize("name", CASES)
def test_both_clients_read_the_same(run, fake_probe, chat_request, name):
    """The ending with all it tells but for the words of a fault, and the moments in their order."""
    script, outcome = CASES[name]
    results = []
    for opener in OPENERS.values():
        probe = fake_probe()
        ending, _ = send(run, opener, probe, chat_request, *script)
        results.append((ending.outcome, ending.usage, ending.finish_reason, ending.timing_s, probe.moments))
    assert results[0] == results[1]
    assert results[0][0] is outcome


def test_turns_share_a_connection(run, opener, fake_probe, chat_request):
    """One for the conversation, however many turns; its opening is told once."""
    probe = fake_probe()
    ending, opened = send(run, opener, probe, chat_request, delta("a"), DONE, times=3)
    assert (ending.outcome, opened) == (Outcome.OK, 1)
    assert probe.moments == ["connected", *(["sent", ("chunk", "a")] * 3)]


def test_an_idle_connection_that_was_closed_is_replaced(run, opener, fake_probe, chat_request):
    """As servers close idle ones; nothing is lost."""

    async def work():
        server = Server(delta("a"), DONE, 1001)
        async with talking(server, opener) as driver:
            endings = []
            for number in range(1, 3):
                endings.append(await driver.send(chat_request, fake_probe()))
                while server.closed < number:  # noqa: ASYNC110  what is waited for has no event to set
                    await asyncio.sleep(0)
        return [ending.outcome for ending in endings], server.opened

    assert run(work()) == ([Outcome.OK, Outcome.OK], 2)


def test_prepare_opens_and_finish_closes(run, opener, fake_probe, chat_request):
    """Ahead of the first turn, and after the last one."""

    async def work():
        server = Server(delta("a"), DONE)
        async with talking(server, opener) as driver:
            await driver.prepare(chat_request)
            opened = server.opened
            ending = await driver.send(chat_request, fake_probe())
            await driver.finish(chat_request)
            while not server.closed:  # noqa: ASYNC110  what is waited for has no event to set
                await asyncio.sleep(0)
        return opened, ending.outcome, server.opened

    assert run(work()) == (1, Outcome.OK, 1)


def test_a_cancelled_request_costs_its_connection(run, opener, fake_probe, chat_request):
    """The rest of its answer must not meet the next turn."""

    async def work():
        server = Server(delta("a"))
        async with talking(server, opener) as driver:
            probe = fake_probe()
            task = asyncio.create_task(driver.send(chat_request, probe))
            while not probe.texts:  # noqa: ASYNC110  what is waited for has no event to set
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            server.script = (delta("b"), DONE)
            again = fake_probe()
            ending = await driver.send(chat_request, again)
        return ending.outcome, again.texts, server.opened

    assert run(work()) == (Outcome.OK, ["b"], 2)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (HTTPStatus.TOO_MANY_REQUESTS, Outcome.THROTTLED),
        (HTTPStatus.SERVICE_UNAVAILABLE, Outcome.UNAVAILABLE),
        (HTTPStatus.BAD_GATEWAY, Outcome.SERVER_ERROR),
        (HTTPStatus.FORBIDDEN, Outcome.REFUSED),
        (HTTPStatus.FOUND, Outcome.REFUSED),
    ],
)
def test_an_upgrade_that_is_refused(run, opener, fake_probe, chat_request, status, outcome):
    """By its status, for the request and for the check; redirects are not followed."""

    def refuse(connection, _):
        answer = connection.respond(status, "no\n")
        answer.headers["Location"] = "/elsewhere"
        return answer

    async def work():
        async with talking(Server(), opener, process_request=refuse) as driver:
            ending = await driver.send(chat_request, fake_probe())
            with pytest.raises(FmloadError):
                await driver.check()
        return ending

    ending = run(work())
    assert (ending.outcome, ending.detail) == (outcome, f"the upgrade was answered with HTTP {status.value}")


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (b"SSH-2.0-x\r\n\r\n", "the upgrade was not answered as WebSocket demands"),
        (None, "Connection refused"),
    ],
)
def test_what_is_no_websocket_is_refused(run, opener, script, fake_probe, chat_request, said, detail):
    """Another protocol, nobody there."""

    async def work():
        async with script.Server([said or b"", script.CLOSE]) as server:
            driver = WebSocketDriver(server.url, headers={}, ca_file=None, open_line=opener)
            if said is not None:
                return await driver.send(chat_request, fake_probe())
        return await driver.send(chat_request, fake_probe())

    ending = run(work())
    assert (ending.outcome, ending.detail) == (Outcome.REFUSED, detail)


def test_the_environments_proxy_is_used(run, script, fake_probe, chat_request, monkeypatch):
    """The compat client's way through; a proxy that refuses is a refusal."""

    async def work():
        async with script.Server([b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", script.CLOSE]) as server:
            monkeypatch.setenv("HTTPS_PROXY", server.url)
            driver = WebSocketDriver("wss://chat.invalid", headers={}, ca_file=None, open_line=open_compat)
            ending = await driver.send(chat_request, fake_probe())
            await driver.aclose()
            return ending, server.connections

    ending, connections = run(work())
    assert (ending.outcome, connections) == (Outcome.REFUSED, 1)
