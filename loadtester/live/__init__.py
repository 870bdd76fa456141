"""Observers of a running run. Those that draw it or send it somewhere are in modules of their own."""

from loadtester.live.observer import Observer, Quiet, Together, Watcher
from loadtester.live.relay import Relay
from loadtester.live.traced import traced

__all__ = ["Observer", "Quiet", "Relay", "Together", "Watcher", "traced"]
