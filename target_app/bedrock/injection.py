"""The fault of one request: what it does to it, and when it is on record as having happened."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import Final

from target_app.bedrock import errors
from target_app.bedrock.exchange import Exchange
from target_app.bedrock.generation import Decode
from target_app.behaviour import until_ns
from target_app.faults.draw import Faults
from target_app.faults.plan import REFUSALS, Fault, Kind

#: What a model says wrongly, as it would have said it otherwise.
SLIPS: Final = frozenset({Kind.TRUNCATED, Kind.WRONG_LANGUAGE, Kind.HALLUCINATED_TITLE})

_ERRORS: Final = MappingProxyType(
    {
        Kind.THROTTLE: errors.too_many_tokens,
        Kind.UNAVAILABLE: errors.unavailable,
        Kind.SERVER_ERROR: errors.internal,
        Kind.MODEL_TIMEOUT: errors.model_timeout,
        Kind.MODEL_NOT_READY: errors.model_not_ready,
    }
)


class Injection:
    """A request's fault, or none, carried out on its exchange."""

    def __init__(self, faults: Faults, fault: Fault | None, exchange: Exchange) -> None:
        self._faults = faults
        self._fault = fault
        self._exchange = exchange

    @property
    def kind(self) -> Kind | None:
        """What the fault is."""
        return None if self._fault is None else self._fault.kind

    async def refuse(self) -> None:
        """Raise BedrockError or reset the connection, where that is the fault; before the quota has its say."""
        fault = self._fault
        if fault is None or fault.kind not in REFUSALS:
            return
        self.record()
        await until_ns(time.monotonic_ns() + round(fault.delay_s * 1e9))
        if fault.kind is Kind.CONNECTION_RESET:
            await self._exchange.cut(is_reset=True)
        error = _ERRORS[fault.kind]()
        raise error

    async def at_start(self, decode: Decode, *, is_whole: bool) -> None:
        """Delay the first token; an answer that comes whole stalls here too, as nobody sees its middle."""
        fault = self._fault
        if fault is not None and (fault.kind is Kind.SLOW_START or (is_whole and fault.kind is Kind.STALL)):
            self.record()
            await decode.stall(fault.delay_s)

    async def at_midway(self, decode: Decode) -> None:
        """Stall, or break off with an exception (raises BedrockError) or by cutting the connection."""
        fault = self._fault
        if fault is None:
            return
        if fault.kind is Kind.STALL:
            self.record()
            await decode.stall(fault.delay_s)
        elif fault.kind is Kind.STREAM_EXCEPTION:
            self.record()
            raise errors.broken_off()
        elif fault.kind is Kind.BROKEN_STREAM:
            self.record()
            await self._exchange.cut(is_reset=False)

    def record(self) -> None:
        """Put the fault on record: from here on the request has it."""
        if self._fault is not None:
            self._exchange.entry.fault = self._fault.kind
            self._faults.record(self._fault)
