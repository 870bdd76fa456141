"""The lifeline: the end of a pipe is noticed, and a process that won't end is ended."""

import os
import subprocess
import sys
import threading

from target_app import lifeline

LIMIT_S = 20.0
STUCK = """
import threading
from target_app import lifeline
lifeline.hold(0, lambda: print("let go", flush=True), grace_s=0.05)
threading.Event().wait()
"""


def test_held_until_the_pipe_is_closed():
    """What comes through the pipe doesn't matter, only its end does."""
    read, write = os.pipe()
    let_go = threading.Event()
    thread = lifeline.hold(read, let_go.set, grace_s=1e6)
    os.write(write, b"still here")
    assert thread.is_alive()
    assert not let_go.is_set()
    os.close(write)
    assert let_go.wait(LIMIT_S)


def test_a_stuck_process_is_ended():
    """A process that doesn't end by itself after it was let go ends with 1."""
    done = subprocess.run(
        [sys.executable, "-c", STUCK], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=LIMIT_S, check=False
    )
    assert (done.returncode, done.stdout) == (1, b"let go\n")


def test_what_cannot_be_read_does_not_hold():
    """A descriptor that isn't open lets go at once, for there is no parent behind it."""
    read, write = os.pipe()
    os.close(write)
    os.close(read)
    let_go = threading.Event()
    lifeline.hold(read, let_go.set, grace_s=1e6)
    assert let_go.wait(LIMIT_S)
