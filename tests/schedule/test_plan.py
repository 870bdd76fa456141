"""A plan has exactly the requests of its curve, in order, inside the run, and the same ones each time."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtester.errors import Exit, FmloadError
from loadtester.schedule import Arrivals, Stretch, plan
from loadtester.schedule.plan import REQUESTS_MAX

PROPERTY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
OVER_RATE = {"sustained": 1.0, "ramp": 0.5, "burst": 1.0, "spike": 2.8, "production": 1.0}


@st.composite
def rates_and_lengths(draw):
    """From 1e-3/s to 1e6/s, from 10 ms to 24 h, and no more than 20,000 requests."""
    length_s = 10 ** draw(st.floats(-2, math.log10(86400)))
    most = min(6.0, math.log10(20_000 / length_s))
    return 10 ** draw(st.floats(min(-3.0, most), most)), length_s


def planned(pattern="sustained", rate_per_s=10.0, duration_s=10.0, **options):
    given_ = {"requests": None, "arrivals": "uniform", "stages": (), "seed": 1} | options
    return plan(pattern, rate_per_s=rate_per_s, duration_s=duration_s, **given_)


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("id", "due_ns", "session", "turn"))


def assert_sound(arrivals, count, duration_s):
    assert len(arrivals) == count
    assert arrivals.duration_s == duration_s
    assert [column.dtype for column in (arrivals.id, arrivals.due_ns, arrivals.session)] == [np.int64] * 3
    assert arrivals.turn.dtype == np.int32
    assert arrivals.id.tolist() == list(range(count))
    assert (np.diff(arrivals.due_ns) >= 0).all()
    assert (arrivals.due_ns >= 0).all()
    assert (arrivals.due_ns <= duration_s * 1e9).all()
    assert (arrivals.turn >= 1).all()
    assert len(arrivals.session) == len(arrivals.turn) == count
    assert arrivals.input_tokens is None
    assert arrivals.output_tokens is None


@PROPERTY
@given(st.sampled_from(sorted(OVER_RATE)), rates_and_lengths(), st.sampled_from(["uniform", "poisson"]))
def test_count_is_the_area(pattern, load, arrivals):
    """A plan has round(area) requests, whatever the pattern and however they arrive."""
    rate_per_s, duration_s = load
    made = planned(pattern, rate_per_s, duration_s, arrivals=arrivals)
    area = rate_per_s * duration_s * OVER_RATE[pattern]
    # Where the area is half a request, rounding error may fall on either side.
    counts = {round(area * (1 + error)) for error in (-1e-12, 0, 1e-12)}
    assert len(made) in counts
    assert_sound(made, len(made), duration_s)


@PROPERTY
@given(
    st.sampled_from(sorted(OVER_RATE)),
    rates_and_lengths(),
    st.integers(0, 20_000),
    st.sampled_from(["uniform", "poisson"]),
    st.integers(0, 2**63),
)
def test_requests_are_exact(pattern, load, requests, arrivals, seed):
    """A number of requests scales the rate so that there are exactly so many; the length stays."""
    rate_per_s, duration_s = load
    made = planned(pattern, rate_per_s, duration_s, requests=requests, arrivals=arrivals, seed=seed)
    assert_sound(made, requests, duration_s)


@PROPERTY
@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 100)), min_size=1, max_size=6).filter(
        lambda stages: max(rate for _, rate in stages) > 0.1
    ),
    st.one_of(st.none(), st.integers(1, 5000)),
    st.sampled_from(["uniform", "poisson"]),
)
def test_stages_have_their_own_length_and_rates(stages, requests, arrivals):
    """Staged runs last the sum of their stages and have the area of their lines, or the number asked for."""
    made = planned("stages", 0.0, 1.0, stages=stages, requests=requests, arrivals=arrivals)
    area = last = length_s = 0.0
    for width, rate in stages:
        area, last, length_s = area + width * (last + rate) / 2, rate, length_s + width
    assert len(made) in ({requests} if requests else {round(area * (1 + error)) for error in (-1e-12, 0, 1e-12)})
    assert_sound(made, len(made), length_s)


@pytest.mark.parametrize(
    ("rate_per_s", "duration_s", "count"), [(1e-3, 86400.0, 86), (1e6, 1.5, 1_500_000), (1e-3, 60.0, 0)]
)
@pytest.mark.parametrize("arrivals", ["uniform", "poisson"])
def test_extremes(rate_per_s, duration_s, count, arrivals):
    """From a request in a quarter of an hour to a million a second."""
    assert_sound(planned("sustained", rate_per_s, duration_s, arrivals=arrivals), count, duration_s)


@pytest.mark.parametrize(
    ("pattern", "arrivals"), [("ramp", "poisson"), ("stages", "poisson"), ("production", "uniform")]
)
def test_seeds(pattern, arrivals):
    """The same seed gives the same plan, another seed another."""
    first, again, other = (planned(pattern, arrivals=arrivals, stages=[(10.0, 20.0)], seed=seed) for seed in (1, 1, 2))
    assert same(first, again)
    assert not np.array_equal(first.due_ns, other.due_ns)


def test_uniform_needs_no_seed():
    """Evenly spaced arrivals are the same for each seed."""
    assert same(planned("spike", seed=1), planned("spike", seed=2))


def test_a_seed_means_the_same_in_every_version():
    """Poisson times of a seed stay what they were: a run of an older version can be made again."""
    made = planned(rate_per_s=1.0, duration_s=5.0, arrivals="poisson", seed=7)
    assert made.due_ns.tolist() == [1_126_035_950, 1_500_831_425, 3_125_477_333, 3_878_428_451, 4_486_069_005]


def test_single_requests_are_their_own_conversations():
    """Outside of production each request is a conversation of one turn."""
    made = planned("burst")
    assert made.session.tolist() == made.id.tolist()
    assert set(made.turn.tolist()) == {1}


def test_production_ignores_how_requests_arrive():
    """Production has arrivals of its own."""
    assert same(planned("production"), planned("production", arrivals="poisson"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_per_s": 0.0}, "rate is 0"),
        ({"rate_per_s": math.inf}, "rate is inf"),
        ({"rate_per_s": -1.0, "pattern": "production"}, "rate is -1"),
        ({"duration_s": 0.0}, "duration is 0"),
        ({"duration_s": math.nan}, "duration is nan"),
        ({"requests": -1}, "requests is -1"),
        ({"pattern": "stages"}, "stages last 0"),
        ({"pattern": "stages", "stages": [(0.0, 5.0)]}, "stages last 0"),
        ({"pattern": "stages", "stages": [(-1.0, 5.0), (2.0, 5.0)]}, "stages are"),
        ({"pattern": "stages", "stages": [(1.0, math.inf)]}, "stages are"),
        ({"pattern": "stages", "stages": [(1.0, 0.0)], "requests": 5}, "all rates are about 0"),
        ({"pattern": "production", "stretch": Stretch(0, 0)}, "stretch"),
        ({"pattern": "production", "stretch": Stretch(0, 169)}, "stretch"),
        ({"arrivals": "poisson", "seed": -1}, "seed is -1"),
        ({"pattern": "production", "seed": -1}, "seed is -1"),
        ({"rate_per_s": 1e6, "duration_s": 86400.0}, "86,400,000,000 requests"),
        ({"rate_per_s": 1e12, "requests": None}, "10,000,000,000,000 requests"),
        ({"rate_per_s": 1e300}, "rate is 1e"),
        ({"rate_per_s": 1e-300, "requests": 5}, "all rates are about 0"),
        ({"duration_s": 1e300}, "duration is 1e"),
        ({"pattern": "stages", "stages": [(3e7, 1.0)] * 2}, "stages last 6"),
        ({"requests": REQUESTS_MAX + 1}, "100,000,001 requests"),
    ],
)
def test_no_plan(options, message):
    """What no plan can be made of is the user's error, with a remedy, before any memory is taken."""
    with pytest.raises(FmloadError, match=message) as raised:
        planned(**options)
    assert raised.value.code == Exit.INPUT
    assert raised.value.remedy


@pytest.mark.parametrize("pattern", ["trace", "sine", ""])
def test_no_pattern(pattern):
    """An unknown pattern is wrong usage, and the known ones are named."""
    with pytest.raises(FmloadError, match="no pattern") as raised:
        planned(pattern)
    assert raised.value.code == Exit.USAGE
    assert "burst, ramp, spike, sustained, production, stages" in raised.value.remedy


def test_stretch():
    """Production lays the stretch of the week that it is given over the run: three in the morning is quiet at first."""
    night = planned("production", 10.0, 36_000.0, stretch=Stretch(3, 10))
    assert_sound(night, 360_000, 36_000.0)
    assert (night.due_ns < 7200 * 10**9).mean() < 0.05
    assert (planned("production", 10.0, 36_000.0, stretch=Stretch(14, 10)).due_ns < 7200 * 10**9).mean() > 0.15


def test_empty():
    """A plan without requests is still a plan."""
    assert isinstance(planned("production", requests=0), Arrivals)
