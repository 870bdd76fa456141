"""What may be sent, and what is booked for it."""

import asyncio
from decimal import Decimal

import pytest

from loadtester.cost.budget import Budget, Ledger
from loadtester.engine import Backoff, Books, Guard
from loadtester.model import Ending, Outcome, Request, Usage
from loadtester.recorder import Probe

CENT = Decimal("0.01")
USAGE = Usage(input=1, output=1)


def request(number=0, model="m"):
    return Request(
        id=number, query="q", kind="ai", model=model, prompt="p", session="s", turn=1, max_tokens=1, language="en"
    )  # fmt: skip


def price(model, usage):
    return CENT * usage.output if model == "m" else None


class Driver:
    """Ends as told, or never."""

    def __init__(self, *endings):
        self._endings = list(endings)

    async def send(self, _request, probe):
        probe.sent()
        if not self._endings:
            await asyncio.Event().wait()
        return self._endings.pop(0)


def booked(*endings, cancel=False, model="m", backoff=None):
    """The books after one request with a worst case of three cents."""

    async def main():
        guard = Guard(
            Driver(*endings),
            price=price,
            budget=Budget(10 * CENT, lambda _: 3 * CENT),
            backoff=Backoff(seed=1, max_attempts=3, limit_s=60.0) if backoff else None,
        )
        assert guard.admits(request(model=model))
        task = asyncio.create_task(guard.send(request(model=model), Probe(lambda: 0, 0)))
        await asyncio.sleep(0)
        if cancel:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return guard.books().ledger

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("ending", "spent", "assumed"),
    [
        (Ending(Outcome.OK, usage=USAGE), 1, 0),
        (Ending(Outcome.OK, usage=Usage(0, 0), model="", cache="exact"), 0, 0),
        (Ending(Outcome.THROTTLED), 0, 0),
        (Ending(Outcome.UNAVAILABLE), 0, 0),
        (Ending(Outcome.REFUSED), 0, 0),
        (Ending(Outcome.CLIENT_ERROR), 0, 0),
        (Ending(Outcome.THROTTLED, usage=USAGE), 1, 0),
        (Ending(Outcome.OK), 0, 3),
        (Ending(Outcome.OK, usage=Usage(1, 1, is_estimated=True)), 0, 3),
        (Ending(Outcome.OK, usage=USAGE, model="without a price"), 0, 3),
        (Ending(Outcome.OK, usage=USAGE, also_used=(("m", USAGE),)), 2, 0),
        (Ending(Outcome.FILTERED, usage=Usage(0, 0), also_used=(("m", USAGE), ("m", USAGE))), 2, 0),
        (Ending(Outcome.OK, usage=USAGE, also_used=(("without a price", USAGE),)), 0, 3),
        (Ending(Outcome.BROKEN), 0, 3),
        (Ending(Outcome.SERVER_ERROR), 0, 3),
    ],
)
def test_a_bill_is_what_is_known_or_else_the_worst(ending, spent, assumed):
    """Reported usage at its price; nothing for what was turned away; all that was set aside where nobody says."""
    assert booked(ending) == Ledger(
        10 * CENT, spent_usd=spent * CENT, assumed_usd=assumed * CENT, assumed=int(assumed > 0)
    )


@pytest.mark.parametrize("outcome", [Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.CLIENT_ERROR])
def test_an_answer_that_had_begun_is_taken_to_have_cost_its_worst(outcome):
    """A refusal in the middle of an answer comes after the model has worked."""

    class Begun(Driver):
        async def send(self, request, probe):
            probe.sent()
            probe.chunk(1, "a")
            return await super().send(request, probe)

    async def main():
        guard = Guard(Begun(Ending(outcome)), price=price, budget=Budget(10 * CENT, lambda _: 3 * CENT))
        assert guard.admits(request())
        await guard.send(request(), Probe(lambda: 0, 0))
        return guard.books().ledger

    assert asyncio.run(main()).assumed_usd == 3 * CENT


def test_a_request_cancelled_in_flight_is_taken_to_have_cost_its_worst():
    """The model may have gone on without us."""
    assert booked(cancel=True).assumed_usd == 3 * CENT


def test_plain_requests_cost_nothing():
    """What asks no model is not on the bill, whatever became of it."""
    assert booked(Ending(Outcome.BROKEN), model="") == Ledger(10 * CENT)


def test_all_attempts_of_a_request_have_one_reservation():
    """Throttled attempts cost nothing; the answer does."""
    again = Ending(Outcome.THROTTLED, retry_after_s=0.0)
    assert booked(again, again, Ending(Outcome.OK, usage=USAGE), backoff=True) == Ledger(10 * CENT, spent_usd=CENT)


def test_the_first_requests_of_the_run_are_let_through():
    """By number, so that every worker knows by itself; what is refused closes nothing for those before it."""
    guard = Guard(Driver(), price=price, max_requests=2)
    assert [guard.admits(request(number)) for number in (0, 5, 1, 2)] == [True, False, True, False]
    assert guard.books() == Books("stopped by --max-requests 2")


def test_once_the_money_is_set_aside_nothing_more_is_let_through():
    """Also nothing cheap, which would have room: a run stops once."""
    guard = Guard(Driver(), price=price, budget=Budget(4 * CENT, lambda one: CENT * (3 - one.id)))
    assert [guard.admits(request(number)) for number in (0, 1, 2)] == [True, False, False]
    assert guard.books().halted == "stopped before --max-cost could be passed"


def test_books_of_workers_add_up():
    """The first reason stands; a worker without a budget has none to add."""
    ledger = Ledger(CENT, spent_usd=CENT)
    both = Books(None, ledger).merge(Books("full", ledger))
    assert both == Books("full", Ledger(2 * CENT, spent_usd=2 * CENT))
    assert Books().merge(Books()) == Books()
    assert Books().merge(both) == both.merge(Books()) == both
