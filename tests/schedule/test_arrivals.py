"""Shards partition a plan and keep conversations whole."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtester.schedule import plan

PROPERTY = settings(deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


def planned(pattern, requests, seed, duration_s=60.0):
    return plan(
        pattern,
        rate_per_s=1.0,
        duration_s=duration_s,
        requests=requests,
        arrivals="poisson",
        stages=[],
        seed=seed,
    )


@PROPERTY
@given(st.sampled_from(["spike", "production"]), st.integers(0, 2000), st.integers(1, 9), st.integers(0, 2**32))
def test_shards_are_the_plan(pattern, requests, count, seed):
    """Put together in order of id, the shards are the plan, and no conversation is in two of them."""
    whole = planned(pattern, requests, seed)
    shards = [whole.shard(index, count) for index in range(count)]
    ids = np.concatenate([shard.id for shard in shards])
    order = np.argsort(ids)
    assert np.array_equal(ids[order], whole.id)
    for column in ("due_ns", "session", "turn"):
        assert np.array_equal(
            np.concatenate([getattr(shard, column) for shard in shards])[order], getattr(whole, column)
        )
    sessions = [set(shard.session.tolist()) for shard in shards]
    assert sum(map(len, sessions)) == len(set().union(*sessions))
    assert all((np.diff(shard.due_ns) >= 0).all() for shard in shards)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_of_single_requests_are_striped(count):
    """Where each request is its own conversation, shard i takes the arrivals i modulo N."""
    whole = planned("sustained", 100, 1)
    for index in range(count):
        assert whole.shard(index, count).id.tolist() == list(range(index, 100, count))


def test_shards_share_the_load():
    """Conversations spread evenly enough that no shard of four has over 30 % of the turns."""
    whole = planned("production", 20_000, 5, duration_s=600.0)
    assert max(len(whole.shard(index, 4)) for index in range(4)) < 6000
