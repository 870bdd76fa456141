"""target_app.gateway.backoff: waits grow, are drawn evenly, and have an end."""

import random
import statistics

import pytest

from target_app.gateway.backoff import BackoffSettings, delay_s

SETTINGS = BackoffSettings(retries=6, base_s=0.5, cap_s=4.0)


def test_off_by_default():
    """Nothing is retried unless somebody says so."""
    assert delay_s(BackoffSettings(), 0, None, random.Random(1)) is None


def test_as_many_retries_as_set():
    """After the last retry there is no further wait."""
    waits = [delay_s(SETTINGS, n, None, random.Random(1)) for n in range(7)]
    assert [wait is None for wait in waits] == [False] * 6 + [True]


@pytest.mark.parametrize(("n_retried", "most_s"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 4.0), (5, 4.0)])
def test_full_jitter_under_a_doubling_bound(n_retried, most_s):
    """The n-th wait is even on [0, min(cap, base x 2^n)]: its mean is half of that, its reach all of it."""
    rng = random.Random(7)
    draws = [delay_s(SETTINGS, n_retried, None, rng) for _ in range(2_000)]
    assert 0 <= min(draws) < most_s * 0.01
    assert most_s * 0.99 < max(draws) <= most_s
    assert statistics.mean(draws) == pytest.approx(most_s / 2, rel=0.05)


def test_same_seed_same_waits():
    """The waits are the generator's."""
    one, other = random.Random(3), random.Random(3)
    assert [delay_s(SETTINGS, n, None, one) for n in range(6)] == [delay_s(SETTINGS, n, None, other) for n in range(6)]


def test_what_the_model_asks_for_comes_on_top():
    """Retry-After in seconds is the least wait; above the cap, nothing is retried."""
    assert 3 <= delay_s(SETTINGS, 0, "3", random.Random(1)) <= 3.5
    assert delay_s(SETTINGS, 0, "5", random.Random(1)) is None


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "٣", ""])
def test_a_header_that_is_no_whole_number_is_not_read(header):
    """A date or nonsense leaves the jitter alone."""
    assert delay_s(SETTINGS, 0, header, random.Random(1)) == delay_s(SETTINGS, 0, None, random.Random(1))
