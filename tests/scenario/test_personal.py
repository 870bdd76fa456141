"""Personal data and credentials are taken out of a text wherever they stand in it, and other words stay."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.scenario import redact
from loadtester.scenario.personal import redacted_detail, redacted_text, redactor, unfinished
from loadtester.scenario.redact import may_hold_credential

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
        ("BOB%40example.com", "[e-mail]"),
        ("?to=bob%2540example.com&n=1", "[e-mail]&n=1"),
        (r"bob\u0040example.com", "[e-mail]"),
        (r'"to\\": \\"bob\\u0040example.com\\"', r'"to\\": \\"[e-mail]\\"'),
        (r"taro\u002Bmanga\u0040example.com", "[e-mail]"),
        (r"m\u00fcller@example.de", "[e-mail]"),
        (r"\u3044\u3002bob@example.com", r"\u3044\u3002[e-mail]"),
        ("write to bob&#64;example.com!", "write to [e-mail]!"),
        ("phone=%2B81%2090-1234-5678", "phone=[phone]"),
        (r"\u3042090-1234-5678", r"\u3042[phone]"),
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


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached: Limit 100,000 tokens per minute, Used 99500, Requested 1200. Try again in 0.012345678901s",
        "ThrottlingException: Too many tokens per day: 1000000000000",
        "arn:aws:sts::123456789007:assumed-role/app is not authorized on anthropic.claude-3-5-sonnet-20241022-v2:0",
        "claude-3-5-sonnet@20240620, gpt-4o-2024-08-06, gpt-3.5-turbo-0125, command-r-plus-08-2024, llama3-1-405b-v1:0",
        "maximum context length is 128000 tokens, you requested 130000 (126000 in the messages, 4000 to complete)",
        "request 550e8400-e29b-41d4-a716-446655440000, Root=1-67891233-abcdef012345678912345678",
        "req_4111111111111111, msg_01XFDUDYJgAACzvnptvVoYEL, Ray ID: 637412934080100f",
        "2026-11-21T07:30:05.123456Z, 2026-11-21 07:30:05.123456789+0000, 20261121T073005Z, 20261121073005",
        "reset at 1763710205, 1763710205123, 1763710205123456789, 1763710205.123456",
        "connect to 192.168.100.200:44312 failed after 120 s, account 123456789007",
    ],
)
def test_what_machines_say_of_a_failure_stays(text):
    """Limits, ids of requests, models and accounts, times and addresses are taken for nobody's phone or card."""
    assert redacted_detail(text) == text


@given(st.uuids(), st.integers(1_400_000_000_000_000_000, 1_999_999_999_999_999_999))
def test_no_id_and_no_time_is_taken_for_a_number_of_somebody(uuid, ns):
    """Whatever its digits are."""
    text = f"request {uuid} at {ns} ({ns // 1_000_000}, {ns / 1e9:.6f})"
    assert redacted_detail(text) == text


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(SECRETS), min_size=1, max_size=3), st.sampled_from(["429 req_1234 ", "2026-11-21 ", ""])
)
def test_a_failure_keeps_no_secret_beside_what_stays(secrets, before):
    """What machines say hides nothing that stands beside it."""
    shown = redacted_detail(before + ", ".join(secrets))
    assert not any(secret in shown for secret in secrets)


@pytest.mark.parametrize(
    "unit",
    ["%40", r"\u0040", r"\u00e9", "api key is ", "-----BEGIN A A PRIVATE KEY ", "-", "glpat-aaaaaaaaaaaaaaaaa.", "a1",
     "a_", "1.", "0", "+", "secret", "1763710205"],
)  # fmt: skip
def test_time_grows_with_the_length_alone(unit):
    """Sixteen times the text takes about sixteen times the processor's time; were it by the square, 256 times."""

    def took_s(n_chars):
        text = "@" + (unit * n_chars)[:n_chars]
        spent = []
        for _ in range(3):
            began = time.thread_time()
            redacted_detail(text)
            spent.append(time.thread_time() - began)
        return min(spent)

    assert took_s(32_000) < 64 * took_s(2_000)


@pytest.mark.parametrize("kind", redact._MASKS, ids=lambda kind: kind.pattern.pattern[:30])
def test_the_quick_look_misses_no_credential(kind):
    """A text that a mask would change is never passed over, as a whole or by that mask."""
    # What looks ahead can't be drawn from: its match is forty signs of a key.
    is_ahead = not kind.signs
    texts = st.text("aB3/", min_size=40, max_size=40) if is_ahead else st.from_regex(kind.pattern)

    @settings(max_examples=25, deadline=None)
    @given(texts)
    def holds(text):
        if kind.pattern.sub(r"\1***", text) != text:
            assert may_hold_credential(text)
            assert not kind.signs or any(sign in text.casefold() for sign in kind.signs)

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
