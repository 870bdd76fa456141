"""What a run holds does not grow with the number of its requests, whatever becomes of them."""

import asyncio
import gc
import json
import struct
import tracemalloc

import numpy as np
import pytest

from loadtester.engine import engine
from loadtester.schedule import Arrivals

FEW, MANY = 512, 1_536
SLOTS = 16
#: Less than a Python object and the place where it is kept; what was measured is a fixed 50 KB, and 7 bytes of plan.
BYTES_A_REQUEST = 64

DONE = json.dumps({
    "request_id": None, "session_id": "s", "model": "m", "finish_reason": "end_turn", "answer": "Yes.", "type": "done",
    "usage": {"input_tokens": 3, "output_tokens": 5, "cache_read_tokens": 0, "cache_write_tokens": 0},
}).encode()  # fmt: skip
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(DONE), DONE)
EVENTS = b'event: delta\ndata: {"text": "Yes."}\n\nevent: done\ndata: %b\n\n' % DONE
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(EVENTS), EVENTS)
FRAME = b"\x81\x7e" + struct.pack(">H", len(DONE)) + DONE
REDIRECT = b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /{number}\r\n\r\n"
THROTTLED = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"
GARBAGE = b"what is that\r\n\r\n"

SHUT = {"nobody": "rest", "nobody, ws": "ws"}
#: What is to hold no memory: the doors that requests go by, in turn, and what the server does with each.
MIXES = {
    "good": (("rest", (WHOLE,)), ("sse", (STREAM,)), ("ws", (FRAME,))),
    "turned away": (("rest", (REDIRECT,)), ("sse", (THROTTLED,)), ("nobody", ()), ("nobody, ws", ())),
    "broken": (
        ("rest", ("reset",)), ("sse", (STREAM[:-9], "reset")), ("ws", (FRAME[:-9], "reset")),
        ("rest", (GARBAGE, "hang")), ("sse", (STREAM[:-9] + GARBAGE, "hang")), ("ws", (b"\xf1\x00", "close")),
    ),
}  # fmt: skip


class Gate:
    """Stands in for the pacer: a row is launched when a slot is free, so that a slow machine holds no more."""

    def __init__(self, due_ns, launch, _zero_ns):
        self._n, self._launch = len(due_ns), launch
        self.next_row = 0
        self.finished = asyncio.Event()

    def start(self):
        for _ in range(SLOTS):
            self.free()

    def stop(self):
        self.finished.set()

    def free(self):
        """A slot is free once this turn of the loop is over."""
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self):
        if self.next_row == self._n:
            self.stop()
        else:
            self.next_row += 1
            self._launch(self.next_row - 1)


@pytest.fixture
def held(drive, hostile_server, nobody, monkeypatch):
    """Runs `n` requests of a mix; gives the bytes then held, and how many objects only the collector could free."""

    def measure(mix, n):
        gates, found = [], []

        def gate(*told):
            gates.append(Gate(*told))
            return gates[-1]

        def look():
            found.append(tracemalloc.get_traced_memory()[0] - began)
            found.append(gc.collect())

        monkeypatch.setattr(engine, "Pacer", gate)
        ids = np.arange(n)
        arrivals = Arrivals(ids, np.zeros(n, np.int64), ids, np.ones(n, np.int32), 1.0)
        with hostile_server([script for _, script in mix]) as server:
            targets = {
                door: {
                    "target.url": f"http://127.0.0.1:{nobody if door in SHUT else server.ports[0]}",
                    "target.protocol": SHUT.get(door, door),
                }
                for door, _ in mix
            }
            gc.collect()
            began = tracemalloc.get_traced_memory()[0]
            drive(
                targets, lambda number: mix[number % len(mix)][0], arrivals, 30, lambda _interval, _rows: None,
                tell=lambda: gates[0].free(),  # noqa: PLW0108  there is no gate yet
                at_rest=look, opens_ahead=False,
            )  # fmt: skip
        return found

    return measure


@pytest.mark.parametrize("drive", ["uvloop"], indirect=True)
@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
def test_three_times_the_requests_hold_no_more_memory(mix, held):
    """When a request is recorded its memory is given back, without the collector, which a run keeps quiet."""
    gc.disable()
    tracemalloc.start()
    try:
        held(mix, MANY)
        held(mix, FEW)
        few, few_garbage = held(mix, FEW)
        many, many_garbage = held(mix, MANY)
    finally:
        tracemalloc.stop()
        gc.enable()
    assert many_garbage - few_garbage < (MANY - FEW) // 100
    assert many - few < BYTES_A_REQUEST * (MANY - FEW)
