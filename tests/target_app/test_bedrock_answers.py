"""target_app.bedrock.answers: exact lengths, the same answer for the same request, words that were given."""

from __future__ import annotations

import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.bedrock.answers import answer
from target_app.bedrock.models import find_model
from target_app.bedrock.phrases import ENGLISH, JAPANESE
from target_app.bedrock.prompt import Prompt
from target_app.bedrock.tokens import count
from target_app.faults.plan import Kind

HAIKU = find_model("anthropic.claude-3-haiku-20240307-v1:0")
SONNET = find_model("anthropic.claude-3-sonnet-20240229-v1:0")


def ask(question="How much is it?", **more):
    values = {"texts": (question,), "question": question, "input_tokens": count(question), "max_tokens": None}
    return Prompt(**(values | more))


@given(st.integers(1, 4_096), st.integers(0, 2**32), st.sampled_from(["Hello!", "こんにちは"]), st.text(max_size=20))
def test_the_answer_is_exactly_as_long_as_it_was_asked_to_be(wanted, seed, question, query_type):
    """The text counts to the tokens wanted, in both languages; its pieces add up to it in text and in tokens."""
    said = answer(ask(question, wanted_tokens=wanted, query_type=query_type), HAIKU, seed)
    assert count(said.text) == said.output_tokens == sum(map(count, said.pieces)) == wanted
    assert said.stop_reason == "end_turn"
    assert said.piece_tokens[0] == 1
    assert max(said.piece_tokens) <= 4


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["Hello!", "こんにちは"]))
def test_max_tokens_cuts_the_answer_short(wanted, limit, question):
    """Where the model wants to say more than max_tokens, the answer is cut there and says why it stopped."""
    said = answer(ask(question, wanted_tokens=wanted, max_tokens=limit), HAIKU, 1)
    assert count(said.text) == said.output_tokens == min(wanted, limit)
    assert said.stop_reason == ("max_tokens" if wanted > limit else "end_turn")


def test_without_max_tokens_the_model_s_own_maximum_holds():
    """No answer is longer than the model can write."""
    said = answer(ask(wanted_tokens=10**12), HAIKU, 1)
    assert (said.output_tokens, said.stop_reason) == (4_096, "max_tokens")


@given(st.integers(1, 150), st.integers(1, 150))
def test_a_lower_limit_cuts_the_same_answer_earlier(one, other):
    """max_tokens does not change what the model says, only how much of it is heard."""
    short, long = sorted([one, other])
    cut = answer(ask(wanted_tokens=500, max_tokens=short), HAIKU, 1).text
    assert answer(ask(wanted_tokens=500, max_tokens=long), HAIKU, 1).text.startswith(cut)


def test_same_request_and_seed_give_the_same_answer():
    """Answers belong to the content: the request's id plays no part, seed, model and words do."""
    first = answer(ask(request_id="a"), HAIKU, 1)
    assert answer(ask("And that one?"), HAIKU, 1) != first
    assert answer(ask(request_id="b"), HAIKU, 1) == first
    assert answer(ask(), HAIKU, 2) != first
    assert answer(ask(), SONNET, 1) != first


@pytest.mark.parametrize(
    ("query_type", "median"),
    [("greeting", 40), ("product_lookup", 80), ("recommendation", 350), ("manga_summary", 550), (None, 200)],
)
def test_lengths_follow_the_query_type(query_type, median):
    """Lengths are lognormal around the query type's median, sigma .35."""
    lengths = [answer(ask(f"question {n}", query_type=query_type), HAIKU, 1).output_tokens for n in range(400)]
    cuts = statistics.quantiles(lengths, n=100)
    assert cuts[49] == pytest.approx(median, rel=0.08)
    assert cuts[83] / cuts[49] == pytest.approx(1.42, rel=0.08)


def test_the_answer_s_language_is_the_last_question_s():
    """Kana or kanji in what the user said last make the answer Japanese, wherever else they stand."""
    japanese = answer(ask("最新巻は?", texts=("You sell manga.", "最新巻は?")), HAIKU, 1).text
    english = answer(ask("And in English?", texts=("あなたは店員です。", "And in English?")), HAIKU, 1).text
    assert english.isascii()
    assert not any(character.isascii() for character in japanese)


def test_only_titles_that_the_request_names_are_named():
    """An answer speaks of what it was asked about, or of no title at all."""
    named = answer(ask("Tell me about Demon Slayer", wanted_tokens=800), HAIKU, 1).text
    unnamed = answer(ask("Tell me about it", wanted_tokens=800), HAIKU, 1).text
    assert {title for title in ENGLISH.titles if title in named} == {"Demon Slayer"}
    assert not [title for title in ENGLISH.titles if title in unnamed]


def test_a_stop_sequence_ends_the_answer_before_it():
    """The first stop sequence met ends the answer and is not part of it; the tokens are those of what is left."""
    whole = answer(ask(wanted_tokens=100), HAIKU, 1).text
    said = answer(ask(wanted_tokens=100, stop_sequences=("no such words", ". ")), HAIKU, 1)
    assert (said.stop_reason, said.stop_sequence) == ("stop_sequence", ". ")
    assert said.text == whole.split(". ")[0]
    assert said.output_tokens == count(said.text)


@pytest.mark.parametrize("book", [ENGLISH, JAPANESE], ids=["en", "ja"])
def test_the_phrasebooks_keep_their_own_rules(book):
    """One kind of character each, and closing words as long as they claim: exact lengths rest on that."""
    words = [*book.sentences, *book.openers.values(), *book.titles, *book.invented_titles, book.unnamed]
    bare = "".join(words).replace("{title}", "") + "".join(closer for _, closer in book.closers)
    assert all(character.isascii() == (book is ENGLISH) for character in bare)
    assert all(len(closer) == length * book.characters_per_token for length, closer in book.closers)
    assert book.closers[-1][0] == 1


PRODUCTS = (
    ("鬼滅の刃", "Demon Slayer", 7, "Koyoharu Gotouge", "¥528", "in stock 4", "2017-07-04"),
    ("呪術廻戦", "Jujutsu Kaisen", 20, "Gege Akutami", "¥484", "out of stock", "2022-08-04"),
    ("ベルセルク", "Berserk", 42, "Studio Gaga & Kouji Mori", "¥770", "in stock 12", "2023-09-29"),
)
SOURCES = "\n".join(
    f'<source id="MGA-{number:06}">{ja} | {en} | volume {volume} | {author.replace("&", "&amp;")} | {price} | '
    f"{stock} | {date} | A summary.</source>"
    for number, (ja, en, volume, author, price, stock, date) in enumerate(PRODUCTS)
)
SYSTEM = f"You sell manga.\n<sources>\n{SOURCES}\n</sources>"
QUERY_TYPES = ("product_lookup", "price_check", "recommendation", "manga_summary", "japanese_query", None)


def ask_with_sources(question, **more):
    return ask(question, texts=(SYSTEM, question), **more)


@pytest.mark.parametrize("query_type", QUERY_TYPES)
@given(st.integers(1, 600), st.integers(0, 99), st.sampled_from(["How much is Berserk?", "呪術廻戦の値段は?"]))
def test_with_sources_nothing_else_is_named(query_type, wanted, seed, question):
    """Every quoted title, price and volume is one of the sources', and the length is exact, mixed text and all."""
    said = answer(ask_with_sources(question, wanted_tokens=wanted, query_type=query_type), HAIKU, seed)
    assert count(said.text) == said.output_tokens == wanted
    assert said.piece_tokens[0] == 1
    assert max(said.piece_tokens) <= 4
    by_title = {title: product for product in PRODUCTS for title in product[:2]}
    assert set(re.findall(r'"([^"]+)"|『([^』]+)』', said.text)) <= (
        {(en, "") for _, en, *_ in PRODUCTS} | {("", ja) for ja, *_ in PRODUCTS}
    )
    assert set(re.findall(r"¥\d+", said.text)) <= {product[4] for product in PRODUCTS}
    volumes = re.findall(r'"([^"]+)" volume (\d+)|『([^』]+)』第(\d+)巻', said.text)
    assert all(by_title[en or ja][2] == int(one or other) for en, one, ja, other in volumes)


@pytest.mark.parametrize(
    ("question", "query_type", "facts"),
    [
        (
            "How much is Jujutsu Kaisen volume 20?",
            "price_check",
            ['"Jujutsu Kaisen" volume 20 is ¥484', "out of stock"],
        ),
        (
            "Do you have Berserk 42 in stock?",
            "product_lookup",
            ['"Berserk" volume 42 by Studio Gaga & Kouji', "have 12 in"],
        ),
        ("鬼滅の刃はいくら?", "price_check", ["『鬼滅の刃』第7巻は税込¥528", "在庫は4点"]),
        ("What is like Berserk?", "recommendation", ['"Berserk"', '"Demon Slayer"', '"Jujutsu Kaisen"']),
    ],
)
def test_the_answer_is_about_what_was_asked(question, query_type, facts):
    """The product that the question names comes first, with what its kind of question wants to know."""
    text = answer(ask_with_sources(question, query_type=query_type, wanted_tokens=150), HAIKU, 1).text
    assert [fact for fact in facts if fact not in text] == []
    assert text.index(facts[0]) == min(text.index(fact) for fact in facts)


def test_a_source_that_can_not_be_read_is_none():
    """An element without its fields is passed over, and so is what stands outside of <sources>."""
    odd = '<sources><source id="1">Only a title</source></sources>' + SOURCES
    question = "How much is it?"
    text = answer(ask(question, texts=(odd, question), wanted_tokens=300), HAIKU, 1).text
    assert "¥" not in text
    assert '"' not in text


@given(st.integers(2, 400), st.sampled_from(["How much is Berserk?", "呪術廻戦の値段は?"]))
def test_slips_keep_the_length(wanted, question):
    """Another language or an invented title are as long as the answer would have been; a cut one is half of it."""
    request = ask_with_sources(question, wanted_tokens=wanted)
    plain, other, invented, cut = (
        answer(request, HAIKU, 1, slip) for slip in (None, Kind.WRONG_LANGUAGE, Kind.HALLUCINATED_TITLE, Kind.TRUNCATED)
    )
    assert plain.output_tokens == other.output_tokens == invented.output_tokens == wanted
    assert (cut.output_tokens, cut.stop_reason) == (max(1, wanted // 2), "max_tokens")
    assert other.text != plain.text


@pytest.mark.parametrize(("question", "is_english"), [("How much is Berserk?", True), ("ベルセルクはいくら?", False)])
def test_a_hallucinated_title_has_a_price_of_its_own(question, is_english):
    """The first title and price named are nobody's."""
    text = answer(ask_with_sources(question), HAIKU, 1, Kind.HALLUCINATED_TITLE).text
    title = re.search('"([^"]+)"' if is_english else "『([^』]+)』", text)[1]
    assert title in (ENGLISH if is_english else JAPANESE).invented_titles
    assert re.search(r"¥\d+", text)[0] not in SYSTEM
