"""What a fault does to a store of the app."""

from __future__ import annotations

import asyncio

from target_app.faults.draw import Call, Faults
from target_app.faults.plan import Kind, StoreName
from target_app.stores.errors import StoreError


async def befall(faults: Faults, store: StoreName, request_id: str | None = None) -> None:
    """Let one use of `store` have its fault, if it has one: a wait, or after it StoreError. Counted as injected."""
    fault = faults.draw(Call(request_id=request_id, store=store))
    if fault is None:
        return
    faults.record(fault)
    await asyncio.sleep(fault.delay_s)
    if fault.kind is Kind.STORE_DOWN:
        raise StoreError(store, "down, as the plan of faults has it")
