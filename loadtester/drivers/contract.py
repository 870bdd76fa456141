"""What every driver is, and the probe it reports to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from loadtester.model import Ending, Request


class Probe(Protocol):
    """Where a driver reports moments as they happen; the probe holds the clock.

    All calls are made on the event loop's thread, straight from the protocol's callback, so that one
    definition of each moment holds for every protocol. What it knows, in ns on the run's clock, is for those
    who wrap a driver.
    """

    @property
    def launched_ns(self) -> int:
        """When the engine gave the request to the driver."""

    @property
    def first_ns(self) -> int | None:
        """When the first content of its latest attempt came; None before."""

    @property
    def retries(self) -> int:
        """How often it was sent again."""

    def sent(self) -> None:
        """Mark the first byte of the request as handed to the transport; only the first call counts."""

    def chunk(self, n_bytes: int, text: str) -> None:
        """Mark the arrival of answer content: `n_bytes` of it on the wire, decoded as `text`.

        Called once for each piece of *content* (not for heads, roles, usage, pings or empty deltas).
        The first call is the first-token moment, neighbours give the inter-chunk gaps.
        """

    def chunks(self, n_bytes: int, texts: Sequence[str]) -> None:
        """Mark the arrival of pieces of content that one read brought: at the same moment, with no gap between."""

    def connected(self, duration_ns: int) -> None:
        """Record that a connection was opened for this request, in `duration_ns` (TCP + TLS + upgrade)."""

    def reconnected(self) -> None:
        """Record that it was opened in the place of one that the conversation had lost."""


class Driver(Protocol):
    """One protocol's way to send a request and judge its answer. Drivers do not retry, time or count.

    `opens_ahead` says whether `prepare` has anything to do: where connections belong to conversations.
    """

    @property
    def opens_ahead(self) -> bool:
        """Whether `prepare` is to be called for each conversation."""

    async def check(self) -> None:
        """Prove, before any load, that the target is there and takes the credentials.

        Raises FmloadError with code 113 where not. Sends nothing that costs money.
        """

    async def prepare(self, request: Request) -> None:
        """Get ready for a conversation's first request, `LEAD_S` ahead of its due time.

        A driver that holds a connection per conversation opens it here; others do nothing. Never
        raises: a failure shows when the request is sent.
        """

    async def send(self, request: Request, probe: Probe) -> Ending:
        """Send one request and return how it ended, with every failure of the target or the wire as an Ending.

        Raises only CancelledError (the connection is then closed, never reused). The caller sets the
        time limit with asyncio.timeout, so drivers keep none of their own but for connecting.
        """

    async def finish(self, request: Request) -> None:
        """Let go of what the conversation held; called once, after its last planned turn has ended."""

    async def aclose(self) -> None:
        """Close every connection; called once, after the last send has ended."""


#: How long before a conversation's first due time `prepare` is called, in seconds.
LEAD_S = 1.0
