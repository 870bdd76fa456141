"""One line of requests.csv for one request: moments, outcome, tokens, money; never a prompt or an answer.

The planned token counts are a trace's; they are there whatever became of the request.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from loadtester.model import CacheLayer, Ending, Outcome, Request, Usage
from loadtester.recorder.probe import Probe
from loadtester.workload import estimate

COLUMNS = (
    "id",
    "due_ns",
    "sent_ns",
    "first_ns",
    "done_ns",
    "query",
    "model",
    "answered_by",
    "outcome",
    "detail",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "session",
    "turn",
    "worker",
    "kind",
    "finish_reason",
    "cache",
    "connect_ns",
    "chunks",
    "bytes",
    "held",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "tokens_estimated",
    "planned_input_tokens",
    "planned_output_tokens",
    "attempts",
    "degraded",
    "warmup",
)

#: Lines compressed at once: a quarter of a millisecond's work, so that no request waits for a whole second's lines.
_SLICE: Final = 256


def packed(lines: Iterable[str]) -> bytes:
    """Lines as one gzip member: a file of members can be read up to wherever it is cut."""
    return gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=1, mtime=0)


class Rows:
    """The lines of a second as gzip members, compressed slice by slice as they come."""

    __slots__ = ("_lines", "_members")

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._members: list[bytes] = []

    def add(self, line: str) -> None:
        """Take the next line, without its line end."""
        self._lines.append(line)
        if len(self._lines) == _SLICE:
            self._members.append(packed(self._lines))
            self._lines.clear()

    def take(self) -> bytes:
        """What came since the last call; nothing for no line."""
        if self._lines:
            self._members.append(packed(self._lines))
            self._lines.clear()
        taken = b"".join(self._members)
        self._members.clear()
        return taken


def row(
    request: Request,
    probe: Probe,
    ending: Ending,
    usage: Usage | None,
    usd: Decimal | None,
    worker: int,
    *,
    is_warm: bool = False,
) -> str:
    """The line, without its line end, in the order of COLUMNS; empty where there is nothing to say."""
    sent_ns, first_ns, done_ns, connect_ns = probe.sent_ns, probe.first_ns, probe.done_ns, probe.connect_ns
    asked = _asked(request.query, request.model)
    end = _end(ending.model, ending.outcome)
    if ending.detail is not None:
        end += _quoted(ending.detail)
    used = ",,," if usage is None else f"{usage.input},{usage.output},{'' if usd is None else usd},"
    cached = (
        ",,,"
        if usage is None
        else f"{usage.cache_read},{usage.cache_write},{usage.reasoning},{'1' if usage.is_estimated else '0'}"
    )
    return (
        f"{request.id},{probe.due_ns},{'' if sent_ns is None else sent_ns},{'' if first_ns is None else first_ns},"
        f"{'' if done_ns is None else done_ns},{asked}{end},{used}{_quoted(request.session)},{request.turn},{worker},"
        f"{_kind(request.kind, ending.finish_reason, ending.cache)}{'' if connect_ns is None else connect_ns},"
        f"{probe.n_chunks},{probe.n_bytes},{'1' if probe.is_held else '0'},{cached},"
        f"{estimate(request.prompt) if request.is_bare else ''},"
        f"{'' if request.want_output_tokens is None else request.want_output_tokens},"
        f"{0 if sent_ns is None else 1 + probe.retries},"
        f"{_quoted('+'.join(ending.degraded)) if ending.degraded else ''},{'1' if is_warm else '0'}"
    )


# The few texts that stand in line after line, each with the comma behind it.


@lru_cache(maxsize=1024)
def _asked(query: str, model: str) -> str:
    return f"{_quoted(query)},{_quoted(model)},"


@lru_cache(maxsize=1024)
def _end(answered_by: str | None, outcome: Outcome) -> str:
    return f"{_quoted(answered_by)},{outcome},"


@lru_cache(maxsize=1024)
def _kind(kind: str, finish_reason: str | None, cache: CacheLayer | None) -> str:
    return f"{_quoted(kind)},{_quoted(finish_reason)},{cache or ''},"


def _quoted(text: str | None) -> str:
    if text is None:
        return ""
    if text.isprintable() and " " not in text and "," not in text and '"' not in text:
        return text
    flat = " ".join(text.split())
    return '"' + flat.replace('"', '""') + '"' if "," in flat or '"' in flat else flat
