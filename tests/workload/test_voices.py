"""Each query type has its questions, in the languages that it is asked in."""

from __future__ import annotations

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario.mix import PRODUCTION
from loadtester.scenario.scenario import QueryType
from loadtester.workload import known
from loadtester.workload.question import built_in, language_of
from loadtester.workload.voices import JAPANESE_SHARE, N_POPULAR, voices


def test_the_production_mix_is_built_in():
    """Every type of the production mix has built-in prompts, and there are no others."""
    assert set(known()) == {query.name for query in PRODUCTION}


@pytest.mark.parametrize("name", known())
def test_enough_prompts_and_no_two_alike(name):
    """At least 20 in English and 20 in Japanese (40 for the Japanese type), each once and in its language."""
    prompts = built_in()["prompts"][name]
    wanted = {"ja": 40} if name == "japanese_query" else {"en": 20, "ja": 20}
    assert set(prompts) == set(wanted)
    for language, least in wanted.items():
        assert len(set(prompts[language])) == len(prompts[language]) >= least
        assert all(language_of(prompt) == language for prompt in prompts[language])


def test_orders_name_an_order():
    """Each question about an order says which; each about a product or a price says which title."""
    prompts = built_in()["prompts"]
    for name, placeholder in [("order_status", "{order}"), ("product_lookup", "{title}"), ("price_check", "{title}")]:
        assert all(placeholder in prompt for language in prompts[name].values() for prompt in language)


def test_japanese_share():
    """Mixed types are Japanese by a fixed share; a declared language is the whole of it."""
    assert voices(QueryType("greeting", 1, "m"), 1).japanese_share == JAPANESE_SHARE
    assert voices(QueryType("greeting", 1, "m", language="ja"), 1).japanese_share == 1
    assert voices(QueryType("greeting", 1, "m", language="en"), 1).japanese_share == 0
    assert voices(QueryType("japanese_query", 1, "m"), 1).japanese_share == 1


def test_popular_questions():
    """Types have popular questions in each language, the same for a seed; order status, being personal, has none."""
    one = voices(QueryType("product_lookup", 1, "m"), 1)
    assert len(one.english.popular) == len(one.japanese.popular) == N_POPULAR
    assert one == voices(QueryType("product_lookup", 1, "m"), 1)
    assert one.english.popular != voices(QueryType("product_lookup", 1, "m"), 2).english.popular
    assert {language_of(text) for text in one.japanese.popular} == {"ja"}
    assert not voices(QueryType("order_status", 1, "m"), 1).english.popular


def test_own_prompts():
    """A type's own prompts are used as they are, sorted by language, even under a built-in name."""
    own = voices(QueryType("greeting", 1, "m", prompts=("Hi", "やあ", "Yo", "Hey")), 1)
    assert [question.ask(5) for question in own.english.questions] == ["Hi", "Yo", "Hey"]
    assert [question.ask(5) for question in own.japanese.questions] == ["やあ"]
    assert own.japanese_share == 0.25


def test_a_declared_language_wins():
    """Where the user says which language a type is in, its prompts are not guessed at."""
    own = voices(QueryType("x", 1, "m", language="ja", prompts=("OK?",)), 1)
    assert own.japanese_share == 1
    assert own.japanese.questions[0].ask(1) == "OK?"


def test_unknown_name():
    """A name without prompts is the user's mistake; the remedy names those that are built in."""
    with pytest.raises(FmloadError, match="weather") as caught:
        voices(QueryType("weather", 1, "m"), 1)
    assert caught.value.code is Exit.INPUT
    assert all(name in caught.value.remedy for name in known())


def test_no_prompts_in_that_language():
    """Asking for a language that a built-in type lacks is the user's mistake too."""
    with pytest.raises(FmloadError, match="'en'") as caught:
        voices(QueryType("japanese_query", 1, "m", language="en"), 1)
    assert "ja" in caught.value.remedy
