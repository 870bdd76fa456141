"""Requests follow from seed, mix and plan alone; shards together ask what the whole plan asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from loadtester.errors import FmloadError
from loadtester.scenario.mix import HAIKU, PRODUCTION, SONNET
from loadtester.scenario.scenario import QueryType
from loadtester.schedule.arrivals import Arrivals
from loadtester.workload import Workload, estimate

REPEATABLE = settings(derandomize=True, deadline=None)


def arrivals(n, *, turns=1, tokens=None):
    """`n` arrivals in conversations of `turns`, whose turns are spread over the plan."""
    conversations = -(-n // turns)
    index = np.arange(n)
    return Arrivals(
        id=index,
        due_ns=index * 1_000_000,
        session=index % conversations,
        turn=(index // conversations + 1).astype(np.int32),
        duration_s=n / 1_000,
        input_tokens=None if tokens is None else np.array(tokens[0], dtype=np.int64),
        output_tokens=None if tokens is None or tokens[1] is None else np.array(tokens[1], dtype=np.int64),
    )


def requests(plan, mix=PRODUCTION, *, max_tokens=1024, seed=1):
    """All requests of a plan."""
    workload = Workload(plan, mix, max_tokens=max_tokens, seed=seed)
    return [workload.request(row) for row in range(len(plan))]


@REPEATABLE
@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 4), st.integers(-(2**70), 2**70))
def test_shards_ask_what_the_plan_asks(n, count, turns, seed):
    """For any number of shards, each request of each shard equals the whole plan's request of that id."""
    plan = arrivals(n, turns=turns)
    whole = {request.id: request for request in requests(plan, seed=seed)}
    shards = [request for i in range(count) for request in requests(plan.shard(i, count), seed=seed)]
    assert sorted(whole) == sorted(request.id for request in shards)
    assert all(whole[request.id] == request for request in shards)


def test_an_unplanned_request_asks_what_a_planned_one_would():
    """Asked for by number, a request has the words of the row with that id, and the rest as given."""
    workload = Workload(arrivals(20), PRODUCTION, max_tokens=9, seed=3)
    for n in range(20):
        planned = workload.request(n)
        asked = workload.ask(n, request_id=7, session="s", turn=2)
        assert asked == structs.replace(planned, id=7, session="s", turn=2)


def test_traces_shard_too():
    """A replayed trace keeps each request's lengths and text in every shard."""
    plan = arrivals(50, tokens=(range(1, 51), range(50)))
    whole = requests(plan)
    assert [whole[request.id] for request in requests(plan.shard(1, 3))] == requests(plan.shard(1, 3))


def test_seeds():
    """The same seed asks the same; another seed asks something else of the same plan."""
    plan = arrivals(200)
    assert requests(plan, seed=4) == requests(plan, seed=4)
    one, other = requests(plan, seed=4), requests(plan, seed=5)
    assert [request.query for request in one] != [request.query for request in other]


def test_asking_again_gives_the_same():
    """A request may be made any number of times, in any order."""
    workload = Workload(arrivals(30), PRODUCTION, max_tokens=10, seed=1)
    there = [workload.request(row) for row in range(30)]
    back = [workload.request(row) for row in reversed(range(30))]
    assert there == back[::-1]


def test_fields():
    """Each request carries its place, its conversation, its type's model and kind, and the scenario's max_tokens."""
    mix = [QueryType("q", 1, "m-1", kind="other", prompts=("Hello {volume}",))]
    plan = arrivals(6, turns=2).shard(1, 3)
    first, second = requests(plan, mix, max_tokens=77, seed=9)
    assert (first.id, second.id) == (1, 4)
    assert first.session == second.session == "s-9-1"
    assert (first.turn, second.turn) == (1, 2)
    assert (first.query, first.kind, first.model, first.language) == ("q", "other", "m-1", "en")
    assert (first.max_tokens, first.want_output_tokens, first.is_bare) == (77, None, False)
    assert type(first.id) is int
    assert type(first.turn) is int


def test_shares():
    """Over 20,000 requests every type comes as often as its share, to within 1 %; so does the Japanese part."""
    asked = requests(arrivals(20_000))
    counts = Counter(request.query for request in asked)
    for query in PRODUCTION:
        assert counts[query.name] / len(asked) == pytest.approx(query.share, abs=0.01)
    mixed = [request for request in asked if request.query != "japanese_query"]
    assert sum(request.language == "ja" for request in mixed) / len(mixed) == pytest.approx(0.30, abs=0.02)
    assert {request.language for request in asked if request.query == "japanese_query"} == {"ja"}


def test_shares_need_not_add_up():
    """Shares are relative; a type with none is never asked."""
    mix = [
        QueryType("a", 0, "m", prompts=("a",)),
        QueryType("b", 3, "m", prompts=("b",)),
        QueryType("c", 1, "m", prompts=("c",)),
    ]
    counts = Counter(request.query for request in requests(arrivals(8_000), mix))
    assert counts["a"] == 0
    assert counts["b"] / 8_000 == pytest.approx(0.75, abs=0.03)


def test_prompts_are_equally_likely():
    """Own prompts come up uniformly, whatever their language."""
    mix = [QueryType("q", 1, "m", prompts=("one", "two", "三", "four"))]
    counts = Counter(request.prompt for request in requests(arrivals(8_000), mix))
    assert set(counts) == {"one", "two", "三", "four"}
    assert all(count / 8_000 == pytest.approx(0.25, abs=0.03) for count in counts.values())


def test_a_type_does_not_change_another():
    """The models of a mix may be swapped (`--model`) without changing a word of what is asked."""
    plan = arrivals(300)
    swapped = [replace(query, model="other") for query in PRODUCTION]
    asked, again = requests(plan), requests(plan, swapped)
    assert {request.model for request in again} == {"other"}
    assert {request.model for request in asked} == {SONNET, HAIKU}
    assert [(one.query, one.prompt) for one in asked] == [(one.query, one.prompt) for one in again]


def test_exact_repeats_are_as_frequent_as_in_real_traffic():
    """In as many requests as the chatbot trace has (7,106), about as many repeat an earlier one (11.5 %)."""
    prompts = Counter(request.prompt for request in requests(arrivals(7_106)))
    assert 1 - len(prompts) / 7_106 == pytest.approx(0.115, abs=0.015)


def test_nobody_asks_for_another_ones_order():
    """Questions about an order are next to never the same."""
    asked = [request.prompt for request in requests(arrivals(20_000)) if request.query == "order_status"]
    assert len(set(asked)) / len(asked) > 0.995


def test_popular_questions_have_a_head():
    """The first popular question is asked several times as often as the eighth: ln 2 against ln(9/8)."""
    mix = [QueryType("price_check", 1, "m", language="en")]
    top = [count for _, count in Counter(request.prompt for request in requests(arrivals(30_000), mix)).most_common(8)]
    assert top[0] > 3 * top[7] > 0


def test_trace():
    """A replayed request is bare, exactly as long as the trace says, and may answer as long as the trace says."""
    plan = arrivals(4, tokens=([1, 17, 1_024, 14_050], [7, 500, 2_183, 0]))
    asked = requests(plan, max_tokens=1_024)
    assert [estimate(request.prompt) for request in asked] == [1, 17, 1_024, 14_050]
    assert [request.want_output_tokens for request in asked] == [7, 500, 2_183, 1]
    assert [request.max_tokens for request in asked] == [1_024, 1_024, 2_183, 1_024]
    assert all(request.is_bare for request in asked)


def test_trace_keeps_the_mix():
    """A trace's requests are of the same types, models and languages as a generated plan's."""
    n = 500
    replayed = requests(arrivals(n, tokens=(range(1, n + 1), None)))
    generated = requests(arrivals(n))
    assert [(one.query, one.model, one.language) for one in replayed] == [
        (one.query, one.model, one.language) for one in generated
    ]
    assert {request.want_output_tokens for request in replayed} == {None}


@REPEATABLE
@given(st.lists(st.integers(0, 6), max_size=40))
def test_last_turns(sessions):
    """Each conversation has one last turn: the one with the highest number, though due times may tie."""
    seen = Counter()
    turns = []
    for session in sessions:
        seen[session] += 1
        turns.append(seen[session])
    n = len(sessions)
    plan = Arrivals(
        id=np.arange(n),
        due_ns=np.zeros(n, dtype=np.int64),
        session=np.array(sessions, dtype=np.int64),
        turn=np.array(turns, dtype=np.int32),
        duration_s=1.0,
    )
    workload = Workload(plan, PRODUCTION, max_tokens=1, seed=1)
    assert [workload.is_last_turn(row) for row in range(n)] == [
        turn == seen[session] for session, turn in zip(sessions, turns, strict=True)
    ]


@pytest.mark.parametrize("shares", [(), (0.0, 0.0), (1.0, -0.5), (float("nan"), 1.0)])
def test_a_mix_with_nothing_to_draw(shares):
    """No types, only zero shares, or a negative one: the user's mistake, said before anything is sent."""
    mix = [QueryType(f"q{i}", share, "m", prompts=("x",)) for i, share in enumerate(shares)]
    with pytest.raises(FmloadError, match="mix"):
        Workload(arrivals(1), mix, max_tokens=1, seed=1)
