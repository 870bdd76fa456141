"""A budget's cap can't be passed by anything in flight, as long as nothing costs more than its worst case."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from loadtester.cost.budget import Budget, Ledger, share_of
from loadtester.model import Request

CENT = Decimal("0.01")
usd = st.decimals(0, 100, places=6)


def request(number):
    return Request(
        id=number, query="q", kind="ai", model="m", prompt="p", session="s", turn=1, max_tokens=1, language="en"
    )  # fmt: skip


#: Of each request its worst case, the part of it that it costs (None: nobody says), and how many launches it stays in
#: flight for.
requests = st.lists(
    st.tuples(usd, st.none() | st.integers(0, 100), st.integers(0, 8)),
    max_size=40,
)


@given(cap=usd, asked=requests)
def test_the_bill_never_passes_the_cap(cap, asked):
    """Whatever prices, usages and orders: spent and assumed stay within the cap, at every moment."""
    budget = Budget(cap, lambda one: asked[one.id][0])
    due = []

    def settle(number):
        worst, part, _ = asked[number]
        budget.settle(number, None if part is None else worst * part / 100)
        ledger = budget.ledger()
        assert ledger.spent_usd + ledger.assumed_usd <= cap
        assert ledger.over_usd == ledger.underestimated == 0

    for number, (_, _, stays) in enumerate(asked):
        if budget.reserve(request(number)):
            due.append((number + stays, number))
        for late in sorted(one for one in due if one[0] <= number):
            due.remove(late)
            settle(late[1])
    for _, number in due:
        settle(number)


@given(cap=usd, worst=st.decimals("0.01", 1, places=4), excess=st.decimals(1, 20, places=3), at_once=st.integers(1, 8))
def test_an_overshoot_is_bounded_by_what_was_in_flight(cap, worst, excess, at_once):
    """Where requests cost more than their worst case, what was in flight when it was found is all that is over."""
    budget = Budget(cap, lambda _: worst)
    number = 0
    while True:
        launched = []
        while len(launched) < at_once and budget.reserve(request(number)):
            launched.append(number)
            number += 1
        if not launched:
            break
        for one in launched:
            budget.settle(one, worst * excess)
    ledger = budget.ledger()
    assert ledger.over_usd <= at_once * worst * (excess - 1)
    assert (ledger.underestimated > 0) == (excess > 1 and number > 0)


def test_what_is_in_flight_counts_at_its_worst():
    """Three cents hold three requests of a cent; a fourth has room when one of them turns out to be free."""
    budget = Budget(3 * CENT, lambda _: CENT)
    assert [budget.reserve(request(number)) for number in range(4)] == [True, True, True, False]
    budget.settle(1, Decimal(0))
    assert budget.reserve(request(4))
    assert not budget.reserve(request(5))


def test_what_costs_nothing_is_always_let_through():
    """Plain requests go on when the money is gone."""
    budget = Budget(Decimal(0), lambda one: CENT * (one.id % 2))
    assert budget.reserve(request(0))
    assert not budget.reserve(request(1))


def test_an_unknown_bill_takes_what_was_set_aside():
    """A request that nobody knows the usage of is taken to have cost its worst case, and is counted."""
    budget = Budget(2 * CENT, lambda _: CENT)
    budget.reserve(request(0))
    budget.settle(0, None)
    assert budget.ledger() == Ledger(2 * CENT, assumed_usd=CENT, assumed=1)


def test_a_low_worst_case_is_found_out():
    """One request at three times its worst case makes every other count three times, also those in flight."""
    budget = Budget(8 * CENT, lambda _: CENT)
    budget.reserve(request(0))
    budget.reserve(request(1))
    budget.settle(0, 3 * CENT)
    assert [budget.reserve(request(number)) for number in (2, 3)] == [False, False]
    budget.settle(1, CENT)
    assert budget.reserve(request(4))
    assert budget.ledger() == Ledger(8 * CENT, spent_usd=4 * CENT, underestimated=1)


@given(cap=usd, parts=st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any))
def test_shares_are_never_more_than_the_cap(cap, parts):
    """What workers get of a cap adds up to it, but for a millionth each that rounding takes."""
    shares = sum(share_of(cap, part, sum(parts)) for part in parts)
    assert cap - len(parts) * Decimal("0.000001") <= shares <= cap


@given(st.lists(st.builds(Ledger, usd, usd, usd, st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=3))
def test_ledgers_add_up_in_any_order(ledgers):
    """The books of workers are merged by addition."""
    first, second, third = ledgers
    assert first.merge(second).merge(third) == third.merge(first.merge(second))
    assert first.merge(second).spent_usd == first.spent_usd + second.spent_usd
