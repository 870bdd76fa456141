"""The client over real sockets, on asyncio's loop and on uvloop: reuse, resending, cancellation, TLS, and no leaks."""

import asyncio
import contextlib
import os
import select
import socket
import ssl
import sys
from pathlib import Path

import pytest

from loadtester.drivers.http import HttpClient, HttpError, pool, post_head
from loadtester.drivers.ws.tls import tls_context
from loadtester.model import Outcome

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = post_head("h", "/", {}, accept="*/*")


def client_of(server, **options):
    return HttpClient("127.0.0.1", server.port, **options)


async def post(client, sink, probe, body=b"{}"):
    await client.post(HEAD, body, sink, probe)
    return sink


async def failure(client, sink, probe):
    with pytest.raises(HttpError) as caught:
        await client.post(HEAD, b"{}", sink, probe)
    return caught.value


def open_sockets():
    """The names of this process's sockets (Linux)."""
    names = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.append(str(entry.readlink()))
    return sorted(name for name in names if name.startswith("socket:"))


def test_reuse(run, script, recorder, fake_probe):
    """One connection carries request after request; only the first one opened it. Nagle's algorithm is off."""

    async def work():
        async with script.Server([script.READ, OK] * 3) as server:
            client = client_of(server)
            probes = [fake_probe() for _ in range(3)]
            for probe in probes:
                assert (await post(client, recorder(), probe)).body == b"ok"
            (connection,) = client.pool._all
            line = connection._transport.get_extra_info("socket")
            assert line.getsockopt(6, 1) != 0  # IPPROTO_TCP, TCP_NODELAY
            await client.aclose()
            assert server.connections == 1
            assert [probe.moments for probe in probes] == [["connected", "sent"], ["sent"], ["sent"]]
            assert server.requests[0][0].startswith(b"POST / HTTP/1.1\r\nhost: h\r\n")
            assert server.requests[2][1] == b"{}"

    run(work())


@pytest.mark.parametrize("end", ["CLOSE", "RESET"])
def test_what_was_written_is_never_written_again(run, script, recorder, fake_probe, end):
    """A used connection that dies before a byte of the answer: the target may have taken the request, and charged."""

    async def work():
        first = [script.READ, OK, script.READ, getattr(script, end)]
        async with script.Server(first, [script.READ, OK]) as server:
            client = client_of(server)
            await post(client, recorder(), fake_probe())
            error = await failure(client, recorder(), fake_probe())
            assert error.outcome is Outcome.BROKEN
            assert "before any answer" in error.detail
            assert (server.connections, len(server.requests)) == (1, 2)
            await client.aclose()

    run(work())


@pytest.mark.parametrize("end", ["CLOSE", "RESET"])
def test_a_connection_that_died_idle_is_not_used(run, script, recorder, fake_probe, end, monkeypatch):
    """The server hung up while the connection was idle, and the loop has not heard of it: a new one is opened."""
    monkeypatch.setattr(pool, "_SURE_S", 0.0)

    async def work():
        async with script.Server([script.READ, OK, getattr(script, end)], [script.READ, OK]) as server:
            client = client_of(server)
            await post(client, recorder(), fake_probe())
            (connection,) = client.pool._all
            fd = connection._transport.get_extra_info("socket").fileno()
            # The kernel is waited for without a turn of the loop in this process's own connection.
            connection._transport.pause_reading()
            while not _readable(fd):  # noqa: ASYNC110  the kernel sets no event
                await asyncio.sleep(0)
            probe = fake_probe()
            assert (await post(client, recorder(), probe)).body == b"ok"
            assert probe.moments == ["connected", "sent"]
            assert (server.connections, len(server.requests)) == (2, 2)
            await client.aclose()

    run(work())


def test_a_connection_that_was_idle_for_long_is_not_used(run, script, recorder, fake_probe, monkeypatch):
    """Past the idle limit a new connection is opened, whatever the old one looks like, and the old one is closed."""
    monkeypatch.setattr(pool, "IDLE_LIMIT_S", 0.0)
    monkeypatch.setattr(pool, "_SURE_S", 0.0)

    async def work():
        async with script.Server([script.READ, OK], [script.READ, OK]) as server:
            client = client_of(server)
            for _ in range(2):
                await post(client, recorder(), fake_probe())
            assert server.connections == 2
            await client.aclose()

    run(work())


def _readable(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def test_new_connection_is_not_tried_again(run, script, recorder, fake_probe):
    """A connection that dies under its first request is no idle race: nothing is sent again."""

    async def work():
        async with script.Server([script.READ, script.CLOSE]) as server:
            client = client_of(server)
            assert (await failure(client, recorder(), fake_probe())).outcome is Outcome.BROKEN
            assert len(server.requests) == 1
            await client.aclose()

    run(work())


@pytest.mark.parametrize("some", [b"H", OK[:-1], b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("end", ["CLOSE", "RESET", "EOF"])
def test_answered_in_part_is_not_sent_again(run, script, recorder, fake_probe, some, end):
    """Once a byte of the answer came, a used connection that dies is a broken answer."""

    async def work():
        async with script.Server([script.READ, OK, script.READ, some, getattr(script, end)]) as server:
            client = client_of(server)
            await post(client, recorder(), fake_probe())
            error = await failure(client, recorder(), fake_probe())
            assert error.outcome is Outcome.BROKEN
            assert len(server.requests) == 2
            await client.aclose()

    run(work())


def test_closed_while_idle(run, script, until, recorder, fake_probe):
    """A connection that the server closes between requests leaves the pool; the next request opens another."""

    async def work():
        async with script.Server([script.READ, OK, script.CLOSE], [script.READ, OK]) as server:
            client = client_of(server)
            await post(client, recorder(), fake_probe())
            await until(lambda: client.pool.n_idle == 0)
            probe = fake_probe()
            await post(client, recorder(), probe)
            assert probe.moments == ["connected", "sent"]
            await client.aclose()

    run(work())


def test_cancelled(run, script, until, recorder, fake_probe):
    """A cancelled request's connection is closed and never used again, and the server sees that."""

    async def work():
        async with script.Server([script.READ, script.HANG], [script.READ, OK]) as server:
            client = client_of(server)
            task = asyncio.create_task(client.post(HEAD, b"{}", recorder(), fake_probe()))
            await until(lambda: server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await post(client, recorder(), fake_probe())).body == b"ok"
            assert server.connections == 2
            await client.aclose()

    run(work())


def test_cancelled_just_after_the_end(run, script, recorder, fake_probe):
    """A request cancelled when its answer is complete does not harm whoever got its connection next."""

    async def work():
        async with script.Server([script.READ, OK, script.READ, script.HANG]) as server:
            client = client_of(server)
            others = []

            class Late(recorder):
                def on_end(self):
                    # Runs after the answer is there, before the task does: its connection is idle by then.
                    loop.call_soon(take_over)

            def take_over():
                first.cancel()
                others.append(client.pool.take())

            loop = asyncio.get_running_loop()
            first = asyncio.create_task(client.post(HEAD, b"{}", Late(), fake_probe()))
            with contextlib.suppress(asyncio.CancelledError):
                await first
            (connection,) = others
            assert connection is not None
            assert connection.is_open
            await client.aclose()

    run(work())


def test_large_body(run, script, recorder, fake_probe):
    """A megabyte goes out and comes back whole."""

    async def work():
        data = os.urandom(1 << 20)
        async with script.Server(
            [script.READ, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data), data]
        ) as server:
            client = client_of(server)
            sink = await post(client, recorder(), fake_probe(), data)
            assert sink.body == data == server.requests[0][1]
            await client.aclose()

    run(work())


def test_many_small_chunks(run, script, recorder, fake_probe):
    """A megabyte in chunks of sixteen bytes comes whole, each byte once."""

    async def work():
        data = bytes(range(256)) * 4096
        chunks = b"".join(b"10\r\n%b\r\n" % data[i : i + 16] for i in range(0, len(data), 16))
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        async with script.Server([script.READ, head, chunks, b"0\r\n\r\n"]) as server:
            client = client_of(server)
            assert (await post(client, recorder(), fake_probe())).body == data
            assert client.pool.n_idle == 1
            await client.aclose()

    run(work())


def test_half_close_ends_a_body(run, script, recorder, fake_probe):
    """A body without a length ends when the server stops sending, even if it goes on listening."""

    async def work():
        async with script.Server([script.READ, b"HTTP/1.1 200 OK\r\n\r\nhello", script.EOF, script.HANG]) as server:
            client = client_of(server)
            assert (await post(client, recorder(), fake_probe())).body == b"hello"
            await client.aclose()

    run(work())


def test_refused(run, script, recorder, fake_probe):
    """Where nobody listens, the request is refused, was never sent, and leaves nothing behind."""

    async def work():
        async with script.Server([]) as server:
            pass
        client, probe = client_of(server), fake_probe()
        error = await failure(client, recorder(), probe)
        assert error.outcome is Outcome.REFUSED
        assert "refused" in error.detail.lower()
        assert probe.moments == []
        assert len(client.pool) == 0

    run(work())


def test_unknown_name(run, recorder, fake_probe, monkeypatch):
    """A name without an address is a refusal that says so."""

    async def work():
        client = HttpClient("no-such-host.invalid", 80)

        async def no_address(*_, **__):
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(client.pool._dialler, "_look_up", no_address)
        error = await failure(client, recorder(), fake_probe())
        assert (error.outcome, error.detail) == (Outcome.REFUSED, "the host's name has no address")

    run(work())


def server_tls(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)
    return context


def test_tls(run, script, recorder, fake_probe, certificates):
    """With the CA's file, TLS works like plain TCP, and its handshake is part of connecting."""

    async def work():
        async with script.Server([script.READ, OK] * 2, tls=server_tls(certificates)) as server:
            client = client_of(server, tls=tls_context(certificates.ca))
            probe = fake_probe()
            await post(client, recorder(), probe)
            assert (await post(client, recorder(), fake_probe())).body == b"ok"
            assert probe.moments == ["connected", "sent"]
            assert server.connections == 1
            await client.aclose()

    run(work())


def test_tls_is_verified(run, script, recorder, fake_probe, certificates):
    """A certificate by a CA that nobody trusts, or for another host, is refused; nothing is sent."""

    async def work():
        # The other loop end's complaint about the failed handshake is expected.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with script.Server([script.READ, OK], tls=server_tls(certificates)) as server:
            stranger = client_of(server, tls=tls_context(None))
            misled = HttpClient("localhost", server.port, tls=tls_context(certificates.ca))
            for client in (stranger, misled):
                probe = fake_probe()
                error = await failure(client, recorder(), probe)
                assert error.outcome is Outcome.REFUSED
                assert error.detail.startswith("TLS: ")
                assert probe.moments == []
                assert len(client.pool) == 0
            assert server.requests == []

    run(work())


def test_plain_server_behind_tls(run, script, recorder, fake_probe, certificates):
    """A server that doesn't speak TLS is a refusal, however it ends the handshake."""

    async def work():
        for part in ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], [script.CLOSE]):
            async with script.Server(part) as server:
                client = client_of(server, tls=tls_context(certificates.ca))
                assert (await failure(client, recorder(), fake_probe())).outcome is Outcome.REFUSED
                assert len(client.pool) == 0

    run(work())


def test_handshake_limit(run, script, recorder, fake_probe, certificates):
    """A handshake that is never answered is given up after the limit."""

    async def work():
        async with script.Server([script.HANG]) as server:
            client = client_of(server, tls=tls_context(certificates.ca), connect_limit_s=0.2)
            error = await failure(client, recorder(), fake_probe())
            assert (error.outcome, error.detail) == (Outcome.REFUSED, "no connection within 0.2 s")
            assert len(client.pool) == 0

    run(work())


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_leaks(run, script, recorder, fake_probe, certificates):
    """After faults of every kind, no socket of either side is left open."""

    async def work():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        before = open_sockets()
        endings = ([script.CLOSE], [script.RESET], [b"nonsense\r\n"], [OK[:-1], script.CLOSE], [OK])
        async with script.Server(*([script.READ, *ending] for ending in endings)) as server:
            client = client_of(server)
            for _ in endings:
                with contextlib.suppress(HttpError):
                    await post(client, recorder(), fake_probe())
            assert len(client.pool) == 1
            await client.aclose()
            assert len(client.pool) == 0
        async with script.Server([script.HANG], tls=server_tls(certificates)) as server:
            for limit_s, tls in ((10, tls_context(None)), (0.01, tls_context(certificates.ca))):
                lost = client_of(server, tls=tls, connect_limit_s=limit_s)
                task = asyncio.create_task(lost.post(HEAD, b"", recorder(), fake_probe()))
                with contextlib.suppress(HttpError, TimeoutError):
                    await asyncio.wait_for(task, 1)
                await lost.aclose()
        for _ in range(200):
            if open_sockets() == before:
                break
            await asyncio.sleep(0.01)
        assert open_sockets() == before

    run(work())
