"""A file of assumptions: exact where it is right, all faults where it is not."""

from decimal import Decimal

import pytest

from loadtester.cost.assumptions import assumed_basis
from loadtester.cost.bill import CACHE
from loadtester.errors import Exit, FmloadError
from loadtester.scenario.mix import HAIKU

GOOD = f"""
messages_per_day: 1_000
cache_hits: 20%
models: {{small: {{id: "{HAIKU}"}}}}
queries:
  a: {{share: 60%, model: small, tokens_in: 500, tokens_out: 200, out_sigma: 0.8}}
  b: {{share: 0.4, model: small, tokens_in: 100, tokens_out: 50, out_sigma: 0.5, is_cacheable: false}}
"""
STATED = """
stated:
  - {name: n, messages: 5, usd_each: 1, usd: 5, why: none, is_hits: true}
"""


def _basis(tmp_path, tariff, text):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    return assumed_basis(path, lambda _: tariff.prices)


def test_read(tmp_path, tariff):
    """Shares of all messages, less the cache's; percent signs and grouped digits are exact."""
    basis, _ = _basis(tmp_path, tariff, GOOD)
    assert [(line.query, line.model, line.share) for line in basis.lines] == [
        ("a", HAIKU, Decimal("0.48")),
        ("b", HAIKU, Decimal("0.32")),
        ("(any)", CACHE, Decimal("0.2")),
    ]
    assert basis.messages_per_day == 1_000
    expected = Decimal("0.48") * Decimal("0.000375") + Decimal("0.32") * Decimal("0.0000875")
    assert tariff.usd_per_message(basis.lines) == expected
    assert 0 < basis.kept(basis.lines[0], 200).cut < 1


def test_a_stated_price_per_message(tmp_path, tariff):
    """It replaces what the mean message's tokens cost, whatever they are."""
    basis, corrected = _basis(tmp_path, tariff, GOOD.replace('-v1:0"}', '-v1:0", usd_per_message: 0.01}'))
    assert abs(corrected.usd_per_message(basis.lines) - Decimal("0.008")) < Decimal("1e-20")
    assert basis.warnings == ()


@pytest.mark.parametrize(("usd", "side"), [("0.3", "above"), ("0.0000003", "below")])
def test_a_price_per_message_of_another_unit(tmp_path, tariff, usd, side):
    """200 times off what its tokens cost draws a warning, as a price file does."""
    basis, _ = _basis(tmp_path, tariff, GOOD.replace('-v1:0"}', f'-v1:0", usd_per_message: {usd}}}'))
    assert len(basis.warnings) == 1
    assert f"times {side}" in basis.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.4", "0.5", "add up to 1.1"),
        ('-v1:0"', '-v1:0", usd_per_message: -1', "models.small: usd_per_message is -1"),
        ('-v1:0"', '-v1:0", usd_per_message: 1001', "models.small: usd_per_message is 1001"),
        ('-v1:0"', '-v1:0", usd_per_message: NaN', "models.small: usd_per_message is NaN"),
        ("0.4", "-0.4", "negative"),
        ("0.4", "lots", "queries.b"),
        ("tokens_in: 500", "tokens: 500", "queries.a"),
        ("20%", "100%", "cache_hits"),
        ("out_sigma: 0.8", "out_sigma: 50", "out_sigma is 50"),
        ("tokens_in: 500", "tokens_in: 500, cached_tokens: 501", "cached_tokens"),
        ("messages_per_day", "messages", "messages"),
        ("60%", "nan", "queries.a: a share"),
        ("60%", "snan", "queries.a: a share"),
        ("20%", "nan", "cache_hits"),
        (GOOD, f"{GOOD}{STATED.replace('usd: 5', 'usd: nan')}", "stated[0]: usd is"),
        (GOOD, f"{GOOD}{STATED.replace('usd_each: 1', 'usd_each: sNaN')}", "stated[0]: usd_each is"),
        (GOOD, f"{GOOD}{STATED.replace('5,', '1e30,')}", "stated[0]: "),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'is_hits: false')}", "stated[0]: one of model"),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'change: {cache_hits: lots}')}", "stated[0]: "),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'change: {cache_hits: 2}')}", "stated[0]: change"),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'change: {cache_hits: 90%}')}", "stated[0].change: "),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'change: {max_tokens: 0}')}", "stated[0].change: "),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'change: {share: {small: nan}}')}", "stated[0]: change"),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'change: {}')}", "stated[0]: change has one"),
        (GOOD, f"{GOOD}{STATED.replace('is_hits: true', 'change: {hits: 1}')}", "stated[0]: "),
        (GOOD, "[]", "no mapping"),
        (GOOD, "a: 1\na: 2\n", "given again"),
    ],
)
def test_faults(tmp_path, tariff, old, new, said):
    """What is wrong is named with its place; the code is that of an input file."""
    with pytest.raises(FmloadError) as caught:
        _basis(tmp_path, tariff, GOOD.replace(old, new))
    assert said in caught.value.message
    assert caught.value.code is Exit.INPUT


def test_all_faults_at_once(tmp_path, tariff):
    """Two wrong query types are one error."""
    with pytest.raises(FmloadError) as caught:
        _basis(tmp_path, tariff, GOOD.replace("share: 60%", "share: much").replace("share: 0.4", "shares: 0.4"))
    assert "queries.a" in caught.value.message
    assert "queries.b" in caught.value.message


def test_no_file(tmp_path, tariff):
    """A file that is not there is an error that names it."""
    with pytest.raises(FmloadError, match=r"nowhere\.yaml"):
        assumed_basis(tmp_path / "nowhere.yaml", lambda _: tariff.prices)
