"""A user's expression is refused where it is none, takes out nothing, or could hold a run up."""

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import resolve
from loadtester.scenario.own_pattern import checked
from loadtester.scenario.units import UnfitError


@pytest.mark.parametrize(
    "pattern",
    [r"E\d{6}", r"[+*]\d{3}", r"[]+]x", r"[^]*]x", r"(?<=id )\d{4}", r"ab?c", r"\+\d{2}", r"(?:ab|cd){1,3}x", r"x{}"],
)
def test_bounded_expressions_are_kept(pattern):
    """Signs of repeats in classes or behind a backslash are no repeats."""
    assert checked("staff id", pattern) == ("staff id", pattern)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"a+", "without end"),
        (r"a*b", "without end"),
        (r"x{2,}", "without end"),
        (r"[[]a+", "no regular expression"),
        (r"[^[a]b+", "without end"),
        (r"\[a+", "without end"),
        (r"(a{1,9}){1,9}", "ways"),
        (r"(a|a){1,30}b", "ways"),
        (r"a{0,99}b{0,99}c", "ways"),
        (r"a{2000}", "2,000 times"),
        (r"a{1000000000}", "1,000,000,000 times"),
        (r"a{1,1000000000}", "1,000,000,000 times"),
        (r"a{0000000000,2000000000}", "2,000,000,000 times"),
        (r"a{99999999999}", "no regular expression"),
        (r"(?P<n>x)", "named"),
        (r"(?i)x", "flags"),
        (r"x?", "nothing"),
        (r"(", "no regular expression"),
        ("x" * 201, "201 characters"),
    ],
)
def test_others_are_refused(pattern, words):
    """The fault says what is wrong with it, and a fix."""
    with pytest.raises(UnfitError, match=words) as raised:
        checked("staff id", pattern)
    assert raised.value.fix


@pytest.mark.parametrize("name", ["", "Staff", "<b>", "x" * 40])
def test_names_can_stand_in_a_text(name):
    """A kind is a few small letters."""
    with pytest.raises(UnfitError):
        checked(name, "x")


def test_a_faulty_expression_of_a_file_is_code_104(tmp_path):
    """It is named with its place before anything is sent."""
    path = tmp_path / "mine.yaml"
    path.write_text("output:\n  redact:\n    staff id: 'E(\\d+'\n")
    with pytest.raises(FmloadError, match=r"mine.yaml:3: output.redact") as raised:
        resolve({}, file=path)
    assert raised.value.code is Exit.INPUT


@pytest.mark.parametrize(
    ("flags", "keep"),
    [
        ({}, 20),
        ({"output.keep": 3}, 3),
        ({"output.keep": 0}, 0),
        ({"target.url": "https://chat.example.com"}, 0),
        ({"target.url": "bedrock:us-east-1", "model": "m"}, 0),
        ({"target.protocol": "bedrock", "target.endpoint_url": "http://127.0.0.1:1", "model": "m"}, 0),
        ({"target.url": "https://chat.example.com", "output.keep": 5}, 5),
    ],
)
def test_only_the_bundled_targets_exchanges_are_kept_unasked(flags, keep):
    """What people say to any other target is kept where somebody asked for it."""
    assert resolve(flags).output.keep == keep
