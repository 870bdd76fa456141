"""What is set aside for a request is never less than what it can cost."""

from decimal import Decimal

import pytest

from loadtester.cost import price_table
from loadtester.fleet.reservation import SAFETY_FACTOR, worst_case
from loadtester.model import Request, Usage
from loadtester.scenario import resolve

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


def request(*, prompt="x" * 400, turn=1, model=HAIKU, max_tokens=200, is_bare=False):
    return Request(
        id=0, query="q", kind="ai", model=model, prompt=prompt, session="s", turn=turn, max_tokens=max_tokens,
        language="en", is_bare=is_bare,
    )  # fmt: skip


def worst_usd(flags, asked, prices=None):
    table = price_table(prices or {})
    return worst_case(resolve(flags), table.usd)(asked)


#: USD for an input token and for an output token, where writing to a cache costs no more.
PLAIN = {HAIKU: {"input": 1, "output": 10, "cache_write": 1}}
PER_INPUT, PER_OUTPUT = Decimal("0.000001"), Decimal("0.00001")


@pytest.mark.parametrize(
    ("flags", "asked", "input_tokens"),
    [
        ({"target.url": "bedrock:us-east-1"}, request(), 100),
        ({"target.url": "https://x.test", "quota.prompt_tokens": 300}, request(), 400),
        ({"target.url": "https://x.test", "quota.prompt_tokens": 300}, request(is_bare=True), 100),
        ({}, request(), 100 + 337),
        ({}, request(turn=3), 100 + 337 + 2 * (100 + 200)),
        ({}, request(turn=100), 100 + 337 + 6 * (100 + 200)),
        ({}, request(turn=100, max_tokens=10**6), 100 + 337 + 12_000),
    ],
)
def test_the_longest_prompt_and_the_longest_answer(flags, asked, input_tokens):
    """The question, what the service adds, the exchanges before, each at its longest; and max_tokens of answer."""
    expected = PER_INPUT * Decimal(str(input_tokens * SAFETY_FACTOR)).to_integral_value("ROUND_CEILING")
    assert worst_usd(flags, asked, PLAIN) == expected + PER_OUTPUT * asked.max_tokens


def test_a_prompt_may_be_written_to_a_cache():
    """Where that costs more than reading it, it is what is set aside."""
    dear = {HAIKU: {"input": 1, "output": 10, "cache_write": 4}}
    flags = {"target.url": "bedrock:us-east-1"}
    assert worst_usd(flags, request(), dear) == 4 * 150 * PER_INPUT + 200 * PER_OUTPUT


def test_plain_requests_need_nothing():
    """What asks no model costs nothing."""
    assert worst_usd({}, request(model="")) == 0


def test_it_is_over_the_published_price_of_what_is_asked():
    """With the published prices, too."""
    asked = request()
    assert worst_usd({}, asked) > price_table({}).usd(HAIKU, Usage(100, 200))
