"""Keeps a run's first failing exchanges and a sample of the good ones, redacted as they end."""

from __future__ import annotations

from bisect import insort
from decimal import Decimal
from typing import Final

from loadtester.model import Ending, Outcome, Request, Usage
from loadtester.recorder.exchanges import Bounds, Exchange
from loadtester.recorder.keeping_probe import MOST_CHARS, KeepingProbe
from loadtester.scenario.personal import Redact, unfinished
from loadtester.workload.draw import bits, stream

#: What is kept of a text, in bytes of UTF-8.
MOST_BYTES: Final = 4_096
#: The end of a text that was cut before it was redacted may be a part of a secret, of no longer than this.
_EDGE_CHARS: Final = 2_048
#: The seed's stream of draws; workloads have the streams up to 6, retries the next.
_DRAWS: Final = 8


class Keeper:
    """One shard's kept exchanges; not thread-safe, owned by its recorder. `take` hands over what came since the last.

    It holds no text that is not redacted, but for the answers that are still coming.
    """

    def __init__(self, keep: int, *, seed: int, redact: Redact, worker: int = 0) -> None:
        self._bounds = Bounds(keep)
        self._key = stream(seed, _DRAWS)
        self._redact = redact
        self._worker = worker
        #: The lowest draws of good exchanges so far, sorted.
        self._lowest: list[int] = []
        self._kept: list[Exchange] = []

    def add(
        self, request: Request, probe: KeepingProbe, ending: Ending, usage: Usage | None, usd: Decimal | None
    ) -> None:
        """Keep a request that has ended, if it is one to keep; what the user stopped is none."""
        outcome = ending.outcome
        draw = bits(self._key, request.id)
        if outcome is Outcome.OK:
            if len(self._lowest) == self._bounds.good and draw >= self._lowest[-1]:
                return
            insort(self._lowest, draw)
            del self._lowest[self._bounds.good :]
        elif outcome is Outcome.CANCELLED or not self._bounds.has_room(outcome, ending.detail):
            return
        answer = self._shown(probe.text, probe.ascii_chars + probe.other_chars)
        self._kept.append(
            Exchange(
                id=request.id,
                query=request.query,
                kind=request.kind,
                model=request.model,
                answered_by=ending.model,
                session=request.session,
                turn=request.turn,
                worker=self._worker,
                due_ns=probe.due_ns,
                sent_ns=probe.sent_ns,
                first_ns=probe.first_ns,
                done_ns=probe.done_ns,
                outcome=outcome,
                detail=self._said(ending.detail),
                finish_reason=self._said(ending.finish_reason),
                retries=probe.retries,
                usage=usage,
                usd=usd,
                prompt=self._shown(request.prompt, len(request.prompt)),
                prompt_chars=len(request.prompt),
                answer=answer if outcome is Outcome.OK else unfinished(answer),
                answer_chars=probe.ascii_chars + probe.other_chars,
                draw=draw,
            )
        )

    def take(self) -> tuple[Exchange, ...] | None:
        """What was kept since the last call; None for nothing."""
        if not self._kept:
            return None
        taken, self._kept = tuple(self._kept), []
        return taken

    def _said(self, text: str | None) -> str | None:
        return None if text is None else self._redact(text)

    def _shown(self, text: str, n_chars: int) -> str:
        """The text redacted, and only then cut: a cut through a secret would hide it from the patterns."""
        shown = self._redact(text[:MOST_CHARS])
        if n_chars > MOST_CHARS:
            shown = shown[:-_EDGE_CHARS]
        return shown.encode("utf-8", "replace")[:MOST_BYTES].decode("utf-8", "ignore")
