"""What is printed comes whole, however it is read."""

from __future__ import annotations

import io

from loadtester.cli.streams import buffered


class Narrow(io.RawIOBase):
    """A pipe that takes ten bytes at a time."""

    def __init__(self):
        self.taken = b""

    def writable(self):
        return True

    def write(self, data):
        self.taken += bytes(data[:10])
        return min(10, len(data))


def test_a_bare_stream_gets_a_buffer():
    """A write that takes a part is followed by the rest; what is written is there at the end of its line."""
    raw = Narrow()
    bare = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    whole = buffered(bare)
    whole.write("0123456789abcdefghij漫画\n")
    assert raw.taken.decode() == "0123456789abcdefghij漫画\n"
    assert (whole.encoding, whole.errors) == (bare.encoding, bare.errors)


def test_one_with_a_buffer_stays():
    """Nothing is put between where nothing is missing."""
    stream = io.TextIOWrapper(io.BytesIO())
    assert buffered(stream) is stream
