"""Which exchanges are kept: failures of all kinds, and a sample of good ones that any number of workers agree on."""

from collections import Counter

import msgspec
import pytest

from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Interval, Keeper, KeepingProbe, chosen


def ask(number, prompt="Hello!"):
    return Request(number, "greeting", "ai", "m", prompt, f"s-{number}", 1, 10, "en")


def kept_of(endings, keep, *, worker=0, workers=1, redact=str):
    """What one worker keeps of the requests that are its own."""
    keeper = Keeper(keep, seed=1, redact=redact, worker=worker)
    for number, ending in enumerate(endings):
        if number % workers == worker:
            keeper.add(ask(number), KeepingProbe(lambda: 0, number), ending, None, None)
    return keeper.take() or ()


OK, THROTTLED = Ending(Outcome.OK), Ending(Outcome.THROTTLED, detail="429")


def test_the_sample_is_the_same_by_any_number_of_workers():
    """Half as many good ones as failing ones, the same whoever sent them."""
    endings = [OK] * 1_000
    alone = chosen(kept_of(endings, 20), 20)
    three = chosen([one for worker in range(3) for one in kept_of(endings, 20, worker=worker, workers=3)], 20)
    assert len(alone) == 10
    assert [one.id for one in three] == [one.id for one in alone]


def test_the_sample_is_uniform():
    """Each tenth of a run has its part of the sample: over 200 seeds within five standard deviations of it."""
    tenths = Counter()
    for seed in range(200):
        keeper = Keeper(20, seed=seed, redact=str)
        for number in range(500):
            keeper.add(ask(number), KeepingProbe(lambda: 0, number), OK, None, None)
        tenths.update(one.id // 50 for one in chosen(keeper.take(), 20))
    assert sum(tenths.values()) == 2_000
    assert all(abs(tenths[tenth] - 200) < 5 * (2_000 * 0.1 * 0.9) ** 0.5 for tenth in range(10))


def test_failures_are_of_many_kinds():
    """The first error does not take all the room, and the first of each outcome always has some."""
    others = [Ending(Outcome.SERVER_ERROR, detail=f"fault {number}") for number in range(50)]
    late = [Ending(Outcome.BROKEN, detail="the stream ended"), Ending(Outcome.REFUSED)]
    kept = chosen(kept_of([THROTTLED] * 500 + others + [Ending(Outcome.TIMEOUT)] * 50 + late, 20), 20)
    found = Counter(one.outcome for one in kept)
    assert found == {
        Outcome.THROTTLED: 5,
        Outcome.SERVER_ERROR: 10,
        Outcome.TIMEOUT: 5,
        Outcome.BROKEN: 1,
        Outcome.REFUSED: 1,
    }
    assert [one.id for one in kept if one.outcome is Outcome.THROTTLED] == [0, 1, 2, 3, 4]


def test_workers_together_keep_no_more_than_one():
    """What each kept for itself is cut to the bound of the run."""
    endings = [THROTTLED] * 100
    both = [one for worker in range(2) for one in kept_of(endings, 8, worker=worker, workers=2)]
    assert (len(both), len(chosen(both, 8))) == (4, 2)


@pytest.mark.parametrize("ending", [Ending(Outcome.CANCELLED)])
def test_what_the_user_stopped_is_not_kept(ending):
    """It says nothing of the target."""
    assert kept_of([ending] * 5, 20) == ()


def test_seconds_hand_them_on():
    """The exchanges of two workers' same second stand one after the other; none is nothing."""
    one, two = kept_of([THROTTLED], 4), kept_of([OK], 4)
    empty = Interval(0)
    assert Interval(0, exchanges=one).merge(Interval(0, exchanges=two)).exchanges == one + two
    assert empty.merge(empty).exchanges is None
    assert Interval(0, exchanges=one).merge(empty).exchanges == one


def test_a_keeper_forgets_what_it_handed_over():
    """Each exchange is handed over once."""
    keeper = Keeper(4, seed=1, redact=str)
    assert keeper.take() is None
    keeper.add(ask(1), KeepingProbe(lambda: 0, 0), THROTTLED, None, None)
    assert len(keeper.take()) == 1
    assert keeper.take() is None


def test_lines_are_json():
    """What is kept can be written and read back as it is."""
    (one,) = kept_of([THROTTLED], 4)
    assert msgspec.json.decode(msgspec.json.encode(one), type=type(one)) == one
