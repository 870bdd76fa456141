"""The tie to the parent process: when it is gone, however it ended, this process ends too."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

#: How long the process has to end by itself before it is ended.
GRACE_S: Final = 5.0

_CHUNK_BYTES: Final = 4096


def hold(descriptor: int, let_go: Callable[[], None], *, grace_s: float = GRACE_S) -> threading.Thread:
    """Call `let_go` at the end of file of `descriptor`, the read end of a pipe whose write end the parent holds.

    The kernel closes the parent's end even when it is killed. A thread waits in a blocking read, which costs nothing
    and works for pipes, terminals and files alike; `let_go` is called in that thread. A process that has not ended
    `grace_s` seconds later ends with exit code 1, as nobody is left who could end it.
    """
    thread = threading.Thread(target=_wait, args=(descriptor, let_go, grace_s), name="lifeline", daemon=True)
    thread.start()
    return thread


def _wait(descriptor: int, let_go: Callable[[], None], grace_s: float) -> None:
    try:
        while os.read(descriptor, _CHUNK_BYTES):
            pass
    except OSError:
        pass  # a descriptor that can't be read holds nothing either
    let_go()
    time.sleep(grace_s)
    os._exit(1)
