"""Every message that is taken ends as one line of the journal, and as an answer or a ChatError."""

import asyncio
import io
import json

import pytest

from target_app.chat import Done, Timing, Usage
from target_app.errors import ChatError, Code
from target_app.journal import Journal
from target_app.orchestrator import Answer
from target_app.reception import ClientGoneError, Reception

DATA = json.dumps({"request_id": "r", "session_id": "s", "message": "hi", "model": "asked"})
DONE = Done("r", "s", "answered", "end_turn", Usage(3, 2, 5, 7), Timing(0.0, 0.0, 0.0, 0.0))


class Orchestra:
    """Stands in for the orchestrator: says one piece, then ends as it is told."""

    def __init__(self, ending=None):
        self.ending = ending

    async def answer(self, _, deliver=None, user=None):
        self.user = user
        if deliver:
            await deliver("pi")
            await deliver("ece")
        if self.ending:
            raise self.ending
        return Answer("piece", DONE)


def ticks():
    return iter(range(100, 1000)).__next__


def taken(ending=None, data=DATA, deliver=None):
    """The answer or the exception, and the journal's lines."""
    file = io.StringIO()
    reception = Reception(Orchestra(ending), Journal(file), ticks())

    async def run():
        try:
            return await reception.take(data, "sse", deliver)
        except BaseException as error:  # noqa: BLE001  cancellation too is what is looked at
            return error

    result = asyncio.run(run())
    return result, [json.loads(line) for line in file.getvalue().splitlines()]


async def ignore(text):
    pass


def test_an_answer_and_its_line():
    """A complete answer is on record with its three times, the model that answered and all four token counts."""
    answer, lines = taken(deliver=ignore)
    assert answer == Answer("piece", DONE)
    assert lines == [
        {
            "request_id": "r",
            "session_id": "s",
            "transport": "sse",
            "outcome": "ok",
            "arrived_ns": 100,
            "first_ns": 101,
            "ended_ns": 102,
            "model": "answered",
            "finish_reason": "end_turn",
            "input_tokens": 3,
            "output_tokens": 2,
            "cache_read_tokens": 5,
            "cache_write_tokens": 7,
        }
    ]


def test_unstreamed_there_is_no_first_text():
    """Where nothing is streamed, the time of the first text is missing, not 0."""
    _, (line,) = taken()
    assert line["first_ns"] is None


@pytest.mark.parametrize(
    ("ending", "raised", "outcome"),
    [
        (ChatError(Code.THROTTLED, "slow down"), ChatError, "throttled"),
        (ChatError(Code.MODEL_TIMEOUT, "silent"), ChatError, "model_timeout"),
        (ClientGoneError(), ClientGoneError, "client_gone"),
        (asyncio.CancelledError(), asyncio.CancelledError, "client_gone"),
        (ZeroDivisionError("secret detail"), ChatError, "internal"),
    ],
)
def test_what_goes_wrong_is_on_record(ending, raised, outcome):
    """Each failure has its outcome, the model that was asked, and no tokens."""
    error, (line,) = taken(ending)
    assert isinstance(error, raised)
    assert (line["outcome"], line["model"], line["input_tokens"]) == (outcome, "asked", None)


def test_a_bug_is_internal_and_stays_inside(caplog):
    """An unforeseen exception becomes `internal` without its words, which go to the log."""
    error, _ = taken(ZeroDivisionError("secret detail"))
    assert error.code is Code.INTERNAL
    assert "secret" not in error.message
    assert "secret detail" in caplog.text


def test_a_bad_message_is_on_record():
    """What can't be read as a message still has its line, with nothing made up."""
    error, (line,) = taken(data="{")
    assert error.code is Code.BAD_REQUEST
    assert (line["outcome"], line["request_id"], line["model"]) == ("bad_request", None, None)


def test_without_a_log_nothing_is_written():
    """A service without a log answers all the same."""
    reception = Reception(Orchestra(), Journal(None))
    assert asyncio.run(reception.take(DATA, "rest")).text == "piece"
