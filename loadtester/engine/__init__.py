"""The engines of one process: open-loop, where requests are due, and closed, where users wait for answers."""

from loadtester.engine.backoff import Backoff
from loadtester.engine.closed import ClosedEngine
from loadtester.engine.engine import Engine, Limits, Sink
from loadtester.engine.guard import Books, Guard
from loadtester.engine.pacer import Pacer

#: What runs one process's share.
AnyEngine = Engine | ClosedEngine

__all__ = ["AnyEngine", "Backoff", "Books", "ClosedEngine", "Engine", "Guard", "Limits", "Pacer", "Sink"]
