"""A target whose truth is known: it does what it is told to, and writes down what it did, when, for each request.

It shares no code with loadtester. Times are time.perf_counter_ns, which on one machine is one clock for all processes.
`python truth_server.py '{"service_s": 0.1, ...}' LOG` prints its port, and ends when its stdin is closed.
"""

import asyncio
import json
import sys
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha1, sha256
from pathlib import Path

import uvloop

MODEL = "truth-1"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_JSON = b"content-type: application/json\r\n"


@dataclass(frozen=True)
class Script:
    """What the target does: how long it takes, and when it stands still.

    With `chunks`, an answer comes in so many, the first after `ttft_s` and the others `gap_s` apart; else whole, after
    `service_s`. From `stall_at_s` after the first chat on, the whole process stands still for `stall_s`, or, with
    `is_door`, only lets nobody new in. More than `quota_per_s` chats in a second of its clock are refused.
    """

    service_s: float = 0.0
    chunks: int = 0
    ttft_s: float = 0.0
    gap_s: float = 0.0
    stall_at_s: float | None = None
    stall_s: float = 0.0
    is_door: bool = False
    quota_per_s: int | None = None


class Target:
    """The script, its quota and its log."""

    def __init__(self, script, log):
        self.script = script
        self.log = log
        self.loop = asyncio.get_running_loop()
        self.second = (0, 0)
        self.started = False
        self.door = asyncio.Event()
        self.door.set()

    def begin(self):
        """The first chat came: from now on the stall is due."""
        if not self.started and self.script.stall_at_s is not None:
            self.loop.call_later(self.script.stall_at_s, self.stall)
        self.started = True

    def stall(self):
        """Stand still, or shut the door for as long."""
        began_ns = time.perf_counter_ns()
        if self.script.is_door:
            self.door.clear()
            self.loop.call_later(self.script.stall_s, self.open_door, began_ns)
        else:
            time.sleep(self.script.stall_s)
            self.write(stall_ns=[began_ns, time.perf_counter_ns()])

    def open_door(self, began_ns):
        """Let those in who waited."""
        self.door.set()
        self.write(stall_ns=[began_ns, time.perf_counter_ns()])

    def is_over_quota(self):
        """Count this chat; is it one too many for this second?"""
        if self.script.quota_per_s is None:
            return False
        second = time.perf_counter_ns() // 1_000_000_000
        count = self.second[1] + 1 if self.second[0] == second else 1
        self.second = (second, count)
        return count > self.script.quota_per_s

    def write(self, **entry):
        """One line of the log."""
        self.log.write(json.dumps(entry) + "\n")


class Chat:
    """One request and its answer: `say` sends a piece, `close` the end, each as the protocol has it."""

    def __init__(self, target, arrived_ns, body, say, close):
        self.target, self.say, self.close = target, say, close
        self.asked = json.loads(body)
        self.entry = {
            "request_id": self.asked["request_id"],
            "arrived_ns": arrived_ns,
            "asked": sha256(body).hexdigest(),
            "chunks_ns": [],
        }
        target.begin()
        self.arrived_s = target.loop.time()
        script = target.script
        if target.is_over_quota():
            self.end({"error": {"code": "throttled", "message": "over the quota"}}, "throttled")
        elif script.chunks:
            self.later(script.ttft_s, self.chunk, 0)
        else:
            self.later(script.service_s, self.whole)

    def later(self, after_s, what, *args):
        """Call at a time after the arrival, however late the call before it was."""
        self.target.loop.call_at(self.arrived_s + after_s, what, *args)

    def whole(self):
        """The only piece."""
        self.done("the truth")

    def chunk(self, number):
        """A piece, and in time the next."""
        script = self.target.script
        self.entry["chunks_ns"].append(time.perf_counter_ns())
        self.say(f"word{number} ")
        after_s = script.ttft_s + (number + 1) * script.gap_s
        if number + 1 < script.chunks:
            self.later(after_s, self.chunk, number + 1)
        else:
            self.later(after_s, self.done, None)

    def done(self, answer):
        """The end, with its tokens: odd numbers that follow from the request's own."""
        number = int(self.asked["request_id"].partition("-")[2])
        usage = {
            "input_tokens": 101 + 7 * number,
            "output_tokens": 11 + number % 13,
            "cache_read_tokens": number % 5,
            "cache_write_tokens": number % 3,
        }
        self.entry["usage"] = usage
        end = {
            "request_id": self.asked["request_id"],
            "session_id": self.asked["session_id"],
            "model": MODEL,
            "finish_reason": "end_turn",
            "usage": usage,
        }
        self.end(end if answer is None else {**end, "answer": answer}, "ok")

    def end(self, message, outcome):
        """Stamp, answer, and only then write it down."""
        self.entry["replied_ns"] = time.perf_counter_ns()
        self.close(message, outcome)
        self.target.write(**self.entry, outcome=outcome)


class Connection(asyncio.Protocol):
    """As much HTTP/1.1 and WebSocket as chats need: one request at a time, sized bodies, masked text frames."""

    def __init__(self, target):
        self.target = target
        self.buffer = b""
        self.transport = None
        self.is_websocket = False
        self.has_head = False
        self.upgrade = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        arrived_ns = time.perf_counter_ns()
        self.buffer += data
        while self.take_frame(arrived_ns) if self.is_websocket else self.take_request(arrived_ns):
            pass

    def take_request(self, arrived_ns):
        head, blank, rest = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return False
        line, *fields = head.split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(b":") for field in fields)}
        length = int(headers.get(b"content-length", 0))
        if len(rest) < length:
            return False
        body, self.buffer = rest[:length], rest[length:]
        path = line.split()[1]
        if b"upgrade" in headers:
            self.is_websocket = True
            self.upgrade = self.target.loop.create_task(self.let_in(headers[b"sec-websocket-key"]))
        elif path == b"/v1/chat/stream":
            self.has_head = False
            Chat(self.target, arrived_ns, body, self.say_event, self.close_events)
        elif path == b"/v1/chat":
            Chat(self.target, arrived_ns, body, None, self.answer)
        else:
            self.transport.write(b"HTTP/1.1 200 OK\r\n%bcontent-length: 2\r\n\r\n{}" % _JSON)
        return True

    def answer(self, message, outcome):
        body = json.dumps(message).encode()
        status = b"200 OK" if outcome == "ok" else b"429 Too Many Requests"
        self.transport.write(b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, _JSON, len(body), body))

    def say_event(self, text):
        self.send_chunk(b"event: delta\ndata: %b\n\n" % json.dumps({"text": text}).encode())

    def close_events(self, message, outcome):
        if outcome != "ok":
            self.answer(message, outcome)
            return
        self.send_chunk(b"event: done\ndata: %b\n\n" % json.dumps(message).encode(), b"0\r\n\r\n")

    def send_chunk(self, event, last=b""):
        head = b""
        if not self.has_head:
            self.has_head = True
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        self.transport.write(b"%b%x\r\n%b\r\n%b" % (head, len(event), event, last))

    async def let_in(self, key):
        await self.target.door.wait()
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-accept: %b\r\n\r\n" % accept
        )

    def take_frame(self, arrived_ns):
        if len(self.buffer) < 2:
            return False
        kind, length, at = self.buffer[0] & 15, self.buffer[1] & 127, 2
        if length > 125:
            at = 4 if length == 126 else 10
            length = int.from_bytes(self.buffer[2:at])
        if len(self.buffer) < at + 4 + length:
            return False
        mask, masked = self.buffer[at : at + 4], self.buffer[at + 4 : at + 4 + length]
        self.buffer = self.buffer[at + 4 + length :]
        body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
        if kind == 1:
            asked = json.loads(body)
            Chat(self.target, arrived_ns, body, lambda text: self.say_delta(asked, text), self.close_turn(asked))
        elif kind == 8:
            self.send_frame(8, body)
            self.transport.close()
        elif kind == 9:
            self.send_frame(10, body)
        return True

    def say_delta(self, asked, text):
        self.send_frame(1, json.dumps({"type": "delta", "request_id": asked["request_id"], "text": text}).encode())

    def close_turn(self, asked):
        def close(message, outcome):
            whole = {"type": "done" if outcome == "ok" else "error", "request_id": asked["request_id"], **message}
            self.send_frame(1, json.dumps(whole).encode())

        return close

    def send_frame(self, kind, body):
        length = bytes([len(body)]) if len(body) < 126 else b"\x7e" + len(body).to_bytes(2)
        self.transport.write(bytes([0x80 | kind]) + length + body)


async def serve(script, log):
    """Serve until stdin is closed."""
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()
    target = Target(script, log)
    server = await loop.create_server(lambda: Connection(target), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()

    def wait_for_the_end():
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    await closed.wait()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("w", encoding="utf-8", buffering=1 << 20) as lines:
        uvloop.run(serve(Script(**json.loads(sys.argv[1])), lines))
