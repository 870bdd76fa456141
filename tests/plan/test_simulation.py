"""The quota at work on a few requests whose fate can be reckoned by hand."""

from dataclasses import replace

import numpy as np
import pytest

from loadtester.plan.asked import Asked
from loadtester.plan.service import Service
from loadtester.plan.simulation import Luck, Simulation
from loadtester.scenario import Quota

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
WEIGHTY = "anthropic.claude-haiku-4-5-20251001-v1:0"


def rows(due_s, *, model=HAIKU, prompt=100, max_tokens=500, sessions=None):
    n = len(due_s)
    sessions = sessions or [str(i) for i in range(n)]
    zeros = np.zeros(n, dtype=np.int64)
    return Asked(
        queries=("greeting",),
        models=(model,),
        due_s=np.array(due_s, dtype=float),
        session=sessions,
        query=zeros,
        model=zeros,
        is_japanese=zeros > 0,
        is_bare=zeros > 0,
        is_talk=np.array([sessions.count(session) > 1 for session in sessions]),
        prompt_tokens=zeros + prompt,
        prompt_chars=zeros + 4 * prompt,
        max_tokens=zeros + max_tokens,
        wanted_tokens=zeros,
    )


def luck(n, *, output=100, rest_s=1.0):
    return Luck(np.full(n, output), np.zeros(n, dtype=bool), np.ones(n), np.full(n, rest_s), phase_s=0.0)


def course(asked, drawn=None, *, service=None, quota=None, timeout_s=30.0, weight=None):
    drawn = drawn or luck(len(asked))
    weights = None if weight is None else np.full(len(asked), weight)
    return Simulation(
        asked, drawn, service or Service(), quota or Quota(), timeout_s=timeout_s, weights=weights
    ).course()


@pytest.mark.parametrize("window", ["bucket", "minute"])
def test_what_is_reserved_counts_until_the_end_and_what_was_used_from_there(window):
    """1,200 tokens a minute: two of 100 + 500 start, the third has to wait for what the first two give back."""
    quota = Quota(1_200, None, window)
    found = course(rows([0, 0, 0.1, 5.0]), quota=quota)
    assert found.is_refused.tolist() == [False, False, True, False]
    assert found.least_free == (0.0,)
    assert found.end_s[2] == found.start_s[2] == 0.1


def test_answers_weigh_five_times_where_the_model_burns_down_so():
    """An answer of 400 tokens charges 2,000 of a weighty model's quota: the next request finds nothing left."""
    asked = rows([0, 5.0], model=WEIGHTY)
    assert course(asked, luck(2, output=400), quota=Quota(2_000, None)).is_refused.tolist() == [False, True]
    light = replace(asked, models=(HAIKU,))
    assert course(light, luck(2, output=400), quota=Quota(2_000, None)).is_refused.tolist() == [False, False]


def test_a_quota_below_one_reservation_refuses_all():
    """600 tokens don't fit into 599, however long one waits."""
    assert course(rows([0, 100, 1000]), quota=Quota(599, None)).is_refused.all()
    assert not course(rows([0, 100, 1000]), quota=Quota(600, None)).is_refused.any()


def test_requests_are_limited_too_and_a_refusal_by_tokens_costs_none():
    """Two requests a minute; what the token limit refuses is not counted as one of them."""
    assert course(rows([0, 0, 0]), quota=Quota(None, 2)).is_refused.tolist() == [False, False, True]
    found = course(rows([0, 0, 50]), quota=Quota(800, 2, "minute"))
    assert found.is_refused.tolist() == [False, True, False]


def test_an_answer_takes_its_first_token_and_the_rest():
    """Haiku: .375 s + 100 x .05 ms, then the rest; all of it scaled by the bundled target's clock."""
    assert course(rows([2.0])).end_s[0] == pytest.approx(2.0 + 0.375 + 0.005 + 1.0)
    assert course(rows([2.0]), service=Service(time_scale=0.1)).end_s[0] == pytest.approx(2.0 + 0.138)


def test_who_finds_no_slot_waits_for_one():
    """With one slot the second answer begins where the first ends."""
    found = course(rows([0, 0]), service=Service(slots=1))
    assert found.end_s[1] == pytest.approx(2 * found.end_s[0])


def test_who_waits_beyond_the_time_limit_gives_up_and_pays_for_what_was_written():
    """With one slot and 1.5 s to wait the first answer is whole, the second a part, the third none."""
    found = course(rows([0, 0, 0]), service=Service(slots=1), timeout_s=2.0)
    assert found.is_late.tolist() == [False, True, True]
    assert found.output_tokens.tolist() == [100, 24, 0]
    assert found.end_s.tolist() == pytest.approx([1.38, 2.0, 2.0])


def test_a_follow_up_waits_for_its_answer_and_brings_its_history():
    """The second turn starts when the first has ended, and carries its 100 + 100 tokens; strangers carry nothing."""
    service = Service(english_tokens=50, history_exchanges=6)
    found = course(rows([0, 0.5, 9.0], sessions=["a", "a", "b"]), service=service)
    assert found.start_s[1] == found.end_s[0]
    assert found.input_tokens.tolist() == [150, 350, 150]


def test_history_is_a_window():
    """Only so many exchanges, and only so many characters, go along."""
    asked = rows([0, 10, 20, 30], sessions=["a"] * 4)
    two = course(asked, service=Service(history_exchanges=2))
    assert two.input_tokens.tolist() == [100, 300, 500, 500]
    short = course(asked, service=Service(history_exchanges=6, history_chars=1_700))
    assert short.input_tokens.tolist() == [100, 300, 500, 500]


def test_a_refused_turn_leaves_no_history():
    """What was not answered is not remembered."""
    found = course(rows([0, 10], sessions=["a", "a"]), service=Service(history_exchanges=6), quota=Quota(599, None))
    assert found.input_tokens.tolist() == [100, 100]


def test_a_row_can_stand_for_several():
    """What rows of weight ten are admitted of is what as many single requests at their moments are."""
    due_s = np.linspace(0, 20, 10)
    heavy = course(rows(due_s.tolist()), quota=Quota(10_000, None), weight=10.0)
    light = course(rows(np.repeat(due_s, 10).tolist()), quota=Quota(10_000, None))
    assert heavy.admitted.tolist() == light.admitted.reshape(10, 10).mean(axis=1).tolist()
    assert any(0 < part < 1 for part in heavy.admitted)


def test_a_part_of_a_row_takes_that_part_of_the_limits():
    """Three of ten fit into the requests a minute; their tokens alone are held, and come back at their end."""
    found = course(rows([0, 0]), quota=Quota(6_000, 3), weight=10.0)
    assert found.admitted.tolist() == [0.3, 0.0]
    assert found.least_free == (0.7,)


def test_a_row_has_as_many_slots_as_requests():
    """Of 12 at once on 8 slots four wait for the first to end: a third of the wait in the mean."""
    found = course(rows([0]), service=Service(slots=8), weight=12.0)
    assert found.end_s[0] == pytest.approx(1.38 * (1 + 1 / 3))
    one_by_one = course(rows([0] * 12), service=Service(slots=8))
    assert found.end_s[0] == pytest.approx(one_by_one.end_s.mean())
