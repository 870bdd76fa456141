"""Texts are redacted before they are cut, cut to what is kept, and the length they had is said."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtester.model import Ending, Outcome, Request
from loadtester.recorder import Keeper, KeepingProbe
from loadtester.recorder.keeper import MOST_BYTES
from loadtester.scenario.personal import redactor

SECRET = "taro.yamada.of.the.manga.shop@example.co.jp"


def kept(prompt, pieces, ending=Ending(Outcome.OK), again=()):  # noqa: B008  it is frozen
    probe = KeepingProbe(lambda: 0, 0)
    for some in (again, pieces):
        probe.again()
        for piece in some:
            probe.chunk(len(piece.encode()), piece)
    probe.done()
    keeper = Keeper(4, seed=1, redact=redactor({}))
    keeper.add(Request(7, "q", "ai", "m", prompt, "s", 1, 10, "en"), probe, ending, None, None)
    (one,) = keeper.take()
    return one


@settings(max_examples=25, deadline=None)  # each redacts some sixteen thousand characters
@given(st.integers(0, 9_000), st.sampled_from("x 巻"), st.lists(st.integers(0, len(SECRET)), max_size=5))
def test_no_part_of_a_secret_survives_a_cut(n_before, filler, splits):
    """Wherever it stands, at a cut or between chunks, in the prompt as in the answer."""
    text = filler * n_before + " " + SECRET + " " + filler * 9_000
    edges = [0, *sorted(n_before + 1 + split for split in splits), len(text)]
    one = kept(text, [text[a:b] for a, b in pairwise(edges)])
    for shown in (one.prompt, one.answer):
        assert "taro" not in shown
        assert "example" not in shown
        assert len(shown.encode()) <= MOST_BYTES
    assert (one.prompt_chars, one.answer_chars) == (len(text), len(text))


def test_short_texts_are_whole():
    """What is shorter than the limit is as it was."""
    one = kept("巻は？", ["第", "3巻です。"])
    assert (one.prompt, one.prompt_chars, one.answer, one.answer_chars) == ("巻は？", 3, "第3巻です。", 6)


def test_long_texts_are_cut_at_a_whole_character():
    """4 KB of UTF-8, and no half character at the end."""
    assert kept("", ["巻" * 5_000]).answer == "巻" * (MOST_BYTES // 3)


def test_the_answer_is_the_last_attempts():
    """What came before a retry is forgotten."""
    assert kept("?", ["second"], again=["first"]).answer == "second"


def test_the_end_of_a_broken_answer_tells_nothing():
    """A number that broke off in the middle is known by no pattern, and is cut; a whole answer's is kept."""
    said = ["Your card is 4111", " 1111 11"]
    assert kept("?", said, Ending(Outcome.BROKEN)).answer == "Your card is [cut]"
    assert kept("?", said).answer == "Your card is 4111 1111 11"


def test_what_the_target_said_is_redacted_too():
    """An error message may quote the question."""
    assert kept("?", [], Ending(Outcome.SERVER_ERROR, detail=f"no user {SECRET}")).detail == "no user [e-mail]"
