"""Random numbers: a stream of their own for each purpose, so that a new one does not reshuffle the others."""

from __future__ import annotations

from enum import IntEnum

from numpy.random import PCG64, Generator, SeedSequence

from loadtester.errors import FmloadError


class Stream(IntEnum):
    """What random numbers are drawn for. Numbers are part of what a seed means: add, never renumber."""

    POISSON = 0
    MODULATION = 1
    OPENINGS = 2
    TURNS = 3
    GAPS = 4


def generator(seed: int, stream: Stream) -> Generator:
    """The generator of a stream; raises FmloadError where the seed is below 0."""
    if seed < 0:
        raise FmloadError(f"seed is {seed}", remedy="Give a seed of 0 or more.")
    return Generator(PCG64(SeedSequence([seed, stream])))
