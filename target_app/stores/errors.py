"""What a store raises when it can't do its work."""

from __future__ import annotations


class StoreError(Exception):
    """A store that is down, too slow or broken: `store` names it (sessions, products, carts, cache, vectors).

    Its message says what happened, never with which credentials. Whoever asks degrades: an answer without a cache,
    without history, without sources is still an answer.
    """

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"{store}: {reason}")
        self.store = store
        self.reason = reason
