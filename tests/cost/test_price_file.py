"""The user's price file: faults all at once, and a wrong unit does not go unnoticed."""

from decimal import Decimal

import pytest

from loadtester.cost.price_file import price_file, unit_warnings
from loadtester.errors import Exit, FmloadError
from loadtester.scenario.mix import HAIKU, SONNET


def _write(tmp_path, text):
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("head", ["", "prices:\n  "])
def test_read(tmp_path, head):
    """Models with their prices, exactly as written, also under `prices:`."""
    path = _write(tmp_path, f"{head}mine: {{input: 0.1, output: $3, cache_read: 0.01}}\n")
    assert price_file(path) == {"mine": {"input": Decimal("0.1"), "output": Decimal(3), "cache_read": Decimal("0.01")}}


def test_all_faults_at_once(tmp_path):
    """Negative, absurd, unreadable and unknown prices are all named."""
    path = _write(tmp_path, "a: {input: -1, output: 20000}\nb: {input: cheap, outputs: 1}\nc: 3\n")
    with pytest.raises(FmloadError) as caught:
        price_file(path)
    for text in ("a.input", "a.output is $20,000", "b.input is 'cheap'", "b.outputs is not", "c is no mapping"):
        assert text in caught.value.message
    assert caught.value.code is Exit.INPUT


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [\n", "prices: 3\n"])
def test_no_price_file_at_all(tmp_path, text):
    """What is no mapping of models is an error, not an empty table."""
    with pytest.raises(FmloadError):
        price_file(_write(tmp_path, text))


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("0.003", "1,000 times below"), ("3000", "1,000 times above"), ("0.000003", "below"), ("2.5", None), ("30", None)],
)
def test_a_wrong_unit_is_warned_of(stated, expected, tariff):
    """USD per 1K tokens (or per token) where 1M is meant is a thousand times off; a discount is not."""
    warnings = unit_warnings({SONNET: {"input": Decimal(stated)}}, tariff.prices)
    assert [expected in text for text in warnings] == ([True] if expected else [])


def test_nothing_to_compare_with(tariff):
    """A model of one's own, and a price of 0, draw no warning."""
    own = {"mine": {"input": Decimal(9)}, HAIKU: {"input": Decimal(0)}}
    assert unit_warnings(own, tariff.prices) == ()
