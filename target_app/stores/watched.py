"""Any store, with the faults of a plan injected and each failure noted for the chat message it was met by.

A store that failed is left alone for a moment: a client takes seconds to find out that its server is gone, and one
answer waits for that, not each.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from target_app.faults.draw import Call, Faults
from target_app.faults.plan import Kind
from target_app.stores.errors import StoreError

S = TypeVar("S")

#: How long a store that failed is left alone, and how often then one caller tries it.
REST_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Notes:
    """What befell the stores that one chat message used: those that failed, and the kinds of faults injected."""

    failed: set[str] = field(default_factory=set)
    kinds: set[Kind] = field(default_factory=set)


_noted: ContextVar[_Notes | None] = ContextVar("what befell the stores", default=None)


@contextmanager
def noting() -> Iterator[set[str]]:
    """The names of the watched stores that fail inside the `with`, in this task and those it starts."""
    notes = _Notes()
    token = _noted.set(notes)
    try:
        yield notes.failed
    finally:
        _noted.reset(token)


def watched(store: S, name: str, faults: Faults, clock: Callable[[], float] = time.monotonic) -> S:
    """`store`, watched under `name`; what it does stays what it was. `check` always asks the store, without faults."""
    return cast("S", _Watched(store, name, faults, clock))


class _Watched:
    """Stands in front of a store; a method is wrapped when it is first asked for."""

    def __init__(self, store: object, name: str, faults: Faults, clock: Callable[[], float]) -> None:
        self._store = store
        self._name = name
        self._faults = faults
        self._clock = clock
        self._resting_until_s: float | None = None  # None while it is up

    def __getattr__(self, attribute: str) -> Any:
        act = getattr(self._store, attribute)
        if attribute != "aclose" and inspect.iscoroutinefunction(act):
            is_check = attribute == "check"
            act = self._wrapped(self._guarded(act, is_asked_always=is_check), may_befall=not is_check)
            setattr(self, attribute, act)
        return act

    def _wrapped(self, act: Callable[..., Awaitable[Any]], *, may_befall: bool) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*args: Any, **named: Any) -> Any:
            try:
                if may_befall and self._faults.plan.faults:
                    await self._befall()
                return await act(*args, **named)
            except StoreError:
                notes = _noted.get()
                if notes is not None:
                    notes.failed.add(self._name)
                raise

        return wrapped

    def _guarded(self, act: Callable[..., Awaitable[Any]], *, is_asked_always: bool) -> Callable[..., Awaitable[Any]]:
        async def guarded(*args: Any, **named: Any) -> Any:
            if self._resting_until_s is not None and not is_asked_always:
                if self._clock() < self._resting_until_s:
                    raise StoreError(self._name, "left alone, as it has just failed")
                self._rest()  # for all others; this one tries
            try:
                result = await act(*args, **named)
            except StoreError:
                self._rest()
                raise
            self._resting_until_s = None
            return result

        return guarded

    def _rest(self) -> None:
        self._resting_until_s = self._clock() + REST_S

    async def _befall(self) -> None:
        fault = self._faults.draw(Call(store=self._name))
        if fault is None:
            return
        notes = _noted.get()
        self._faults.record(fault, is_new_message=notes is not None and fault.kind not in notes.kinds)
        if notes is not None:
            notes.kinds.add(fault.kind)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.kind is Kind.STORE_DOWN:
            raise StoreError(self._name, "down, as the plan of faults has it")
