"""What is to be told once, whoever finds it first."""

from __future__ import annotations

from threading import Lock

from loadtester.live.observer import Say


class Once:
    """Tells the first thing that any thread has to say, and nothing after it."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._is_told = Lock()

    def say(self, text: str) -> None:
        """Tell it, if nothing was told yet."""
        # One thread gets the lock; nobody gives it back.
        if self._is_told.acquire(blocking=False):
            self._say(text)
