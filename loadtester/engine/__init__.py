"""The engines of one process: open-loop, where requests are due, and closed, where users wait for answers."""

from loadtester.engine.closed import ClosedEngine
from loadtester.engine.engine import Engine, Limits, Sink
from loadtester.engine.pacer import Pacer

#: What runs one process's share.
AnyEngine = Engine | ClosedEngine

__all__ = ["AnyEngine", "ClosedEngine", "Engine", "Limits", "Pacer", "Sink"]
