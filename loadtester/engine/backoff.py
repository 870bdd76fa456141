"""When a throttled request is tried again: after Retry-After, or exponential backoff with full jitter.

Full jitter, a uniform wait from nothing to the ceiling, spreads the retries of a crowd that was refused at the same
moment: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import asyncio
from typing import Final

from loadtester.drivers import Driver
from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Probe
from loadtester.workload.draw import bits, fraction, stream

#: The ceiling of the first wait and of any, in seconds: those of the AWS SDKs' standard mode.
_BASE_S: Final = 1.0
_MOST_S: Final = 20.0
#: The seed's stream of waits; workloads have the streams up to 6.
_WAITS: Final = 7
#: Attempts of one request have their draws beside each other.
_ATTEMPT_BITS: Final = 8


class Backoff:
    """Sends throttled requests again, each at most `max_attempts` times and never past `limit_s` from its launch.

    The waits follow from seed, request and attempt alone. Nothing is tried again once `stop` was called.
    """

    def __init__(self, *, seed: int, max_attempts: int, limit_s: float, base_s: float = _BASE_S) -> None:
        self._key = stream(seed, _WAITS)
        self._max_attempts = max_attempts
        self._limit_s = limit_s
        self._base_s = base_s
        self._stopped = asyncio.Event()

    async def send(self, driver: Driver, request: Request, probe: Probe) -> Ending:
        """How the last attempt ended; the probe has the moments of the last, and when the first had ended."""
        loop = asyncio.get_running_loop()
        over_s = loop.time() + self._limit_s
        ending = await driver.send(request, probe)
        probe.attempted(is_ok=ending.outcome is Outcome.OK)
        for attempt in range(1, self._max_attempts):
            if ending.outcome is not Outcome.THROTTLED:
                break
            wait_s = self.wait_s(request, attempt, ending.retry_after_s)
            if loop.time() + wait_s >= over_s or not await self._is_rested(wait_s):
                break
            probe.again()
            ending = await driver.send(request, probe)
        return ending

    def wait_s(self, request: Request, attempt: int, retry_after_s: float | None) -> float:
        """Seconds to wait after attempt number `attempt`, from 1: what the target asked for, else a draw."""
        if retry_after_s is not None:
            return retry_after_s
        drawn = fraction(bits(self._key, (request.id << _ATTEMPT_BITS) + attempt))
        return drawn * min(_MOST_S, self._base_s * 2.0 ** (attempt - 1))

    def stop(self) -> None:
        """Try nothing again; who waits ends as throttled."""
        self._stopped.set()

    async def _is_rested(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                await self._stopped.wait()
        except TimeoutError:
            return not self._stopped.is_set()
        return False
