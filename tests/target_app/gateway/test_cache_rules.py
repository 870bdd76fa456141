"""target_app.gateway.cache_rules: what no cache may answer, and what is surely another question."""

import pytest

from target_app.gateway.cache_rules import (
    LONGEST_CHARS,
    NEAR,
    STRICTEST,
    THRESHOLDS,
    Rule,
    Titles,
    differs,
    is_negative,
    normalised,
    refusal,
)
from target_app.prompting import ROUTES

NO_TITLES = Titles()
TITLES = Titles(
    ["One Piece", "Naruto", "Bleach", "君に届け", "今日から俺は!!", "My Hero Academia", "Monster", "ワンピース"]
)


def test_every_query_type_but_orders_has_a_threshold():
    """Thresholds lie where the table has them, over the zone of suspected false hits; orders have none."""
    assert set(THRESHOLDS) == set(ROUTES) - {"order_status"}
    assert all(0.94 <= threshold <= STRICTEST == 0.95 for threshold in THRESHOLDS.values())
    assert NEAR == 0.88


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        ("Where is #MGA-2024-78542?", Rule.ORDER_NUMBER),
        ("Tell me about MGA-2024-78542", Rule.ORDER_NUMBER),
        ("MGA-2024-78542はどこですか", Rule.ORDER_NUMBER),
        ("荷物のMGA-2024-78542は?", Rule.ORDER_NUMBER),
        ("番号は1234567です", Rule.ORDER_NUMBER),
        ("Is my volume on its way?", Rule.PERSONAL),
        ("Where is My Order?", Rule.PERSONAL),
        ("Has the package been shipped?", Rule.PERSONAL),
        ("私の本はどこですか", Rule.PERSONAL),
        ("注文はどうなっていますか", Rule.PERSONAL),
        ("Write to ann@example.com please", Rule.PERSONAL),
        ("Call 090-1234-5678 about it", Rule.PERSONAL),
        ("What came out today?", Rule.TIMELY),
        ("Is it in stock right now?", Rule.TIMELY),
        ("今日の新刊は?", Rule.TIMELY),
        ("What is in the cart?", Rule.CART),
        ("カートの中は?", Rule.CART),
    ],
)
def test_personal_and_timely_questions_are_refused(question, rule):
    """Order numbers, the customer's own things, the moment, the cart: in both languages, with or without titles."""
    assert refusal(question, "product_lookup", NO_TITLES) is rule
    assert refusal(question, None, TITLES) is rule


@pytest.mark.parametrize(
    "question",
    [
        "Do you have Attack on Titan volume 34 in stock?",
        "Recommend 5 manga similar to Demon Slayer for someone who likes action.",
        "How much is Jujutsu Kaisen volume 20?",
        "ワンピースの最新巻はいつ発売ですか?",
        "Give me a detailed summary of the Chainsaw Man arc.",
        "Hello!",
        "こんにちは",
        "How much is My Hero Academia volume 3?",
        "『今日から俺は!!』の在庫はありますか",
        "Do you know Nowhere Boy?",
    ],
)
def test_ordinary_questions_pass(question):
    """The store's everyday questions may be cached; words in a title break no rule."""
    assert refusal(question, "product_lookup", NO_TITLES) is None


@pytest.mark.parametrize(
    "question", ["君に届けの1巻はいくらですか", "今日から俺は!!の在庫は?", "price of my hero academia 3"]
)
def test_known_titles_break_no_rule(question):
    """A title that reads like a rule's word is known for a title where the catalogue is."""
    assert refusal(question, "price_check", NO_TITLES) is not None
    assert refusal(question, "price_check", TITLES) is None


def test_very_long_questions_are_refused():
    """They are not read at all: nobody asks the like again."""
    assert refusal("a" * LONGEST_CHARS, None, TITLES) is None
    assert refusal("a" * (LONGEST_CHARS + 1), None, TITLES) is Rule.TOO_LONG


def test_order_status_is_never_cached():
    """Whatever it says, a question of this type is about one customer's order."""
    assert refusal("Hello", "order_status", NO_TITLES) is Rule.QUERY_TYPE


@pytest.mark.parametrize(
    "question",
    [
        "Manga with no gore",
        "Something that is not romance",
        "I don't like horror",
        "I don’t like horror",
        "Anything except Naruto",
        "Action without violence",
        "Other than One Piece, what is long?",
        "怖くない漫画はありますか",
        "NARUTO以外でおすすめは?",
        "恋愛なしの作品",
        "ホラーは苦手です",
        "グロテスクな場面を除いて",
        "完結していません",
    ],
)
def test_negations_are_seen(question):
    """Denied and ruled-out things, in both languages."""
    assert is_negative(question)


@pytest.mark.parametrize(
    "question",
    [
        "How much is Noragami volume 1?",
        "Notable manga of 1999",
        "Know any good manga?",
        "在庫はありますか",
        "泣ける漫画を教えて",
    ],
)
def test_plain_questions_are_no_negations(question):
    """Words that only look like a negation are none."""
    assert not is_negative(question)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How much is One Piece volume 3?", "How much is One Piece volume 4?"),
        ("Recommend 5 manga like Naruto", "Recommend 3 manga like Naruto"),
        ("How much is One Piece volume 3?", "How much is Naruto volume 3?"),
        ("price of naruto 3", "price of bleach 3"),
        ("ワンピース3巻の値段は?", "ワンピース4巻の値段は?"),
        ("『進撃の巨人』の値段は?", "『鬼滅の刃』の値段は?"),
        ("進撃の巨人の値段は?", "鬼滅の刃の値段は?"),
        ("ナルトの値段は?", "ブリーチの値段は?"),
        ("Is “blue lock” in stock?", "Is “blue box” in stock?"),
    ],
)
def test_other_numbers_or_titles_are_another_question(one, other):
    """However near their embeddings lie."""
    assert differs(one, other, TITLES)
    assert differs(other, one, TITLES)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How much is One Piece volume 3?", "What is the price of One Piece volume 3?"),
        ("how much is one piece volume 3", "What does volume 3 of one piece cost?"),
        ("ワンピースの3巻はいくらですか?", "ワンピース 3巻の値段を教えてください"),
        ("Hello!", "Hi there"),
        ("『鬼滅の刃』の在庫はありますか", "『鬼滅の刃』はストックがありますか"),
    ],
)
def test_the_same_question_in_other_words_is_the_same(one, other):
    """Other words around the same numbers and titles make no difference."""
    assert not differs(one, other, TITLES)


def test_width_case_and_spaces_do_not_matter():
    """NFKC, case folding, one space."""
    assert normalised("  How  MUCH is\n\uff11\uff12\uff13? ") == normalised("how much is 123?")
    assert normalised("ワンピース") == normalised("ワンピース")


def test_latin_titles_are_whole_words():
    """A title inside a longer word is none; next to Japanese it is one."""
    assert TITLES.found("monsters and bleached hair") == frozenset()
    assert TITLES.found("Monsterの3巻とBLEACH") == {"monster", "bleach"}


def test_titles_are_cut_out_of_a_question():
    """What is left is the question around them."""
    assert TITLES.without("Is One Piece like Naruto?").split() == ["is", "like", "?"]
    assert NO_TITLES.without("Is One Piece?") == "Is One Piece?"
