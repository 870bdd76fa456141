"""The emulator's own account of every request, one JSON object a line: the truth that measurements are held against."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TextIO

import msgspec

from target_app.faults.plan import Kind

Outcome = Literal["ok", "throttled", "invalid", "client_gone", "error"]


class Entry(msgspec.Struct):
    """One request. Times are of the monotonic clock, in ns; null is "it did not come to that".

    `first_ns` is when the answer's first content was handed to the socket, `output_tokens` what was decoded until then
    or until the client went away. `reserved` is what the call asked the quota for: held if it was not throttled.
    `input_tokens` are those that the prompt cache had no part in. `fault` is the one that was injected, if any was.
    """

    id: str
    request_id: str | None
    operation: str
    model: str
    arrived_ns: int
    first_ns: int | None = None
    ended_ns: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    max_tokens: int | None = None
    reserved: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    outcome: Outcome | None = None
    stop_reason: str | None = None
    status: int | None = None
    fault: Kind | None = None


class Log:
    """Counts entries by outcome, and writes them to `file`, if there is one; it stays its opener's to close."""

    def __init__(self, file: TextIO | None) -> None:
        self.outcomes: Counter[str] = Counter()
        self._file = file
        self._encoder = msgspec.json.Encoder()

    def write(self, entry: Entry) -> None:
        """Write one line, and let it go at once: a killed emulator loses none."""
        self.outcomes[entry.outcome or "error"] += 1
        if self._file is not None:
            self._file.write(self._encoder.encode(entry).decode() + "\n")
            self._file.flush()
