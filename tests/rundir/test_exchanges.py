"""exchanges.ndjson: appended as the run goes, readable wherever it was cut, and never more than was asked for."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from loadtester.errors import FmloadError
from loadtester.model import Outcome, Usage
from loadtester.recorder import Exchange, Interval
from loadtester.rundir import Writer
from loadtester.rundir.exchanges import NAME, line, read_exchanges

MANIFEST = {"scenario": {"output": {"keep": 20}}}
ONE = Exchange(
    id=1, query="q", kind="ai", model="m", answered_by="m", session="s", turn=1, worker=0, due_ns=1, sent_ns=2,
    first_ns=None, done_ns=4, outcome=Outcome.THROTTLED, detail="429\n", finish_reason=None, retries=0,
    usage=Usage(1, 2), usd=Decimal("0.10"), prompt="巻\u2028?", prompt_chars=3, answer="", answer_chars=0,
    draw=2**64 - 1,
)  # fmt: skip


def written(tmp_path, *kept):
    writer = Writer(tmp_path, MANIFEST, datetime.now(UTC))
    for second, some in enumerate(kept):
        writer.write(Interval(second, exchanges=some), b"")
    return writer


def test_what_was_written_is_read_back(tmp_path):
    """Second by second, while the run goes on; text and money as they were."""
    other = msgspec.structs.replace(ONE, id=2, due_ns=0)
    writer = written(tmp_path, (ONE,), None, (other,))
    assert read_exchanges(tmp_path, MANIFEST) == (other, ONE)
    writer.close()


def test_a_run_that_keeps_nothing_has_no_file(tmp_path):
    """No file, and nothing to read."""
    written(tmp_path, None).close()
    assert not (tmp_path / NAME).exists()
    assert read_exchanges(tmp_path, {"scenario": {}}) == ()


def test_a_cut_leaves_what_came_before(tmp_path):
    """At whichever byte the file ends, its whole lines are read."""
    whole = line(ONE)
    for end in range(len(whole)):
        (tmp_path / NAME).write_bytes(whole + whole[:end])
        assert read_exchanges(tmp_path, MANIFEST) == (ONE,)


@pytest.mark.parametrize("broken", [b"{}\n", b"?\n", b"\n", b"\xff\n"])
def test_a_broken_line_is_named(tmp_path, broken):
    """A line that nobody cut is a fault of the file."""
    (tmp_path / NAME).write_bytes(line(ONE) + broken)
    with pytest.raises(FmloadError, match=r"exchanges.ndjson cannot be read: line 2"):
        read_exchanges(tmp_path, MANIFEST)


def test_workers_together_wrote_no_more_than_was_asked_for(tmp_path):
    """What is over the run's bound is left out."""
    (tmp_path / NAME).write_bytes(line(ONE) * 9)
    assert len(read_exchanges(tmp_path, {"scenario": {"output": {"keep": 8}}})) == 2
