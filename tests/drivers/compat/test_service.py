"""The HTTP drivers on httpx: what they make of an answer is what they make of it on our own client."""

import asyncio
import json
import os

import pytest

from loadtester.drivers.compat.service import CompatService, _tracer
from loadtester.drivers.openai import OpenAIDriver
from loadtester.drivers.rest import RestDriver
from loadtester.drivers.service import Service
from loadtester.drivers.sse import SseDriver
from loadtester.errors import Exit, FmloadError
from loadtester.model import Outcome

SERVICES = {"fast": Service, "compat": CompatService}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def whole(body, status=200, fields=""):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{fields}Content-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def stream(*pieces, end=b"0\r\n\r\n"):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def rest(url, service):
    return RestDriver(url, headers={"X-Team": "manga"}, ca_file=None, service=service)


def sse(url, service):
    return SseDriver(url, headers={"X-Team": "manga"}, ca_file=None, service=service)


def openai(url, service):
    return OpenAIDriver(url, headers={"X-Team": "manga"}, ca_file=None, is_streaming=True, service=service)


DONE = {"model": "m", "finish_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}, "answer": "はい"}
DELTAS = (b'event: delta\ndata: {"text":"\xe3\x81', b'\xaf"}\n\nevent: delta\ndata: {"text":"i"}\n\n')
DONE_EVENT = b"event: done\ndata: %b\n\n" % json.dumps(DONE).encode()
THROTTLED = {"error": {"code": "throttled", "message": "slow down"}}
CHUNK = b'data: {"model":"m","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'

CASES = {
    "whole": (rest, whole(DONE)),
    "cookie": (rest, whole(DONE, fields="Set-Cookie: a=b\r\n")),
    "throttled": (rest, whole(THROTTLED, 429, "Retry-After: 3\r\n")),
    "redirect": (rest, whole(b"", 302, "Location: /login?key=secret\r\n")),
    "gateway page": (rest, whole(b"<html>", 502)),
    "no JSON": (rest, whole(b"{")),
    "stream": (sse, stream(*DELTAS, DONE_EVENT)),
    "stream without end": (sse, stream(*DELTAS)),
    "error in a stream": (sse, stream(*DELTAS, b"event: error\ndata: %b\n\n" % json.dumps(THROTTLED).encode())),
    "garbage in a stream": (sse, stream(b"event: delta\ndata: {\n\n")),
    "no stream": (sse, whole(DONE)),
    "completion": (openai, stream(CHUNK, b"data: [DONE]\n\n")),
    "completion cut": (openai, stream(CHUNK)),
    "completion refused": (openai, whole({"error": {"code": "rate_limit_exceeded", "message": "x"}}, 429)),
}
BREAKS = {
    "closed in a stream": (sse, stream(*DELTAS, end=b""), Outcome.BROKEN),
    "closed in a body": (rest, whole(DONE)[:-1], Outcome.BROKEN),
    "closed in a head": (rest, b"HTTP/1.1 200 OK\r\nContent-", Outcome.BROKEN),
    "closed after the last event": (sse, stream(*DELTAS, DONE_EVENT, end=b""), Outcome.OK),
    "other protocol": (rest, b"SSH-2.0-x\r\n\r\n", Outcome.BROKEN),
}


def send(run, script, probe, request, make, *steps, service=CompatService, times=1):
    async def work():
        async with script.Server([script.READ, *steps] * times) as server:
            driver = make(server.url, service)
            for _ in range(times):
                ending = await driver.send(request, probe)
            await driver.aclose()
            return ending, server

    return run(work())


@pytest.mark.parametrize("name", CASES)
def test_both_clients_read_the_same(run, script, fake_probe, chat_request, name):
    """The ending with all it tells, and the moments in their order."""
    make, said = CASES[name]
    results = []
    for service in SERVICES.values():
        probe = fake_probe()
        ending, _ = send(run, script, probe, chat_request, make, said, service=service)
        results.append((ending, probe.moments))
    assert results[0] == results[1]
    assert results[0][1][:2] == ["connected", "sent"]


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
def test_an_exchange_that_breaks_off(run, script, fake_probe, chat_request, name, service):
    """It has the same outcome with both, and no address in its detail."""
    make, said, outcome = BREAKS[name]
    ending, _ = send(run, script, fake_probe(), chat_request, make, said, script.CLOSE, service=service)
    assert ending.outcome is outcome
    assert "127.0.0.1" not in (ending.detail or "")


def test_requests_share_a_connection_and_no_cookies(run, script, fake_probe, chat_request):
    """Users are not to be mixed up; the user's headers go with each request."""
    probe = fake_probe()
    said = whole(DONE, fields="Set-Cookie: a=b\r\n")
    _, server = send(run, script, probe, chat_request, rest, said, times=3)
    assert (server.connections, probe.moments.count("connected"), probe.moments.count("sent")) == (1, 1, 3)
    for head, _ in server.requests:
        assert b"x-team: manga" in head.lower()
        assert b"cookie" not in head.lower()


def test_as_many_connections_as_it_takes(run, fake_probe, chat_request):
    """Nothing waits for a place in the pool: 150 at once are more than httpx allows by itself."""

    async def work():
        everyone = asyncio.Barrier(150)

        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            await everyone.wait()
            writer.write(whole(DONE, fields="Connection: close\r\n"))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
        driver = rest(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", CompatService)
        endings = await asyncio.gather(*(driver.send(chat_request, fake_probe()) for _ in range(150)))
        await driver.aclose()
        server.close()
        return {ending.outcome for ending in endings}

    assert run(work()) == {Outcome.OK}


def test_nobody_there_is_refused(run, script, fake_probe, chat_request):
    """Told as the system tells it, by the check too."""

    async def work():
        async with script.Server([]) as server:
            pass
        driver = rest(server.url, CompatService)
        ending = await driver.send(chat_request, fake_probe())
        with pytest.raises(FmloadError) as caught:
            await driver.check()
        await driver.aclose()
        return ending, caught.value

    ending, error = run(work())
    assert (ending.outcome, ending.detail) == (Outcome.REFUSED, "Connection refused")
    assert error.code is Exit.UNREACHABLE


def test_a_cancelled_request_costs_its_connection(run, script, fake_probe, chat_request):
    """The rest of its answer must not meet the next request."""

    async def work():
        async with script.Server([script.READ, script.HANG], [script.READ, whole(DONE)]) as server:
            driver = rest(server.url, CompatService)
            task = asyncio.create_task(driver.send(chat_request, fake_probe()))
            while not server.requests:  # noqa: ASYNC110  what is waited for has no event to set
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            ending = await driver.send(chat_request, fake_probe())
            await driver.aclose()
            return ending.outcome, server.connections

    assert run(work()) == (Outcome.OK, 2)


def test_the_environments_proxy_is_used(run, script, fake_probe, chat_request, monkeypatch):
    """For requests and for the check; the fast client has none."""

    async def work():
        async with script.Server([script.READ, whole(DONE)]) as server:
            monkeypatch.setenv("HTTP_PROXY", server.url)
            driver = rest("http://chat.invalid", CompatService)
            ending = await driver.send(chat_request, fake_probe())
            await driver.aclose()
            return ending, server.requests

    ending, ((head, _),) = run(work())
    assert ending.outcome is Outcome.OK
    assert head.startswith(b"POST http://chat.invalid/v1/chat HTTP/1.1\r\n")


def test_tls_is_verified(run, script, fake_probe, chat_request, certificates):
    """A certificate of our own CA is refused without it, taken with it."""
    import ssl  # noqa: PLC0415  only here

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)

    async def work():
        outcomes = []
        async with script.Server([script.READ, whole(DONE)], tls=context) as server:
            for ca_file in (None, certificates.ca):
                driver = RestDriver(server.url, headers={}, ca_file=ca_file, service=CompatService)
                ending = await driver.send(chat_request, fake_probe())
                await driver.aclose()
                outcomes.append(ending.outcome)
        return outcomes

    assert run(work()) == [Outcome.REFUSED, Outcome.OK]


@pytest.mark.parametrize("version", ["http11", "http2"])
def test_moments_come_from_httpxs_transport(fake_probe, version):
    """Of either version of HTTP: a connection is told once it can be used, a kept one not at all."""
    probe = fake_probe()
    trace = _tracer(probe)

    async def play(*names):
        for name in names:
            await trace(name, {})

    sending = f"{version}.send_request_headers.started"
    asyncio.run(play("connection.connect_tcp.started", "connection.start_tls.started", sending, sending))
    assert probe.moments == ["connected", "sent", "sent"]
