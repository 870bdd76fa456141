"""Observers of a running run."""

from loadtester.live.progress import Lines, Observer, Quiet, Screen

__all__ = ["Lines", "Observer", "Quiet", "Screen"]
