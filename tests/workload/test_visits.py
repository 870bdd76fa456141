"""What a user asks and how long they think follows from the seed, the user and the question's number alone."""

from collections import Counter
from itertools import islice, pairwise
from statistics import fmean, median

import pytest

from loadtester.errors import FmloadError
from loadtester.scenario.mix import PRODUCTION
from loadtester.scenario.scenario import QueryType, ThinkTime
from loadtester.schedule.conversations import TURNS_MEAN
from loadtester.workload import Visits, mean_think_s
from loadtester.workload.draw import bits
from loadtester.workload.visits import think_ns

TEN = ThinkTime("lognormal", 10.0)


def visits(seed=1, think_time=TEN):
    return Visits(PRODUCTION, think_time, max_tokens=100, seed=seed)


def asked(made, user, n=50, first_id=0):
    """The user's first `n` requests."""
    return [made.request(step, first_id + k) for k, step in enumerate(islice(made.of(user), n))]


def test_the_same_seed_asks_the_same_whatever_the_order():
    """Users asked for in turns, late or alone have the same steps; only the numbers of their requests differ."""
    made = visits()
    one, two = made.of(1), made.of(2)
    in_turns = [(next(one), next(two)) for _ in range(40)]
    assert [step for step, _ in in_turns] == list(islice(visits().of(1), 40))
    assert [step for _, step in in_turns] == list(islice(visits().of(2), 40))
    early, late = asked(visits(), 3), asked(visits(), 3, first_id=1000)
    assert [(one.prompt, one.query, one.session, one.turn) for one in early] == [
        (one.prompt, one.query, one.session, one.turn) for one in late
    ]
    assert [one.id for one in late] == list(range(1000, 1050))


def test_users_and_seeds_differ():
    """Two users, or one under two seeds, don't ask the same sequence of questions nor think as long."""
    prompts = [
        tuple(one.prompt for one in asked(made, user)) for made, user in ((visits(), 0), (visits(), 1), (visits(2), 0))
    ]
    assert len(set(prompts)) == 3
    thoughts = [tuple(step.think_ns for step in islice(visits().of(user), 9)) for user in range(20)]
    assert len(set(thoughts)) == 20


def test_conversations_follow_each_other():
    """Turns count up from 1 to the last, then a new session begins at 1; no two conversations share a session."""
    steps = [step for user in range(5) for step in islice(visits().of(user), 200)]
    for before, after in pairwise(steps):
        if after.n != before.n + 1:
            continue  # the next user
        if before.is_last:
            assert (after.turn, after.session != before.session) == (1, True)
        else:
            assert (after.turn, after.session) == (before.turn + 1, before.session)
    opened = Counter(step.session for step in steps if step.turn == 1)
    assert set(opened.values()) == {1}
    assert len({step.n for step in steps}) == len(steps)


def test_conversations_are_as_long_as_real_ones():
    """The mean length is that of the calibrated model."""
    steps = [step for user in range(20) for step in islice(visits().of(user), 1000)]
    assert len(steps) / sum(step.is_last for step in steps) == pytest.approx(TURNS_MEAN, rel=0.03)


@pytest.mark.parametrize("think_time", [TEN, ThinkTime("exponential", 10.0), ThinkTime("constant", 10.0)])
def test_think_times_are_distributed_as_said(think_time):
    """A lognormal has its median, an exponential and a constant their mean, and each the mean that is told."""
    drawn = [think_ns(think_time, bits(7, n)) / 1e9 for n in range(20_000)]
    middle = fmean if think_time.distribution == "exponential" else median
    assert middle(drawn) == pytest.approx(10.0, rel=0.03)
    assert fmean(drawn) == pytest.approx(mean_think_s(think_time), rel=0.03)
    assert min(drawn) >= 0


@pytest.mark.parametrize("distribution", ["lognormal", "exponential", "constant"])
@pytest.mark.parametrize("drawn", [0, 2**64 - 1])
def test_the_ends_of_the_draw_are_finite(distribution, drawn):
    """The least and the largest 64 bits make a time, not an error; no time at all stays none."""
    assert think_ns(ThinkTime(distribution, 1.0), drawn) >= 0
    assert think_ns(ThinkTime(distribution, 0.0), drawn) == 0


MIXED = (
    QueryType("browse", 0.6, "", kind="crud", prompts=("GET /p",)),
    QueryType("cart", 0.2, "", kind="crud", prompts=("GET /c",)),
    QueryType("greeting", 0.2, "haiku"),
)


def mixed(ai_users):
    return Visits(MIXED, TEN, max_tokens=100, seed=1, ai_users=ai_users)


def test_only_so_many_users_ask_models():
    """Three users in ten do, always the same ones; all together ask as the mix has it."""
    made = mixed(0.3)
    by_user = [Counter(one.query for one in asked(made, user, 400)) for user in range(20)]
    assert [user for user, queries in enumerate(by_user) if queries["greeting"]] == [3, 6, 9, 13, 16, 19]
    whole = sum(by_user, Counter())
    assert whole["greeting"] / whole.total() == pytest.approx(0.2, abs=0.02)
    assert whole["browse"] / whole["cart"] == pytest.approx(3, rel=0.1)


def test_all_or_none_ask_models():
    """By default every user may; where nothing in the mix asks a model, no user has to."""
    assert all(Counter(one.kind for one in asked(mixed(1.0), user, 60))["ai"] for user in range(5))
    plain = Visits(MIXED[:2], TEN, max_tokens=100, seed=1, ai_users=0.0)
    assert {one.kind for one in asked(plain, 3)} == {"crud"}


@pytest.mark.parametrize("ai_users", [0.0, 0.1])
def test_too_few_users_for_the_mix(ai_users):
    """One user in ten can't make a fifth of the requests."""
    with pytest.raises(FmloadError, match="can't make 20% of the requests"):
        mixed(ai_users)
