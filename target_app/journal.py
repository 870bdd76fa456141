"""The service's own account of what it did: one NDJSON line a chat message, written when it ends."""

from __future__ import annotations

from typing import TextIO

import msgspec

from target_app.chat import Fault, Spent


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one chat message; times by time.monotonic_ns, None where it didn't come to it.

    `outcome` is "ok", a code of the API or "client_gone"; `first_ns` is when the first piece of text was handed
    to a streaming transport; `model` is the one that answered, or was to. The last five are those of chat.Done, and
    `validation` has all that was found on the way to the answer; they are left out where there is nothing to say.
    """

    request_id: str | None
    session_id: str | None
    transport: str
    outcome: str
    arrived_ns: int
    first_ns: int | None
    ended_ns: int
    model: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache: str | None = None
    degraded: tuple[str, ...] = ()
    validation: tuple[Fault, ...] = ()
    repair: str | None = None
    also_used: tuple[Spent, ...] = ()


class Journal:
    """Writes lines to `file`, which its owner opened line by line and closes; without one, nowhere."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file
        self._encoder = msgspec.json.Encoder()

    def write(self, line: Line) -> None:
        """Add a line."""
        if self._file is not None:
            self._file.write(self._encoder.encode(line).decode() + "\n")
