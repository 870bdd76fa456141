"""Personal data and credentials are taken out of a text wherever they stand in it, and other words stay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.scenario import redact
from loadtester.scenario.personal import redacted_text, redactor, unfinished
from loadtester.scenario.redact import mask, may_hold_credential

SECRETS = (
    "taro.yamada+manga@example.co.jp",
    "090-1234-5678",
    "０９０−１２３４−５６７８",
    "03(1234)5678",
    "+81 90-1234-5678",
    "+1 (555) 010-4477",
    "0044 20 7946 0958",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "378282246310005",
    "#MGA-2024-78542",
    "503-1234567-1234567",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY",
    "sk-proj-abcdefgh12345678",
    "ghp_abcdefghij1234567890",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Bearer abcdef1234567890",
    "〒150-0001",
    "東京都渋谷区神宮前1丁目2-3",
)
#: What may stand beside a secret: nothing that would make one longer word, or number, of the two.
AROUND = st.sampled_from(["", " ", "\n", "。", "は", "連絡先：", " call ", "(", ") ", ", ", '"', " vol. 3 ", "です"])


@settings(deadline=None)
@given(st.lists(st.tuples(AROUND, st.sampled_from(SECRETS), AROUND), min_size=1, max_size=4))
def test_no_planted_secret_survives(parts):
    """Whatever stands around it, in English or Japanese, and however many there are."""
    text = " ".join(f"{before}{secret}{after}" for before, secret, after in parts)
    shown = redacted_text(text)
    for _, secret, _ in parts:
        assert secret not in shown
        assert secret.removeprefix("Bearer ") not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to taro@example.jp!", "write to [e-mail]!"),
        ("メールはtaro@example.jpです", "メールは[e-mail]です"),
        ("０９０−１２３４−５６７８に電話", "[phone]に電話"),
        ("call +81 90-1234-5678 now", "call [phone] now"),
        ("card 4111 1111 1111 1111 12/27", "card [card]"),
        ("Where is #MGA-2024-78542?", "Where is [order id]?"),
        ("キーはsk-abcDEF123456です", "キーは***です"),
        ("I live at 12 Baker Street, London", "I live at [address], London"),
        ("password: hunter2", "password: ***"),
        ("write to anna.müller@example.de!", "write to [e-mail]!"),
        ("пишите на иван.петров@пример.рф сегодня", "пишите на [e-mail] сегодня"),
        ("anna.mu\u0308ller@mu\u0308ller.de", "[e-mail]"),
        ("taro@日本語.jp です", "[e-mail] です"),
        ("連絡先は、山田太郎@example.jp", "連絡先は、[e-mail]"),
        ("my password is hunter2, and", "my [password], and"),
        ("Password was Summer2024", "[password]"),
        ("パスワードはabc123です", "[password]です"),
        ("PIN: 4821", "[password]"),
        ("passcode: 482913, thanks", "[password], thanks"),
        ("My pin is: 4821.", "My [password]."),
        ("My Password Is Hunter2", "My [password]"),
        ("MY PIN CODE WAS 4821", "MY [password]"),
        ("私のPIN: 4821です", "私の[password]です"),
        ("passphrase: correct horse battery staple. Hello", "[password]. Hello"),
        ("My Passphrase Is four plain words", "My [password]"),
        ("Where is order 78542?", "Where is [order id]?"),
        ("Order number: #2024-78542", "[order id]"),
        ("注文番号は78542です", "[order id]です"),
    ],
)
def test_what_is_taken_out_is_named(text, shown):
    """A word in brackets says what stood there; credentials become "***", as everywhere else."""
    assert redacted_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "It is ¥1,200 on 2024-11-21, volume 12 of 27, 0.123456789 of it.",
        "ワンピースの第105巻は2023年3月3日に発売、税込528円です。",
        "Ask @shop or see section 4.2.1; 100% of 1,000,000 readers.",
        "1234567890123 is no card",
        "My password is not working, and the PIN is wrong.",
        "A topspin: 4821 turns; shopping: 4821 yen. The pin: none, the pin issue4821.",
        "In order 3 of 27: I would like to order 2 copies for 1,200 yen.",
        "",
    ],
)
def test_ordinary_texts_stay(text):
    """Prices, dates, volumes and numbers without a check digit are nobody's secret."""
    assert redacted_text(text) == text


@pytest.mark.parametrize("pattern", redact._MASKS, ids=lambda pattern: pattern.pattern[:30])
def test_the_quick_look_misses_no_credential(pattern):
    """A text that a mask would change is never passed over."""
    # What looks ahead can't be drawn from: its match is forty signs of a key.
    is_ahead = "(?=" in pattern.pattern.partition("{40}")[0] and "{40}" in pattern.pattern
    texts = st.text("aB3/", min_size=40, max_size=40) if is_ahead else st.from_regex(pattern)

    @settings(max_examples=25, deadline=None)
    @given(texts)
    def holds(text):
        assert may_hold_credential(text) or mask(text) == text

    holds()


def test_own_expressions_come_first():
    """The user's kinds are taken out under their names, before a number of theirs is taken for another."""
    assert redactor({"staff id": r"E-\d{9}"})("ask E-012345678 or a@b.example") == "ask [staff id] or [e-mail]"


@settings(deadline=None)
@given(st.sampled_from(SECRETS[:10]), st.data())
def test_an_answer_that_broke_off_ends_in_no_part_of_a_number_or_address(secret, data):
    """However much of it had come, a part that tells something is cut."""
    part = secret[: data.draw(st.integers(1, len(secret) - 1))]
    shown = unfinished(redacted_text(f"It is: {part}"))
    assert sum(sign.isdigit() for sign in shown) == 0
    assert "@" not in shown


@pytest.mark.parametrize(
    "text", ["there were 3 dogs", "write to [e-mail]", "call [order id]", "終わりです", "Goodbye."]
)
def test_an_answer_that_broke_off_elsewhere_stays(text):
    """Words, and what was replaced already, are not cut."""
    assert unfinished(text) == text
