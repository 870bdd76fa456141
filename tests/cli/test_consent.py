"""A run that may cost real money is agreed to first; the targets here are never contacted."""

import io
import sys

import pytest
from typer.testing import CliRunner

from loadtester.cli.app import app
from loadtester.cli.consent import require_consent
from loadtester.errors import Exit, FmloadError
from loadtester.scenario import resolve

#: Some $8 on Claude 3 Sonnet and Haiku.
DEAR = {"load.rate": "20/s", "load.duration": "200s"}


class Terminal(io.StringIO):
    """A stdin that somebody types at, or not."""

    def __init__(self, typed, *, is_terminal=True):
        super().__init__(typed)
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal


@pytest.fixture
def answer(monkeypatch):
    """Puts a terminal in the place of stdin, at which this was typed."""
    return lambda typed, **kind: monkeypatch.setattr(sys, "stdin", Terminal(typed, **kind))


@pytest.mark.parametrize("url", ["bedrock:us-east-1", "https://shop.invalid/chat", "wss://shop.invalid/chat"])
def test_nobody_to_ask_is_a_refusal(answer, url):
    """Wrong usage: the message says what it may cost, the remedy how to agree."""
    answer("y\n", is_terminal=False)
    with pytest.raises(FmloadError, match=r"may cost \$\d+\.\d\d, more than the \$5\.00") as caught:
        require_consent(resolve({"target.url": url, **DEAR}))
    assert caught.value.code == Exit.USAGE
    assert "--max-cost" in caught.value.remedy
    assert "--yes" in caught.value.remedy


@pytest.mark.parametrize("typed", ["y\n", "Yes\n"])
def test_yes_lets_it_run(answer, capsys, typed):
    """The question is on stderr, so that stdout stays the report's."""
    answer(typed)
    require_consent(resolve({"target.url": "bedrock:us-east-1", **DEAR}))
    said = capsys.readouterr()
    assert "Run it? [y/N]" in said.err
    assert said.out == ""


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "what?\n"])
def test_anything_else_is_no(answer, typed):
    """Also the end of the input."""
    answer(typed)
    with pytest.raises(FmloadError, match="not agreed to; nothing was sent"):
        require_consent(resolve({"target.url": "bedrock:us-east-1", **DEAR}))


def test_ctrl_c_at_the_question_is_an_interruption(monkeypatch):
    """Code 105, as of a run that is interrupted."""

    class Impatient(Terminal):
        def readline(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Impatient(""))
    with pytest.raises(FmloadError, match="interrupted; nothing was sent") as caught:
        require_consent(resolve({"target.url": "bedrock:us-east-1", **DEAR}))
    assert caught.value.code == Exit.INTERRUPTED


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"target.url": "http://127.0.0.1:8080"},
        {"target.url": "http://[::1]:8080"},
        {"target.url": "http://localhost:8080"},
        {"target.url": "bedrock:us-east-1", "target.endpoint_url": "http://127.0.0.1:8081"},
        {"target.url": "bedrock:us-east-1", "safety.max_cost": "50"},
        {"target.url": "bedrock:us-east-1", "safety.confirm_over_usd": "100000"},
        {"target.url": "bedrock:us-east-1", "load.duration": "1s"},
        {"target.url": "bedrock:us-east-1", "safety.max_requests": 20},
        {"target.url": "openai+https://models.invalid/v1", "model": "nobody.knows"},
    ],
)
def test_what_needs_no_consent(answer, flags):
    """Targets on this machine, what has a budget, costs little, or has no price at all."""
    answer("", is_terminal=False)
    require_consent(resolve({**DEAR, **flags}))


def test_requests_that_are_tried_again_are_paid_for_in_the_end(answer):
    """What a quota throttles counts as answered where throttled requests are tried again, and not where they aren't."""
    answer("", is_terminal=False)
    tight = {**DEAR, "target.url": "bedrock:us-east-1", "quota.tokens_per_minute": 2_000}
    require_consent(resolve(tight))
    with pytest.raises(FmloadError, match="may cost"):
        require_consent(resolve({**tight, "load.on_throttle": "backoff"}))


@pytest.mark.parametrize(
    ("flags", "said"),
    [((), "may cost"), (("--yes",), "--max-rate allows 1/s"), (("--max-cost", "9"), "--max-rate allows 1/s")],
)
def test_the_command_asks_before_it_starts(tmp_path, monkeypatch, flags, said):
    """Without consent that is all; with --yes or a budget the next check is reached. Nothing is written."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        app, ["run", "bedrock:us-east-1", "-r", "20/s", "-d", "200s", "--max-rate", "1/s", *flags]
    )
    assert isinstance(done.exception, FmloadError), done.output
    assert said in done.exception.message
    assert list(tmp_path.iterdir()) == []
