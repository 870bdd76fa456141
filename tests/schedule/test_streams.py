"""What a seed means does not change."""

import numpy as np
import pytest

from loadtester.errors import FmloadError
from loadtester.schedule.streams import Stream, generator


def test_numbers_of_the_streams_stay():
    """A stream keeps its number: another would give every plan of that seed other times."""
    assert {stream.name: int(stream) for stream in Stream} == {
        "POISSON": 0,
        "MODULATION": 1,
        "OPENINGS": 2,
        "TURNS": 3,
        "GAPS": 4,
    }


def test_streams_and_seeds_differ():
    """Each seed and each stream has numbers of its own, and gives them again."""
    drawn = [generator(seed, stream).random(4) for seed in (0, 1, 2**40) for stream in Stream]
    again = [generator(seed, stream).random(4) for seed in (0, 1, 2**40) for stream in Stream]
    assert np.array_equal(drawn, again)
    assert len({tuple(row) for row in np.array(drawn).tolist()}) == len(drawn)


def test_negative_seed():
    """A seed below 0 is the user's error."""
    with pytest.raises(FmloadError, match="seed is -1"):
        generator(-1, Stream.POISSON)
