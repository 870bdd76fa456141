"""Keeps Python's garbage collector from interrupting a run, within a bound."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: Containers that may pile up before the collector looks at them, and only at them: about 100 MB of garbage at worst.
#: A request leaves none behind, as nothing on its way refers to itself; what is in flight is far less than this.
_GUARD: Final = 500_000


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Within it the collector runs only when `_GUARD` more objects were made than freed, never for what was before.

    By default it runs every 700 objects, and every so often over the whole heap, which holds up every request due.
    """
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GUARD, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
