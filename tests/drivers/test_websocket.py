"""The WebSocket driver against an independent server, which errs as told."""

import asyncio
import json
import os
import ssl
import stat
import subprocess
from base64 import b64encode
from contextlib import asynccontextmanager, suppress
from hashlib import sha1
from http import HTTPStatus

import msgspec
import pytest
import uvloop
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Frame, Opcode

from loadtester.drivers.websocket import WebSocketDriver
from loadtester.drivers.ws import opening
from loadtester.errors import Exit, FmloadError
from loadtester.model import Outcome, Request, Usage

PATIENCE_S = 20.0


class Probe:
    """Writes down what it is told, in order."""

    def __init__(self):
        self.events = []
        self.chunks = []
        self.n_bytes = []
        self.connects_ns = []

    def sent(self):
        self.events.append("sent")

    def chunk(self, n_bytes, text):
        self.events.append("chunk")
        self.chunks.append(text)
        self.n_bytes.append(n_bytes)

    def reconnected(self):
        self.events.append("reconnected")

    def connected(self, duration_ns):
        self.events.append("connected")
        self.connects_ns.append(duration_ns)


def ask(number=1, session="s-1", turn=1, prompt="Hello!"):
    return Request(
        id=number,
        query="greeting",
        kind="ai",
        model="haiku",
        prompt=prompt,
        session=session,
        turn=turn,
        max_tokens=16,
        language="en",
    )


def delta(asked, text):
    return json.dumps({"type": "delta", "request_id": asked["request_id"], "text": text}, ensure_ascii=False)


def done(asked, **changes):
    return json.dumps(
        {
            "type": "done",
            "request_id": asked["request_id"],
            "session_id": asked["session_id"],
            "model": asked["model"],
            "finish_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 2},
            "timing": {"total": 0.25},
        }
        | changes
    )


async def answer(socket, asked):
    await socket.send(delta(asked, "Hel"))
    await socket.send(delta(asked, ""))
    await socket.send(delta(asked, "lo, 世界"))
    await socket.send(done(asked))


def test_no_trace_is_sent():
    """The message has no field for one, and the handshake is a whole conversation's."""
    heads, messages = [], []

    async def collect(socket):
        heads.append(dict(socket.request.headers.raw_items()))
        async for message in socket:
            messages.append(json.loads(message))
            await answer(socket, messages[-1])

    async def run():
        async with serve(collect, "127.0.0.1", 0, close_timeout=1) as listening:
            port = listening.sockets[0].getsockname()[1]
            driver = WebSocketDriver(f"ws://127.0.0.1:{port}/ws", headers={}, ca_file=None)
            sampled = msgspec.structs.replace(
                ask(), traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            )
            for request in (sampled, ask()):
                await driver.prepare(request)
                await driver.send(request, Probe())
            await driver.aclose()

    asyncio.run(run())
    assert messages[0] == messages[1]
    assert [name for head in heads for name in head if "trace" in name.lower()] == []


@pytest.mark.parametrize("size", [32_000, 33_000, 100_000])
def test_a_long_message_goes_in_frames_that_api_gateway_takes(size):
    """No frame is over 32 KB, and the frames together are the message."""
    frames = []

    async def collect(socket):
        frames.extend([piece async for piece in socket.recv_streaming(decode=False)])
        await answer(socket, json.loads(b"".join(frames)))
        await socket.wait_closed()

    async def run():
        async with serve(collect, "127.0.0.1", 0, max_size=1 << 20, close_timeout=1) as listening:
            port = listening.sockets[0].getsockname()[1]
            driver = WebSocketDriver(f"ws://127.0.0.1:{port}/ws", headers={}, ca_file=None)
            ending = await driver.send(ask(prompt="本x" * (size // 4)), Probe())
            await driver.aclose()
            return ending

    assert asyncio.run(run()).outcome is Outcome.OK
    assert json.loads(b"".join(frames))["message"] == "本x" * (size // 4)
    assert max(map(len, frames)) <= 32 * 1024
    assert len(frames) == -(-sum(map(len, frames)) // (32 * 1024))


class Server:
    """A `websockets` server: each message goes to `script(socket, asked)`; counts connections, keeps questions."""

    def __init__(self, script):
        self.script = script
        self.opened = self.closed = 0
        self.asked = []
        self.paths = []
        self.headers = []
        self.sockets = []

    async def __call__(self, socket):
        self.opened += 1
        self.sockets.append(socket)
        self.paths.append(socket.request.path)
        self.headers.append(socket.request.headers)
        try:
            async for message in socket:
                self.asked.append(json.loads(message))
                await self.script(socket, self.asked[-1])
        except ConnectionClosed:
            pass
        finally:
            self.closed += 1


@asynccontextmanager
async def serving(script=answer, *, tls=None, **options):
    server = Server(script)
    async with serve(server, "127.0.0.1", 0, ssl=tls, ping_interval=None, close_timeout=1, **options) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


@asynccontextmanager
async def raw_server(talk):
    """A TCP server that has upgraded each connection before `talk(reader, writer)` gets it."""

    async def upgrade(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(
            line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        await close_after(talk(reader, writer), writer)

    async with tcp_server(upgrade) as port:
        yield port


@asynccontextmanager
async def tcp_server(talk):
    tasks = set()

    async def tracked(reader, writer):
        tasks.add(asyncio.current_task())
        await close_after(talk(reader, writer), writer)

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def close_after(talk, writer):
    try:
        await talk
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def read_frame(reader):
    """The payload of a client's text frame."""
    _, second = await reader.readexactly(2)
    length = second & 127
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(length)))


def text_frame(payload):
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


@asynccontextmanager
async def driving(url, *, headers=None, ca_file=None):
    driver = WebSocketDriver(url, headers=headers or {}, ca_file=ca_file)
    try:
        yield driver
    finally:
        await driver.aclose()


def run(main, loop_factory=asyncio.new_event_loop):
    """Run `main` to its end; nothing of it may stay: no task, no socket."""

    async def bounded():
        async with asyncio.timeout(PATIENCE_S):
            result = await main()
        # Callbacks of sockets that were closed in the last turn of the loop.
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    loop_factory().close()  # libuv keeps a pair of its own from its first loop on
    before = sockets()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        result = runner.run(bounded())
    assert sockets() == before
    return result


def sockets():
    """The file descriptors of this process that are sockets."""
    found = set()
    for number in range(1024):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                found.add(number)
    return found


def ending_of(script, *, turns=1, **options):
    """How the last of `turns` turns of one conversation ends with a server that follows `script`."""

    async def main():
        async with serving(script, **options) as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            for turn in range(1, turns + 1):
                probe = Probe()
                ending = await driver.send(ask(turn, turn=turn), probe)
            return ending, probe, server

    return run(main)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_answer_is_told_as_it_comes(loop_factory):
    """Connected, sent, then each piece that has text, then an Ending with all that the done frame says."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            probe = Probe()
            return await driver.send(ask(), probe), probe, server

    ending, probe, server = run(main, loop_factory)
    assert probe.events == ["connected", "sent", "chunk", "chunk"]
    assert probe.chunks == ["Hel", "lo, 世界"]
    assert probe.n_bytes == [len(delta(server.asked[0], text).encode()) for text in probe.chunks]
    assert (ending.outcome, ending.finish_reason, ending.model) == (Outcome.OK, "end_turn", "haiku")
    assert (ending.usage, ending.timing_s) == (Usage(3, 2), {"total": 0.25})
    assert (server.asked[0]["action"], server.asked[0]["message"]) == ("chat", "Hello!")
    assert server.paths == ["/ws"]


def test_a_conversation_is_one_connection():
    """Turns share a connection, whose opening is told once; other conversations have their own."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            probes = [Probe() for _ in range(4)]
            for turn, probe in enumerate(probes[:3]):
                await driver.send(ask(turn, turn=turn + 1), probe)
            await driver.send(ask(9, session="s-2"), probes[3])
            return [len(probe.connects_ns) for probe in probes], server.opened

    assert run(main) == ([1, 0, 0, 1], 2)


def test_a_prepared_connection_is_told_on_the_first_request():
    """`prepare` opens it, the first `send` uses it and tells how long it took."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            await driver.prepare(ask())
            opened_ahead = server.opened
            probe = Probe()
            await driver.send(ask(), probe)
            return opened_ahead, server.opened, probe

    opened_ahead, opened, probe = run(main)
    assert (opened_ahead, opened) == (1, 1)
    assert probe.events[:2] == ["connected", "sent"]
    assert probe.connects_ns[0] > 0


def test_a_send_joins_an_opening_that_is_under_way():
    """A request that is due while its connection is still being opened waits for that one."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            preparing = asyncio.create_task(driver.prepare(ask()))
            await asyncio.sleep(0)
            ending = await driver.send(ask(), Probe())
            await preparing
            return ending.outcome, server.opened

    assert run(main) == (Outcome.OK, 1)


def test_turns_of_a_conversation_wait_for_each_other():
    """One request is in flight on a connection, however many are sent at once."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            endings = await asyncio.gather(*(driver.send(ask(n), Probe()) for n in range(5)))
            return (
                {ending.outcome for ending in endings},
                server.opened,
                [asked["request_id"] for asked in server.asked],
            )

    assert run(main) == ({Outcome.OK}, 1, [f"r-{n}" for n in range(5)])


def test_a_failed_opening_shows_when_the_request_is_sent():
    """`prepare` never raises; the request is refused without being tried again, the next turn tries anew."""

    async def main():
        async with tcp_server(refuse) as port:
            pass
        async with driving(f"ws://127.0.0.1:{port}") as driver:
            await driver.prepare(ask())
            probe = Probe()
            return await driver.send(ask(), probe), probe

    ending, probe = run(main)
    assert (ending.outcome, ending.detail) == (Outcome.REFUSED, "Connection refused")
    assert probe.events == []


async def refuse(_reader, _writer):
    return


def test_finish_closes_gracefully():
    """After its last turn a conversation's connection is closed with 1000, and nothing is left of it."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            await driver.send(ask(), Probe())
            await driver.finish(ask())
            await server.sockets[0].wait_closed()
            return server.sockets[0].close_code, server.opened

    assert run(main) == (1000, 1)


def test_finish_lets_go_of_a_connection_that_was_never_used():
    """A conversation whose only request was dropped leaves nothing open, be the opening done or under way."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            await driver.prepare(ask())
            await driver.finish(ask())
            await server.sockets[0].wait_closed()
            preparing = asyncio.create_task(driver.prepare(ask(session="s-2")))
            await asyncio.sleep(0)
            await driver.finish(ask(session="s-2"))
            await preparing
            return server.sockets[0].close_code

    assert run(main) == 1000


def test_a_server_that_never_hangs_up_is_hung_up_on():
    """`aclose` is bounded, whatever the server does."""

    async def deaf(reader, _writer):
        await reader.readexactly(2)
        await asyncio.Event().wait()

    async def main():
        async with raw_server(deaf) as port, driving(f"ws://127.0.0.1:{port}") as driver:
            await driver.prepare(ask())

    run(main)


def test_strays_are_ignored():
    """Frames of another request, of an unknown kind, or between turns belong to nobody."""

    async def script(socket, asked):
        await socket.send(delta({"request_id": "r-99"}, "not yours"))
        await socket.send('{"type": "sources", "request_id": "r-1"}')
        await socket.send(done(asked | {"request_id": "r-99"}))
        await answer(socket, asked)
        await socket.send(delta(asked, "late"))

    ending, probe, server = ending_of(script, turns=2)
    assert ending.outcome is Outcome.OK
    assert probe.chunks == ["Hel", "lo, 世界"]
    assert server.opened == 1


def test_fragments_make_one_message():
    """A message in pieces is one chunk, even with a ping between the pieces and a letter cut in two."""

    async def talk(reader, writer):
        asked = json.loads(await read_frame(reader))
        whole = delta(asked, "世界").encode()
        cut = whole.index("世".encode()) + 1
        writer.write(Frame(Opcode.TEXT, whole[:cut], fin=False).serialize(mask=False))
        writer.write(Frame(Opcode.PING, b"there?").serialize(mask=False))
        writer.write(Frame(Opcode.CONT, b"", fin=False).serialize(mask=False))
        writer.write(Frame(Opcode.CONT, whole[cut:]).serialize(mask=False))
        pongs.append(await read_frame(reader))
        writer.write(text_frame(done(asked).encode()))
        await read_frame(reader)  # the client's goodbye

    pongs = []
    ending, probe = raw_ending(talk)
    assert (ending.outcome, probe.chunks, pongs) == (Outcome.OK, ["世界"], [b"there?"])


def raw_ending(talk):
    async def main():
        async with raw_server(talk) as port, driving(f"ws://127.0.0.1:{port}/ws") as driver:
            probe = Probe()
            return await driver.send(ask(), probe), probe

    return run(main)


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_an_answer_is_the_same_at_every_split_of_its_bytes(step):
    """However TCP cuts the stream, the chunks are those of the frames."""

    async def talk(reader, writer):
        asked = json.loads(await read_frame(reader))
        whole = text_frame(delta(asked, "あ").encode()) + text_frame(delta(asked, "b" * 200).encode())
        whole += text_frame(done(asked).encode())
        for start in range(0, len(whole), step):
            writer.write(whole[start : start + step])
            await writer.drain()
            await asyncio.sleep(0)
        await read_frame(reader)  # the client's goodbye

    ending, probe = raw_ending(talk)
    assert (ending.outcome, probe.chunks) == (Outcome.OK, ["あ", "b" * 200])


@pytest.mark.parametrize(
    ("frame", "outcome"),
    [
        (text_frame(b"nope"), Outcome.INVALID),
        (text_frame(b"[]"), Outcome.INVALID),
        (text_frame(b"{}"), Outcome.INVALID),
        (text_frame(b'{"type":"delta","text":"\xff"}'), Outcome.INVALID),
        (b"\xc1\x02\x00\x01", Outcome.INVALID),
        (Frame(Opcode.CONT, b"{}").serialize(mask=False), Outcome.BROKEN),
        (Frame(Opcode.TEXT, b"{", fin=False).serialize(mask=False) + text_frame(b"}"), Outcome.BROKEN),
        (Frame(Opcode.TEXT, b"{}").serialize(mask=True), Outcome.BROKEN),
        (b"\x83\x00", Outcome.BROKEN),
    ],
    ids=["no-json", "array", "empty", "utf8", "compressed", "orphan", "interleaved", "masked", "opcode"],
)
def test_garbage_ends_the_answer(frame, outcome):
    """What is no message of a chat is invalid, as over HTTP; what breaks the protocol is broken. Both say so."""

    async def talk(reader, writer):
        await read_frame(reader)
        writer.write(frame)
        await read_frame(reader)  # the client's goodbye

    ending, probe = raw_ending(talk)
    assert ending.outcome is outcome
    assert "frame" in ending.detail or "message" in ending.detail
    assert probe.chunks == []


def test_half_a_frame_is_broken():
    """The connection dies in the middle of a frame."""

    async def talk(reader, writer):
        asked = json.loads(await read_frame(reader))
        writer.write(text_frame(delta(asked, "Hel").encode()))
        writer.write(text_frame(delta(asked, "lo").encode())[:-3])

    ending, probe = raw_ending(talk)
    assert (ending.outcome, ending.detail) == (Outcome.BROKEN, "the connection was closed without a close frame")
    assert probe.chunks == ["Hel"]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (1000, Outcome.BROKEN),
        (1001, Outcome.BROKEN),
        (1008, Outcome.CLIENT_ERROR),
        (1009, Outcome.CLIENT_ERROR),
        (1011, Outcome.BROKEN),
        (1012, Outcome.BROKEN),
        (1013, Outcome.UNAVAILABLE),
        (4321, Outcome.BROKEN),
    ],
)
@pytest.mark.parametrize("begins", [True, False], ids=["mid-answer", "no-answer"])
def test_a_close_ends_the_answer_by_its_code(code, outcome, begins):
    """A close before the answer is complete, on a connection opened for the request: nothing is sent twice."""

    async def script(socket, asked):
        if begins:
            await socket.send(delta(asked, "Hel"))
        await socket.close(code, "why")

    ending, probe, server = ending_of(script)
    assert (ending.outcome, ending.detail) == (outcome, f"the connection was closed with code {code}")
    assert probe.chunks == (["Hel"] if begins else [])
    assert len(server.asked) == 1


def test_a_close_without_a_code_or_a_reset_is_broken():
    """Both are told apart in the detail."""

    async def bare(reader, writer):
        await read_frame(reader)
        writer.write(Frame(Opcode.CLOSE, b"").serialize(mask=False))
        await read_frame(reader)  # the client's goodbye

    async def reset(reader, writer):
        await read_frame(reader)
        writer.transport.abort()

    assert raw_ending(bare)[0].detail == "the connection was closed with code 1005"
    assert raw_ending(reset)[0].detail == "the connection was closed without a close frame"


@pytest.mark.parametrize(
    ("goodbye", "is_sent_again"),
    [(Close(1001, "idle").serialize(), True), (Close(1012, "").serialize(), True), (b"", False), (None, False)],
    ids=["1001", "1012", "1005", "eof"],
)
def test_a_message_that_crosses_an_idle_close_is_sent_again(goodbye, is_sent_again):
    """A used connection that is closed with a code that says idle is opened anew, once; both times are told.

    Where no code says so, the message may have been taken, and its answer paid for: the request is broken.
    """
    messages = []

    async def talk(reader, writer):
        asked = json.loads(await read_frame(reader))
        messages.append(asked["request_id"])
        if messages == ["r-1", "r-2"]:
            if goodbye is not None:
                writer.write(Frame(Opcode.CLOSE, goodbye).serialize(mask=False))
            return
        writer.write(text_frame(done(asked).encode()))
        await talk(reader, writer)

    async def main():
        async with raw_server(talk) as port, driving(f"ws://127.0.0.1:{port}") as driver:
            await driver.send(ask(1), Probe())
            probe = Probe()
            return await driver.send(ask(2, turn=2), probe), probe

    ending, probe = run(main)
    assert ending.outcome is (Outcome.OK if is_sent_again else Outcome.BROKEN)
    assert messages == ["r-1", "r-2", *(["r-2"] if is_sent_again else [])]
    assert probe.events == ["sent", *(["reconnected", "connected", "sent"] if is_sent_again else [])]


@pytest.mark.parametrize("fault", ["answered", "verdict", "again"])
def test_only_an_idle_race_is_sent_again_and_only_once(fault):
    """Not after a byte of the answer, not where the code judges the message, not a second time."""
    messages = []

    async def talk(reader, writer):
        while True:
            asked = json.loads(await read_frame(reader))
            messages.append(asked["request_id"])
            if asked["request_id"] == "r-2":
                if fault == "answered":
                    writer.write(text_frame(delta(asked, "Hel").encode()))
                elif fault == "verdict":
                    writer.write(Frame(Opcode.CLOSE, Close(1009, "").serialize()).serialize(mask=False))
                else:
                    writer.write(Frame(Opcode.CLOSE, Close(1001, "").serialize()).serialize(mask=False))
                return
            writer.write(text_frame(done(asked).encode()))

    async def main():
        async with raw_server(talk) as port, driving(f"ws://127.0.0.1:{port}") as driver:
            await driver.send(ask(1), Probe())
            return await driver.send(ask(2, turn=2), Probe())

    ending = run(main)
    assert ending.outcome is (Outcome.CLIENT_ERROR if fault == "verdict" else Outcome.BROKEN)
    assert messages == ["r-1", "r-2", *(["r-2"] if fault == "again" else [])]


def test_a_connection_that_died_between_turns_is_opened_anew():
    """A close that is known before the next turn costs that turn a new connection, nothing else."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            await driver.send(ask(1), Probe())
            await server.sockets[0].close(1001)
            probe = Probe()
            ending = await driver.send(ask(2, turn=2), probe)
            return ending.outcome, probe.events[:3], server.opened

    assert run(main) == (Outcome.OK, ["reconnected", "connected", "sent"], 2)


def test_an_error_frame_leaves_the_connection_open():
    """An error ends the answer, not the conversation; neither do the gateway's own errors."""

    async def script(socket, asked):
        if asked["request_id"] == "r-1":
            error = {"code": "throttled", "message": "Too many tokens"}
            await socket.send(json.dumps({"type": "error", "request_id": "r-1", "error": error}))
        elif asked["request_id"] == "r-2":
            await socket.send('{"message": "Internal server error", "connectionId": "c", "requestId": "x"}')
        else:
            await answer(socket, asked)

    async def main():
        async with serving(script) as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            endings = [await driver.send(ask(n, turn=n), Probe()) for n in (1, 2, 3)]
            return [ending.outcome for ending in endings], server.opened

    assert run(main) == ([Outcome.THROTTLED, Outcome.SERVER_ERROR, Outcome.OK], 1)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_cancelled_request_costs_its_connection(loop_factory):
    """What comes late for a request that was given up can't reach the next turn."""

    async def script(socket, asked):
        if asked["request_id"] == "r-1":
            await socket.send(delta(asked, "Hel"))
            begun.set()
        else:
            await answer(socket, asked)

    async def main():
        async with serving(script) as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            sending = asyncio.create_task(driver.send(ask(1), Probe()))
            await begun.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await server.sockets[0].wait_closed()
            ending = await driver.send(ask(2, turn=2), Probe())
            return ending.outcome, server.opened

    begun = asyncio.Event()
    assert run(main, loop_factory) == (Outcome.OK, 2)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("is_prepared", [True, False])
def test_a_cancelled_opening_leaves_nothing(loop_factory, is_prepared):
    """A server that takes the connection but never answers the upgrade is hung up on when the request is given up."""

    async def silent(reader, _writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        gone.set()

    async def main():
        async with tcp_server(silent) as port, driving(f"ws://127.0.0.1:{port}") as driver:
            preparing = asyncio.create_task(driver.prepare(ask())) if is_prepared else None
            await asyncio.sleep(0)
            sending = asyncio.create_task(driver.send(ask(), Probe()))
            await asked.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await gone.wait()
            if preparing is not None:
                await preparing

    asked, gone = asyncio.Event(), asyncio.Event()
    run(main, loop_factory)


def test_an_opening_has_a_limit(monkeypatch):
    """A server that never answers the upgrade refuses the request, and is hung up on."""

    async def silent(reader, _writer):
        await reader.read()
        gone.set()

    async def main():
        async with tcp_server(silent) as port, driving(f"ws://127.0.0.1:{port}") as driver:
            ending = await driver.send(ask(), Probe())
            await gone.wait()
            return ending

    monkeypatch.setattr(opening, "CONNECT_LIMIT_S", 0.2)
    gone = asyncio.Event()
    ending = run(main)
    assert (ending.outcome, ending.detail) == (Outcome.REFUSED, "no connection within 0.2 s")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Outcome.REFUSED),
        (401, Outcome.REFUSED),
        (403, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (429, Outcome.THROTTLED),
        (500, Outcome.SERVER_ERROR),
        (502, Outcome.SERVER_ERROR),
        (503, Outcome.UNAVAILABLE),
        (520, Outcome.SERVER_ERROR),
    ],
)
def test_a_refused_upgrade_has_an_outcome_by_its_status(status, outcome):
    """Also by one that is in no list; a redirect is not followed."""

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d Whatever\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" % status)

    ending = tcp_ending(talk)
    assert (ending.outcome, ending.detail) == (outcome, f"the upgrade was answered with HTTP {status}")


def tcp_ending(talk):
    async def main():
        async with tcp_server(talk) as port, driving(f"ws://127.0.0.1:{port}") as driver:
            return await driver.send(ask(), Probe())

    return run(main)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 101", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n"]
)
def test_what_is_no_upgrade_is_refused(said):
    """Closed, cut off, another protocol, a wrong handshake."""

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    assert tcp_ending(talk).outcome is Outcome.REFUSED


def test_headers_and_the_urls_user_go_with_the_upgrade():
    """Headers are sent, user and password become Basic credentials and are nowhere else, http means ws."""

    async def main():
        async with serving() as server:
            url = f"http://me:p%40ss@127.0.0.1:{server.port}/prod/chat?tenant=a b"
            async with driving(url, headers={"X-Api-Key": "k"}) as driver:
                await driver.send(ask(), Probe())
            return server.headers[0], server.paths[0], server.port

    headers, path, port = run(main)
    assert (headers["X-Api-Key"], path) == ("k", "/prod/chat?tenant=a%20b")
    assert headers["Authorization"] == "Basic " + b64encode(b"me:p@ss").decode()
    assert headers.get_all("Host") == [f"127.0.0.1:{port}"]
    assert "Sec-WebSocket-Extensions" not in headers


@pytest.mark.parametrize("url", ["", "chat.example.com", "ftp://x/", "wss://", "ws://h:port/", "ws://me:secret@:1/"])
def test_a_url_that_is_none_is_the_users_to_mend(url):
    """A FmloadError that shows no part of it."""
    with pytest.raises(FmloadError) as caught:
        WebSocketDriver(url, headers={}, ca_file=None)
    assert "secret" not in str(caught.value)


def test_check_opens_one_connection_and_closes_it():
    """With the headers of the run, and without a message."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}", headers={"X-Key": "k"}) as driver:
            await driver.check()
            await server.sockets[0].wait_closed()
            return server.opened, server.asked, server.headers[0]["X-Key"], server.sockets[0].close_code

    assert run(main) == (1, [], "k", 1000)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "credentials"), (403, "credentials"), (404, "no WebSocket"), (503, "no WebSocket")]
)
def test_check_tells_what_is_wrong_without_secrets(status, words):
    """Code 113, what to look at, and neither header, nor password, nor token of the URL."""

    async def main():
        async with serving(process_request=lambda socket, _: socket.respond(HTTPStatus(status), "")) as server:
            url = f"ws://me:hunter2@127.0.0.1:{server.port}/ws?token=t0p"
            async with driving(url, headers={"Authorization": "Bearer s3cr3t"}) as driver:
                with pytest.raises(FmloadError) as caught:
                    await driver.check()
        return caught.value

    error = run(main)
    assert error.code is Exit.UNREACHABLE
    assert words in error.message
    assert str(status) in error.message
    assert error.remedy
    assert not {"hunter2", "t0p", "s3cr3t"} & set(
        str(error).replace("=", " ").replace("@", " ").replace(":", " ").split()
    )


def test_check_tells_that_nobody_is_there():
    """A closed port, and a name that has no address."""

    async def main():
        async with tcp_server(refuse) as port:
            pass
        messages = []
        for url in (f"ws://127.0.0.1:{port}", "ws://nobody.invalid"):
            async with driving(url) as driver:
                with pytest.raises(FmloadError) as caught:
                    await driver.check()
            assert caught.value.code is Exit.UNREACHABLE
            messages.append(caught.value.message)
        return messages

    refused, unknown = run(main)
    assert "Connection refused" in refused
    assert "no address" in unknown


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1, and its key."""
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_tls_is_verified(certificate, loop_factory):
    """A certificate that nobody vouches for refuses the request; `ca_file` vouches for it."""
    cert, key = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)

    async def main():
        async with serving(tls=tls) as server:
            url = f"https://127.0.0.1:{server.port}"
            async with driving(url) as strict, driving(url, ca_file=cert) as trusting:
                return await strict.send(ask(), Probe()), await trusting.send(ask(), Probe())

    refused, ok = run(main, loop_factory)
    assert refused.outcome is Outcome.REFUSED
    assert refused.detail.startswith("TLS: ")
    assert "self-signed" in refused.detail
    assert ok.outcome is Outcome.OK


def test_a_ca_file_that_is_none_is_the_users_to_mend(tmp_path):
    """It names the file."""
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(FmloadError, match=name):
            WebSocketDriver("wss://127.0.0.1", headers={}, ca_file=tmp_path / name)


def test_a_fault_in_the_probe_is_not_the_targets():
    """What the load tester itself does wrong is raised, not put on the target's account."""

    class Broken(Probe):
        def chunk(self, n_bytes, text):  # noqa: ARG002  the probe's signature
            raise ZeroDivisionError

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:
            with pytest.raises(ZeroDivisionError):
                await driver.send(ask(), Broken())

    run(main)


def test_many_conversations_leave_nothing():
    """A hundred conversations of three turns at once, some finished, some not: a connection each, all closed."""

    async def main():
        async with serving() as server, driving(f"ws://127.0.0.1:{server.port}") as driver:

            async def converse(n):
                for turn in (1, 2, 3):
                    ending = await driver.send(ask(3 * n + turn, session=f"s-{n}", turn=turn), Probe())
                    assert ending.outcome is Outcome.OK
                if n % 2:
                    await driver.finish(ask(session=f"s-{n}"))

            await asyncio.gather(*(converse(n) for n in range(100)))
            await driver.aclose()
            for socket in server.sockets:
                await socket.wait_closed()
            return server.opened, len(server.asked)

    assert run(main) == (100, 300)
