"""Lines of a second become gzip members, slice by slice."""

import gzip

from loadtester.recorder.rows import _SLICE, Rows


def test_every_line_once_in_order():
    """However many lines come, all of them come out of their members in order, and only once."""
    rows = Rows()
    for number in range(2 * _SLICE + 3):
        rows.add(f"line {number}")
    taken = rows.take()
    assert gzip.decompress(taken).decode() == "".join(f"line {number}\n" for number in range(2 * _SLICE + 3))
    rows.add("more")
    assert gzip.decompress(rows.take()) == b"more\n"


def test_nothing_for_no_line():
    """A second without a line is no bytes, not an empty member."""
    assert Rows().take() == b""


def test_lines_are_compressed_as_they_come():
    """No more than a slice of lines waits for the end of the second."""
    rows = Rows()
    for number in range(10 * _SLICE + 1):
        rows.add(str(number))
        assert len(rows._lines) < _SLICE
