"""A line of HTTP, taken apart."""

import pytest

from loadtester.scenario.call import Call, read_call


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("GET /", Call("GET", "/", b"")),
        ("GET /a?b=c&d=%20", Call("GET", "/a?b=c&d=%20", b"")),
        ('PUT /a {"b": "c d"}', Call("PUT", "/a", b'{"b": "c d"}')),
        ("PATCH /巻  [1]", Call("PATCH", "/%E5%B7%BB", b"[1]")),
    ],
)
def test_lines(line, call):
    """Method, path and body; what is no part of a URL is escaped."""
    assert read_call(line) == call


@pytest.mark.parametrize("line", ["", "GET", "get /", "GET a", "FETCH /", "GET http://h/x", "Hello!"])
def test_no_lines(line):
    """Anything else is none."""
    with pytest.raises(ValueError, match="no HTTP request"):
        read_call(line)
