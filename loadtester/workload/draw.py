"""Counter-based randomness: the draw for request n depends on the seed and on n alone, never on what was drawn before.

SplitMix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MASK: Final = (1 << 64) - 1
_GAMMA: Final = 0x9E3779B97F4A7C15
#: Multiplier and increment of Knuth's MMIX (The Art of Computer Programming, volume 2, 3.3.4).
_STEP: Final = 6364136223846793005
_INCREMENT: Final = 1442695040888963407


def bits(key: int, n: int) -> int:
    """The `n`-th 64-bit output of the SplitMix64 stream that starts at `key`."""
    z = (key + n * _GAMMA) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def bits_of(key: int, ns: NDArray[np.int64]) -> NDArray[np.uint64]:
    """`bits` of many numbers at once, shape (n,)."""
    z = np.uint64(key) + ns.astype(np.uint64) * np.uint64(_GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def stream(seed: int, number: int) -> int:
    """The key of one of a seed's independent streams; any integer is a seed."""
    return bits(bits(seed & _MASK, 1), number + 1)


def fraction(drawn: int) -> float:
    """A uniform number in [0, 1) from 64 drawn bits."""
    return (drawn >> 11) * 2.0**-53


def fractions(drawn: NDArray[np.uint64]) -> NDArray[np.float64]:
    """`fraction` of many at once, shape (n,)."""
    return (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53


def pick(slots: Sequence[Sequence[str]], drawn: int) -> tuple[str, ...]:
    """One choice from each of `slots`, uniformly, from 64 drawn bits; they never run out, however many slots."""
    picked = []
    for choices in slots:
        drawn = (drawn * _STEP + _INCREMENT) & _MASK
        picked.append(choices[(drawn >> 32) * len(choices) >> 32])
    return tuple(picked)
