"""Kept exchanges as text and as a section of the page: whole, in order, and harmless."""

from decimal import Decimal

from loadtester.model import Outcome, Usage
from loadtester.recorder import Exchange
from loadtester.reporters.exchange_text import exchanges_text
from loadtester.reporters.html.exchanges import exchanges

EVIL = """"><script>document.title='evil'</script><!--</details>'&\x1b[31m"""


def kept(**changes):
    facts = {
        "id": 7, "query": "greeting", "kind": "ai", "model": "m", "answered_by": "n", "session": "s-1", "turn": 2,
        "worker": 0, "due_ns": 1_500_000_000, "sent_ns": 1_501_000_000, "first_ns": 1_750_000_000,
        "done_ns": 2_500_000_000, "outcome": Outcome.OK, "detail": None, "finish_reason": "end_turn", "retries": 1,
        "usage": Usage(1_000, 20), "usd": Decimal("0.0010"), "prompt": "Hello?", "prompt_chars": 6,
        "answer": "Hi.\nBye.", "answer_chars": 9_000, "draw": 0,
    }  # fmt: skip
    return Exchange(**{**facts, **changes})


FAILED = kept(
    id=8, outcome=Outcome.BROKEN, detail="the stream ended", first_ns=None, answer="", answer_chars=0, usd=None
)


def test_text_says_all_of_an_exchange():
    """What failed stands first; moments are from when it was due; a cut text says how long it was."""
    text = exchanges_text([kept(), FAILED])
    assert text.index("broken (1)") < text.index("ok (1)")
    for words in (
        "request 7: greeting (ai, m, answered by n)",
        "session s-1, turn 2, due at 1.500 s, sent +0.001 s, first token +0.250 s, done +1.000 s, tried 2 times",
        "finish reason end_turn, tokens in 1,000, out 20, $0.0010",
        "prompt, 6 characters:\n    Hello?",
        "answer, 9,000 characters:\n    Hi.\n    Bye.",
        "the stream ended",
    ):
        assert words in text
    assert "answer" not in text[: text.index("ok (1)")].replace("answered", "")


def test_the_outcome_is_said_once():
    """Details that begin with the outcome's own name don't say it again under it."""
    one = kept(outcome=Outcome.THROTTLED, detail="throttled: Too many tokens")
    assert "throttled: Too many" not in exchanges_text([one]) + exchanges([one])
    assert "Too many tokens" in exchanges_text([one])
    assert ": Too many tokens</summary>" in exchanges([one])


def test_text_commands_no_terminal():
    """Control characters of a target are shown as what they are: nothing to obey."""
    text = exchanges_text([kept(answer=EVIL, detail=EVIL, finish_reason=EVIL, query=EVIL, outcome=Outcome.BROKEN)])
    assert "\x1b" not in text


def test_the_page_escapes_every_text():
    """No text of an exchange can become markup, wherever it stands."""
    texts = dict.fromkeys(
        ("query", "kind", "model", "answered_by", "session", "detail", "finish_reason", "prompt", "answer"), EVIL
    )
    page = exchanges([kept(**texts, outcome=Outcome.BROKEN)])
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.count("<details>") == page.count("</details>") == 1
    assert page.count("&lt;script&gt;") == 8  # the model that answered is the one asked, and said once


def test_the_page_groups_by_outcome():
    """One heading an outcome with its number; no section where nothing was kept."""
    page = exchanges([kept(), FAILED, kept(id=9)])
    assert page.index("<h3>broken (1)</h3>") < page.index("<h3>ok (2)</h3>")
    assert exchanges([]) is None
