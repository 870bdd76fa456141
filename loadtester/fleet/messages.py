"""What a fleet and its workers say to each other over a pipe: length-prefixed pickles between our own processes."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass
from struct import Struct

from loadtester.engine import Books
from loadtester.errors import Exit
from loadtester.fleet.shard import Shard
from loadtester.recorder import Interval
from loadtester.scenario import Scenario, Target

_LENGTH = Struct(">I")


@dataclass(frozen=True, slots=True)
class Job:
    """A worker's share: this shard of the scenario's plan, at this target."""

    scenario: Scenario
    target: Target
    shard: Shard


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has its plan and its first connections, and waits for the start."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The worker could not begin: the parts of a FmloadError."""

    message: str
    remedy: str
    code: Exit


@dataclass(frozen=True, slots=True)
class Start:
    """Time 0 of the plan, on time.perf_counter_ns, which all processes of a machine share."""

    zero_ns: int


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a worker's recording; `halted` says why once it met a bound of the run, and stopped itself."""

    interval: Interval
    rows: bytes
    halted: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Send nothing more; `is_now` cancels what is in flight too."""

    is_now: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The worker's share has its outcomes; `elapsed_s` until its last answer. `said` is what the user should hear."""

    elapsed_s: float
    books: Books
    said: tuple[str, ...] = ()


Message = Job | Ready | Refused | Start | Second | Stop | Ended


def frame(message: Message) -> bytes:
    """The message as it goes over the pipe."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """The next message, or None when the other side has gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        message: Message = pickle.loads(await reader.readexactly(length))  # noqa: S301  from our own process
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return message
