"""An open WebSocket as the driver sees it, whichever library it runs on."""

from __future__ import annotations

import asyncio
from typing import Protocol

from loadtester.drivers.contract import Probe
from loadtester.model import Ending


class Line(Protocol):
    """Carries one exchange at a time, and is never used again after a fault; `gone` is done once it is closed."""

    @property
    def gone(self) -> asyncio.Future[None]:
        """Done once the socket is closed."""

    @property
    def is_open(self) -> bool:
        """Whether it can carry another exchange."""

    @property
    def is_idle_race(self) -> bool:
        """Whether the server closed as idle connections are closed, before a byte of the last answer came."""

    async def ask(self, request_id: str, message: bytes, probe: Probe) -> Ending:
        """Send one message and wait for the end of its answer. When cancelled, the connection is cut."""

    def close(self) -> None:
        """Say goodbye and hang up."""
