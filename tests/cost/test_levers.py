"""Each what-if by hand: share × tokens × price, on a bill of $0.0015375 a message."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.cost import levers
from loadtester.cost.bill import CACHE, NOBODY, Line, hit_rate, numbered
from loadtester.cost.lengths import bounded, counted, lognormal
from loadtester.errors import Exit, FmloadError
from loadtester.scenario.mix import HAIKU, SONNET

NEW_HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
EMBEDDER = "amazon.titan-embed-text-v2:0"
HAIKU_USD, SONNET_USD = Decimal("0.000375"), Decimal("0.0045")


def _kept(line, limit):
    return bounded(line.output, limit)


@pytest.mark.parametrize(
    ("lever", "usd"),
    [
        (levers.prompt_tokens(Decimal("0.5")), Decimal("0.00128125")),
        (levers.answer_tokens(Decimal(2)), Decimal("0.0025625")),
        (levers.swap(SONNET, HAIKU), Decimal("0.8") * HAIKU_USD),
        (levers.shares({HAIKU: Decimal("0.75")}), Decimal("0.6") * HAIKU_USD + Decimal("0.2") * SONNET_USD),
        (
            levers.shares({HAIKU: Decimal("0.25"), SONNET: Decimal("0.75")}),
            Decimal("0.2") * HAIKU_USD + Decimal("0.6") * SONNET_USD,
        ),
        (levers.cache_hits(Decimal("0.5")), Decimal("0.2") * HAIKU_USD + Decimal("0.3") * SONNET_USD),
        (levers.cache_hits(Decimal(0)), Decimal("0.7") * HAIKU_USD + Decimal("0.3") * SONNET_USD),
        (levers.tier("priority"), Decimal("1.75") * Decimal("0.0015375")),
        (levers.tier("flex"), Decimal("0.5") * Decimal("0.0015375")),
        (levers.batch(Decimal("0.2")), Decimal("0.9") * Decimal("0.0015375")),
        (levers.batch(Decimal(1)), Decimal("0.5") * Decimal("0.0015375")),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_by_hand(lever, usd, lines, tariff):
    """The bill after each lever; the shares still add up to 1."""
    assert tariff.usd_per_message(lines) == Decimal("0.0015375")
    after = lever.apply(lines)
    assert abs(tariff.usd_per_message(after) - usd) < Decimal("1e-20")
    assert abs(sum(line.share for line in after) - 1) < Decimal("1e-20")


def test_semantic_hits_cost_their_lookups(lines, tariff):
    """10 % exact and half of the rest semantic are 55 % hits; 90 % of the messages are embedded, 30 tokens each."""
    lever = levers.cache_hits(Decimal("0.1"), Decimal("0.5"), EMBEDDER, 30)
    after = lever.apply(lines)
    assert hit_rate(after) == Decimal("0.55")
    lookups = Decimal("0.9") * 30 * Decimal("0.02") / 1_000_000
    expected = Decimal("0.15") * HAIKU_USD + Decimal("0.3") * SONNET_USD + lookups
    assert abs(tariff.usd_per_message(after) - expected) < Decimal("1e-20")


def test_what_may_not_be_cached_bounds_the_hits(lines):
    """Three tenths are never cached: 70 % hits are possible, 71 % are not."""
    assert hit_rate(levers.cache_hits(Decimal("0.7")).apply(lines)) == Decimal("0.7")
    with pytest.raises(FmloadError, match=r"70\.0%"):
        levers.cache_hits(Decimal("0.71")).apply(lines)
    with pytest.raises(FmloadError, match="no message that may be cached"):
        levers.cache_hits(Decimal(0)).apply(tuple(replace(line, is_cacheable=False) for line in lines))


def test_messages_that_nobody_answered_have_their_part_of_the_hits(tariff):
    """Of 77 % answered and 23 % throttled, 50 % hits halve both; 90 % and even 100 % are possible."""
    lines = numbered(
        [Line("q", HAIKU, Decimal("0.77"), input=Decimal(500), output=Decimal(200)), Line("q", NOBODY, Decimal("0.23"))]
    )
    for rate in (Decimal("0.5"), Decimal("0.9"), Decimal(1)):
        after = levers.cache_hits(rate).apply(lines)
        assert hit_rate(after) == rate
        assert sum(line.share for line in after) == 1
        assert tariff.usd_per_message(after) == (1 - rate) * Decimal("0.77") * HAIKU_USD


def test_fewer_hits_are_more_calls_to_models():
    """What a cache answered goes to the models; no more of the messages go unanswered."""
    lines = numbered(
        [
            Line("q", HAIKU, Decimal("0.5"), input=Decimal(500), output=Decimal(200)),
            Line("q", CACHE, Decimal("0.3")),
            Line("q", NOBODY, Decimal("0.2")),
        ]
    )
    after = levers.cache_hits(Decimal(0)).apply(lines)
    assert [(line.model, line.share) for line in after] == [(HAIKU, Decimal("0.8")), (NOBODY, Decimal("0.2"))]


def test_fewer_hits_go_back_to_their_own_query_type():
    """A type's hits to its models, whatever the others cost; those of no type, and of one without a model, to all."""
    lines = numbered(
        [
            Line("easy", HAIKU, Decimal("0.2")),
            Line("easy", CACHE, Decimal("0.2")),
            Line("hard", SONNET, Decimal("0.4")),
            Line("gone", CACHE, Decimal("0.1")),
            Line("(any)", CACHE, Decimal("0.1")),
        ]
    )
    for rate, easy, hard in ((Decimal(0), "0.466667", "0.533333"), (Decimal("0.2"), "0.333333", "0.466667")):
        after = levers.cache_hits(rate).apply(lines)
        shares = [line.share.quantize(Decimal("1e-6")) for line in after if line.is_paid]
        assert shares == [Decimal(easy), Decimal(hard)]
        assert hit_rate(after) == rate


@pytest.mark.parametrize(("is_hour", "reuses"), [(False, "0.25"), (True, "1")])
def test_prompt_caching_breaks_even(is_hour, reuses, tariff):
    """A write costs 1.25 (an hour: 2) times the input, a read 0.1: it pays from 0.25/0.9 (1/0.9) reads a write on."""
    even = levers.break_even_reuses(NEW_HAIKU, tariff, is_hour=is_hour)
    assert even == Decimal(reuses) / Decimal("0.9")
    line = numbered([Line("q", NEW_HAIKU, Decimal(1), input=Decimal(2_000), output=Decimal(100))])
    before = tariff.usd_per_message(line)

    def after(reads):
        return tariff.usd_per_message(levers.prompt_cache(1_500, reads, tariff, is_hour=is_hour).apply(line))

    assert abs(after(even) - before) < Decimal("1e-18")
    assert after(even + 1) < before < after(even / 2)


def test_prompt_caching_by_hand(tariff):
    """1,500 of 2,000 tokens, 9 reads a write: 150 written at $1.25, 1,350 read at $0.10, 500 at $1, 100 out at $5."""
    lines = numbered([Line("q", NEW_HAIKU, Decimal(1), input=Decimal(2_000), output=Decimal(100))])
    after = levers.prompt_cache(1_500, Decimal(9), tariff).apply(lines)
    assert tariff.usd_per_message(after) == Decimal("0.0001875") + Decimal("0.000135") + Decimal("0.0005") * 2


@pytest.mark.parametrize("prefix", [0, 501, 10_000])
def test_a_cached_prefix_is_no_longer_than_the_mean_prompt(lines, tariff, prefix):
    """The mean of what models are asked has 500 tokens; the lever says that the model's own least length is unknown."""
    with pytest.raises(FmloadError, match="mean prompt has 500 tokens"):
        levers.prompt_cache(prefix, Decimal(9), tariff).apply(lines)
    assert "not known" in levers.prompt_cache(prefix, Decimal(9), tariff).note


def test_one_query_type_to_another_model(lines, tariff):
    """Its paid messages move with their tokens, and nothing else does."""
    after = levers.answered_by("hard", HAIKU).apply(lines)
    assert [line.model for line in after] == [HAIKU, HAIKU, CACHE]
    assert tariff.usd_per_message(after) == Decimal("0.8") * Decimal("0.000375")
    with pytest.raises(FmloadError, match="no model answers tale"):
        levers.answered_by("tale", HAIKU).apply(lines)


def test_without_a_cache_price_prompts_stay_as_they_are(lines, tariff):
    """A model without a price for cached prompts is left alone, and named in the row; the others' are cached."""
    assert levers.break_even_reuses(HAIKU, tariff) is None
    lever = levers.prompt_cache(100, Decimal(9), tariff, lines=lines)
    after = lever.apply(lines)
    priced = [line.model for line in after if line.cache_read]
    assert HAIKU not in priced
    assert [line for line in after if line.model == HAIKU] == [line for line in lines if line.model == HAIKU]
    assert f"not {HAIKU}" in lever.name
    assert "no price for cached prompts" in lever.note


@pytest.mark.parametrize(
    "wanted",
    [
        {HAIKU: Decimal("0.7"), SONNET: Decimal("0.4")},
        {HAIKU: Decimal("-0.1")},
        {HAIKU: Decimal("0.3"), SONNET: Decimal("0.3")},
    ],
)
def test_shares_that_do_not_add_up(wanted, lines):
    """More than 100 %, below 0, or less than 100 % with nobody left for the rest."""
    with pytest.raises(FmloadError, match="add up") as caught:
        levers.shares(wanted).apply(lines)
    assert caught.value.code is Exit.USAGE


def test_a_swap_of_a_model_that_is_not_there(lines):
    """It is an error that names the models there are."""
    with pytest.raises(FmloadError, match="no message goes to") as caught:
        levers.swap("gpt-4o", HAIKU).apply(lines)
    assert SONNET in caught.value.remedy


def test_unknown_models_name_near_ones(lines, tariff):
    """Another model needs a price: its neighbours are named."""
    misspelt = HAIKU.replace("haiku", "hiaku")
    with pytest.raises(FmloadError, match="no price") as caught:
        tariff.usd_per_message(levers.swap(SONNET, misspelt).apply(lines))
    assert HAIKU in caught.value.remedy


def test_unknown_tier():
    """It is a usage error that names the tiers."""
    with pytest.raises(FmloadError) as caught:
        levers.tier("turbo")
    assert "flex, priority, standard" in caught.value.remedy


@settings(derandomize=True, deadline=None)
@given(st.decimals(0, 1, places=3), st.decimals(0, 1, places=3))
def test_shares_hit_their_mark(haiku, spare):
    """Whatever was asked for is what goes to the model afterwards; hits stay hits, and nothing is lost."""
    lines = numbered(
        [
            Line("a", HAIKU, Decimal("0.4"), input=Decimal(10)),
            Line("b", SONNET, Decimal("0.3"), input=Decimal(20)),
            Line("c", NEW_HAIKU, Decimal("0.2"), input=Decimal(30)),
            Line("c", CACHE, Decimal("0.1")),
        ]
    )
    wanted = {HAIKU: haiku, SONNET: (1 - haiku) * spare}
    after = levers.shares(wanted).apply(lines)
    for model, share in wanted.items():
        got = sum((line.share for line in after if line.model == model), Decimal(0))
        assert abs(got - share * Decimal("0.9")) < Decimal("1e-20")
    assert hit_rate(after) == Decimal("0.1")
    assert abs(sum(line.share for line in after) - 1) < Decimal("1e-20")


def test_max_tokens_from_lengths():
    """Answers of 100 and 300 tokens under a limit of 200: 150 on average, half of them cut."""
    rows = ["query,answered_by,output_tokens", "q,m,100", "q,m,300", "q,,", "other,m,7"]
    kept = counted(rows).left("q", "m", 200)
    assert (kept.output, kept.cut) == (150, Decimal("0.5"))
    assert counted(rows).left("q", "x", 200) is None
    line = Line("q", HAIKU, Decimal(1), output=Decimal(200))
    lever = levers.max_tokens(200, lambda _line, limit: counted(rows).left("q", "m", limit), (line,))
    assert lever.apply((line,))[0].output == 150
    assert "50.0% of the answers" in lever.note


def test_lengths_are_those_of_answers_that_a_model_gave():
    """No answer of the target's cache is among them, and none of the warm-up."""
    rows = ["query,answered_by,output_tokens,cache,warmup", "q,m,100,,0", "q,m,900,,1", "q,m,0,exact,0"]
    kept = counted(rows).left("q", "m", 50)
    assert (kept.output, kept.cut) == (50, 1)
    assert counted(rows).left("q", "m", 200).output == 100


def test_max_tokens_without_lengths(lines):
    """A mean alone bounds what is left, and the note says so."""
    lever = levers.max_tokens(120, _kept, lines)
    assert [line.output for line in lever.apply(lines)] == [120, 120, 0]
    assert "at least" in lever.note
    with pytest.raises(FmloadError):
        levers.max_tokens(0, _kept, lines)


@pytest.mark.parametrize("limit", [50, 200, 1_000, 100_000])
def test_lognormal_against_drawn_lengths(limit):
    """The closed form of E[min(X, limit)] is what 200,000 drawn lengths give, within 1 %."""
    import numpy as np  # noqa: PLC0415

    sigma = 0.8
    drawn = np.random.default_rng(1).lognormal(np.log(200) - sigma**2 / 2, sigma, 200_000)
    kept = lognormal(Decimal(200), sigma, limit)
    assert float(kept.output) == pytest.approx(np.minimum(drawn, limit).mean(), rel=0.01)
    assert float(kept.cut) == pytest.approx((drawn > limit).mean(), abs=0.005)


def test_levers_combine_in_order(lines, tariff):
    """Batch takes its part out of a tier; all together is one after the other."""
    both = levers.pull((levers.tier("priority"), levers.batch(Decimal("0.5"))), lines)
    assert tariff.usd_per_message(both) == Decimal("0.0015375") * (Decimal("1.75") + Decimal("0.5")) / 2
    assert replace(both[0], share=lines[0].share, factor=Decimal(1)) == lines[0]
