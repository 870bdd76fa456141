"""What tests of drivers need of the other side: scripted servers, certificates, requests, probes."""

import asyncio
import shutil
import socket
import struct
import subprocess
from types import SimpleNamespace

import pytest
import uvloop

from loadtester.model import Request

READ, CLOSE, RESET, EOF, HANG = (SimpleNamespace(name=name) for name in ("read", "close", "reset", "eof", "hang"))


class FakeProbe:
    """Remembers what a driver reports, in order."""

    def __init__(self):
        self.moments = []

    def sent(self):
        self.moments.append("sent")

    def chunk(self, n_bytes, text):
        assert n_bytes > 0
        self.moments.append(("chunk", text))

    def chunks(self, n_bytes, texts):
        assert n_bytes >= len(texts)
        self.moments += [("chunk", text) for text in texts]

    def reconnected(self):
        self.moments.append("reconnected")

    def connected(self, duration_ns):
        assert duration_ns > 0
        self.moments.append("connected")

    @property
    def texts(self):
        return [moment[1] for moment in self.moments if isinstance(moment, tuple)]


class ScriptedServer:
    """Plays one script a connection, and the last one for all that come after.

    READ a request, write bytes, CLOSE, RESET, EOF (half-close), HANG (until the client has gone), which
    the end of a script does too. `requests` are the requests read, head and body.
    """

    def __init__(self, *scripts, tls=None):
        self._scripts = list(scripts)
        self._tls = tls
        self.requests = []
        self.connections = 0

    async def __aenter__(self):
        self._tasks = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        try:
            await self._play(script, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _play(self, script, reader, writer):
        for step in script:
            if step is READ:
                self.requests.append(await self._read(reader))
            elif step is HANG:
                await reader.read()
            elif step is EOF:
                writer.write_eof()
            elif step is RESET:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            elif step is CLOSE:
                writer.close()
                await writer.wait_closed()
                return
            else:
                writer.write(step)
                await writer.drain()
        await reader.read()

    async def _read(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        sized = head.lower().partition(b"content-length: ")[2]
        size = int(sized.split(b"\r\n")[0]) if sized else 0
        return head, await reader.readexactly(size)


@pytest.fixture
def script():
    """The steps of scripts, and the server that plays them."""
    return SimpleNamespace(READ=READ, CLOSE=CLOSE, RESET=RESET, EOF=EOF, HANG=HANG, Server=ScriptedServer)


@pytest.fixture
def until():
    """Waits for a condition that the other side brings about."""

    async def hold(condition):
        while not condition():  # noqa: ASYNC110  what is waited for has no event to set
            await asyncio.sleep(0.001)

    return hold


@pytest.fixture
def fake_probe():
    return FakeProbe


@pytest.fixture
def chat_request():
    return Request(7, "greeting", "ai", "haiku", "こんにちは", "s-3", 1, 64, "ja")


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """asyncio.run, on either loop; afterwards no task is left."""

    def run_on(work):
        async def alone():
            result = await asyncio.wait_for(work, 30)
            # The other sides of connections end in their own time, within a turn or two of the loop.
            for _ in range(100):
                if len(asyncio.all_tasks()) == 1:
                    break
                await asyncio.sleep(0.01)
            assert len(asyncio.all_tasks()) == 1
            return result

        with asyncio.Runner(loop_factory=uvloop.new_event_loop if request.param == "uvloop" else None) as runner:
            return runner.run(alone())

    return run_on


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A CA of our own (`ca`), and a key and a certificate by it for 127.0.0.1 (`key`, `cert`), as PEM files."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    place = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=place, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req", "-x509", *curve, "-days", "2", "-subj", "/CN=fmload test CA", "-keyout", "ca.key", "-out", "ca.pem",
        "-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE",
    )  # fmt: skip
    openssl("req", *curve, "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "cert.csr")
    (place / "san").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    openssl(
        "x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "san", "-out", "cert.pem",
    )  # fmt: skip
    return SimpleNamespace(ca=place / "ca.pem", key=place / "key.pem", cert=place / "cert.pem")
