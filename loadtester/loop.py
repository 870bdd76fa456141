"""The event loop that load runs on: uvloop where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from importlib.metadata import version
from typing import Any, TypeVar

T = TypeVar("T")

try:
    import uvloop
except ImportError:  # Windows, PyPy
    LOOP = "asyncio"
    _new_loop = asyncio.new_event_loop
else:
    LOOP = f"uvloop {version('uvloop')}"
    _new_loop = uvloop.new_event_loop


def on_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(work)
