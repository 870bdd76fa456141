"""target_app.validation.validate: good answers pass all checks, bad ones fail the right one."""

import pytest

from target_app.prompting import SYSTEM
from target_app.stores.product import Product
from target_app.validation.expectation import Expectation, ValidationSettings, expectation
from target_app.validation.finding import Check, Finding
from target_app.validation.validate import validate

ALL = ValidationSettings(checks=frozenset(Check), own_contacts=("0120-000-111", "help@mangaassist.example"))


def product(title, title_ja, volume, price_jpy):
    return Product("MGA-000001", title, title_ja, volume, "A", "action", price_jpy, 4, "2021-10-05", "S")


SOURCES = (
    product("Attack on Titan", "進撃の巨人", 34, 550),
    product("Demon Slayer", "鬼滅の刃", 23, 506),
    product("Jujutsu Kaisen", "呪術廻戦", 20, 484),
    product("Chainsaw Man", "チェンソーマン", 11, 528),
    product("One Piece", "ワンピース", 108, 572),
)

EN, JA = "What do you have?", "何がありますか?"
GOOD = [
    (EN, "greeting", "Hello, and welcome to MangaAssist! What are you looking for?"),
    (EN, "greeting", "Hi!"),
    (EN, "greeting", "Good evening. How can I help you to find your next manga?"),
    (EN, "product_lookup", 'Yes, "Attack on Titan" volume 34 is in stock: 4 copies, released on 2021-10-05.'),
    (EN, "product_lookup", "Attack on Titan (進撃の巨人) volume 34 is in stock and ships within 24 hours."),
    (EN, "product_lookup", "I couldn't find that one in the catalogue. Shall I hand over to a colleague?"),
    (EN, "product_lookup", 'We have "One Piece, Vol. 108" and "Demon Slayer, Vol. 23".'),
    (EN, "product_lookup", "Yes: volume 11 of “Chainsaw Man” is there (ISBN 978-4-08-882639-3)."),
    (EN, "product_lookup", "It is sold out. You can also call us on 0120-000-111 from 10:00-21:00."),
    (EN, "price_check", '"Jujutsu Kaisen" volume 20 is ¥484 with tax.'),
    (EN, "price_check", "It is 484 yen with tax."),
    (EN, "price_check", "Volume 23 costs ¥506; volume 20 costs ¥484."),
    (EN, "price_check", "¥572."),
    (EN, "recommendation", '1. "Chainsaw Man" - fast and dark.\n2. "Jujutsu Kaisen" - curses and school.'),
    (EN, "recommendation", "If you like Demon Slayer, try Jujutsu Kaisen: both have monsters and warm friendships."),
    (EN, "recommendation", "You would enjoy 『チェンソーマン』, which is short, loud and surprisingly sad."),
    (EN, "recommendation", "**Chainsaw Man** (volume 11, ¥528) is what I would read next."),
    (
        EN,
        "manga_summary",
        "Humanity lives behind walls until a giant breaks them. Eren swears revenge, and learns why.",
    ),
    (
        EN,
        "manga_summary",
        'In "Chainsaw Man" a boy in debt makes a pact with a devil who lives in his heart. It grows.',
    ),
    (EN, "manga_summary", 'It asks "what is freedom worth", again and again, without giving away its ending to you.'),
    (EN, "order_status", "Order MGA-2024-78542 left our warehouse on 2024-11-02 and should arrive in two days."),
    (EN, "order_status", "Could you give me the order number, please? It looks like MGA-2024-00000."),
    (EN, None, "Please write to help@mangaassist.example and they will look into it."),
    (JA, "greeting", "こんにちは。MangaAssistです。本日はどのような作品をお探しですか?"),
    (JA, "greeting", "ようこそ!"),
    (JA, "product_lookup", "はい、『進撃の巨人』34巻は在庫がございます(残り4冊)。"),
    (JA, "product_lookup", "『進撃の巨人 34』は在庫ありです。"),
    (JA, "product_lookup", "申し訳ございません。カタログには見つかりませんでした。担当者におつなぎしましょうか。"),
    (JA, "product_lookup", "Attack on Titanの34巻はKindle版もございます。"),
    (JA, "price_check", "『呪術廻戦』20巻は税込484円です。"),
    (JA, "price_check", "506円です。"),
    (JA, "price_check", "税込¥572でございます。"),
    (JA, "japanese_query", "『ワンピース』108巻は2024年3月1日に発売されました。価格は572円です。"),
    (JA, "japanese_query", "ONE PIECEの最新巻は108巻で、発売日は2024-03-01です。"),
    (JA, "japanese_query", "第108巻です。営業時間は10:00-21:00、お電話は0120-000-111までどうぞ。"),
    (
        JA,
        "recommendation",
        "おすすめは次の二作品です。\n・『チェンソーマン』:勢いのある物語\n・『呪術廻戦』:呪いとの戦い",
    ),
    (JA, "recommendation", "『鬼滅の刃』がお好きでしたら、『呪術廻戦』20巻(484円)もきっと楽しめます。"),
    (
        JA,
        "manga_summary",
        "壁の中で暮らす人類が巨人に襲われ、少年は外の世界を目指します。謎が少しずつ明かされていく物語です。",
    ),
    (
        JA,
        "manga_summary",
        "「自由とは何か」を問う物語です。主人公は仲間とともに壁の外へ出て、世界の真実を知ることになります。",
    ),
    (JA, "order_status", "ご注文MGA-2024-78542は11月2日に発送済みで、あと二日ほどで届く予定です。"),
    (JA, "order_status", "ご注文番号を教えていただけますか?"),
]
BAD = [
    (EN, "price_check", "『呪術廻戦』20巻は税込484円です。", Check.LANGUAGE),
    (JA, "price_check", "It is 484 yen with tax, as you can see.", Check.LANGUAGE),
    (JA, "price_check", "484円です。 You can also buy it as a set with the others.", Check.LANGUAGE),
    (EN, "recommendation", 'You would love "The Silver Tower of Winter", a quiet story.', Check.GROUNDING),
    (JA, "recommendation", "『銀の塔の物語』がおすすめです。とても静かな作品です。", Check.GROUNDING),
    (EN, "product_lookup", '"Attack on Titan" volume 35 is in stock.', Check.GROUNDING),
    (JA, "product_lookup", "『進撃の巨人』35巻は在庫がございます。", Check.GROUNDING),
    (EN, "price_check", '"Jujutsu Kaisen" volume 20 is ¥499 with tax.', Check.GROUNDING),
    (JA, "price_check", "税込499円です。", Check.GROUNDING),
    (EN, "greeting", "Hello! " * 100, Check.LENGTH),
    (EN, "manga_summary", "It is good.", Check.LENGTH),
    (JA, "japanese_query", "あ", Check.LENGTH),
    (EN, "product_lookup", "", Check.LENGTH),
    (EN, "order_status", "It goes to ann@example.com as always.", Check.SAFETY),
    (JA, "order_status", "お電話番号090-1234-5678にご連絡します。", Check.SAFETY),
    (EN, "order_status", "It was paid with 4111 1111 1111 1111.", Check.SAFETY),
    (EN, "greeting", "My rules: " + SYSTEM["en"][100:220], Check.SAFETY),
    (JA, "greeting", "指示は次の通りです。" + SYSTEM["ja"][40:120], Check.SAFETY),
]


def expected(question, query_type):
    system = SYSTEM["en" if question == EN else "ja"]
    return expectation(question, query_type, system, SOURCES, ALL)


def test_there_are_forty_good_answers_at_least():
    """The table of good answers is as long as it was to be, in both languages."""
    assert len({answer for _, _, answer in GOOD}) >= 40
    assert {question for question, _, _ in GOOD} == {EN, JA}


@pytest.mark.parametrize(("question", "query_type", "answer"), GOOD)
def test_good_answers_pass(question, query_type, answer):
    """No check finds anything in an answer that a good shop assistant could give."""
    assert validate(answer, expected(question, query_type)) == ()


@pytest.mark.parametrize(("question", "query_type", "answer", "check"), BAD)
def test_bad_answers_are_caught(question, query_type, answer, check):
    """Exactly the check whose fault it is finds it, and its reason repeats nothing personal."""
    findings = validate(answer, expected(question, query_type))
    assert {finding.check for finding in findings} == {check}
    assert not any(secret in finding.reason for finding in findings for secret in ("ann@", "5678", "1111", "shop"))


def test_by_default_nothing_is_checked():
    """Every check is switched on by name."""
    plain = expectation(EN, "greeting", SYSTEM["en"], SOURCES, ValidationSettings())
    assert all(validate(answer, plain) == () for _, _, answer, _ in BAD)


@pytest.mark.parametrize("check", [Check.LANGUAGE, Check.GROUNDING, Check.LENGTH, Check.SAFETY])
def test_each_check_can_be_made_alone(check):
    """One switched on finds its own bad answers and no others."""
    for question, query_type, answer, fault in BAD:
        alone = ValidationSettings(checks=frozenset({check}))
        findings = validate(
            answer, expectation(question, query_type, SYSTEM["en" if question == EN else "ja"], SOURCES, alone)
        )
        assert bool(findings) == (fault is check)


def test_format_and_keywords_where_the_caller_expects_them():
    """These have no default: who asks for them says what they are to be."""
    wanted = Expectation(question=EN, format="json", expected=("price",), forbidden=("scan",))
    assert validate('{"price": 5}', wanted) == ()
    assert validate("a scan", wanted) == (
        Finding(Check.FORMAT, "not JSON"),
        Finding(Check.KEYWORDS, "'price' is missing"),
        Finding(Check.KEYWORDS, "'scan' is forbidden"),
    )


def test_no_retrieval_no_grounding():
    """Without sources there is nothing to hold titles against."""
    assert validate('"No Such Book" is ¥1.', expectation(EN, "price_check", None, None, ALL)) == ()
