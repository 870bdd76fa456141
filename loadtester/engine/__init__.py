"""The open-loop engine of one process."""

from loadtester.engine.engine import Engine, Limits, Sink
from loadtester.engine.pacer import Pacer

__all__ = ["Engine", "Limits", "Pacer", "Sink"]
