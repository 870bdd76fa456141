"""The preflight: whether the target is there and takes the credentials, in words that hold no secret."""

import asyncio
import ssl

import pytest

from loadtester.drivers.endpoint import chat_endpoint
from loadtester.drivers.preflight import preflight
from loadtester.drivers.ws.tls import tls_context
from loadtester.errors import Exit, FmloadError

SECRET = {"Authorization": "Bearer hush-hush-hush"}


def answering(*parts):
    """Serves GETs: reads a head, answers with the parts, hangs up. Gives the server and the heads it read."""
    heads = []

    async def serve(reader, writer):
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            for part in parts:
                writer.write(part)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    return serve, heads


async def outcome_of(serve, *, tls=None, context=None, limit_s=10):
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    endpoint = chat_endpoint(f"http{'s' if tls else ''}://u:pa55word@127.0.0.1:{port}", SECRET, "/v1/chat")
    try:
        await preflight(endpoint, context, limit_s=limit_s)
    except FmloadError as error:
        told = error
    else:
        return None
    finally:
        server.close()
    assert told.code is Exit.UNREACHABLE
    assert told.remedy
    assert "hush" not in str(told)
    assert "pa55word" not in str(told)
    return told.message.replace(str(port), "PORT")


@pytest.mark.parametrize("status", [200, 204, 302, 404, 500, 503])
def test_any_answer_will_do(run, status):
    """The target is there if it answers at all, ill or not; it gets the user's headers, and nothing is followed."""
    serve, heads = answering(b"HTTP/1.1 %d X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n" % status)
    assert run(outcome_of(serve)) is None
    (head,) = heads
    assert head.startswith(b"GET /health HTTP/1.1\r\n")
    assert b"hush-hush-hush" in head


@pytest.mark.parametrize("status", [401, 403])
def test_credentials(run, status):
    """401 and 403 are refusals of the credentials."""
    serve, _ = answering(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
    assert run(outcome_of(serve)) == f"http://127.0.0.1:PORT refuses the credentials (HTTP {status})"


@pytest.mark.parametrize(
    ("parts", "why"), [((b"SSH-2.0-x\r\n",), "the answer is not HTTP"), ((), "the answer is not HTTP")]
)
def test_no_http(run, parts, why):
    """Something else that listens there is not the target."""
    serve, _ = answering(*parts)
    assert run(outcome_of(serve)) == f"http://127.0.0.1:PORT can't be reached: {why}"


def test_nobody(run):
    """Where nobody listens, the reason is the operating system's."""

    async def work():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(FmloadError, match="Connection refused") as error:
            await preflight(chat_endpoint(f"http://127.0.0.1:{port}", {}, "/"), None)
        assert error.value.code is Exit.UNREACHABLE

    run(work())


def test_silence(run):
    """A target that accepts and says nothing is given up after the limit."""

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    assert run(outcome_of(silent, limit_s=0.2)) == "http://127.0.0.1:PORT can't be reached: no answer within 0.2 s"


def test_tls(run, certificates):
    """A certificate is checked like under load: by the CA's file it is good, without it that is the reason."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificates.cert, certificates.key)
    serve, heads = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def work(ca_file):
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        return await outcome_of(serve, tls=server, context=tls_context(ca_file))

    assert run(work(certificates.ca)) is None
    assert "TLS: " in run(work(None))
    assert len(heads) == 1
