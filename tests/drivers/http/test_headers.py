"""Header fields: found however they are spelt, and sent only if they can be."""

import pytest

from loadtester.drivers.http.headers import find, post_head
from loadtester.errors import FmloadError


@pytest.mark.parametrize("name", [b"content-type", b"Content-Type", b"CONTENT-TYPE"])
def test_find(name):
    """A field is found in any spelling; one that is missing is None."""
    assert find({b"Content-Tipe": b"no", name: b"yes"}, b"content-type") == b"yes"
    assert find({name: b"yes"}, b"retry-after") is None


def test_post_head():
    """The head is complete but for the length, and asks for no compression."""
    head = post_head("h:8080", "/v1/chat", {"X-Team": " manga "}, accept="application/json")
    line, *fields = head.decode().split("\r\n")
    assert line == "POST /v1/chat HTTP/1.1"
    assert fields[-1] == "content-length: "
    assert {"host: h:8080", "accept-encoding: identity", "content-type: application/json", "x-team: manga"} < set(
        fields
    )


def test_users_fields_win():
    """A field of the user's takes the place of ours, in whatever spelling: it is never there twice."""
    head = post_head("h", "/", {"HOST": "other", "Accept-Encoding": "gzip"}, accept="*/*").decode()
    assert head.count("host: ") == head.count("accept-encoding: ") == 1
    assert "host: other\r\n" in head
    assert "accept-encoding: gzip\r\n" in head


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Key", "secret\r\nX-Evil: 1"),
        ("X-Key", "secret\n"),
        ("X-Key", "secret\0"),
        ("X-Key", "秘密"),
        ("X Key", "secret"),
        ("", "secret"),
        ("Key:", "secret"),
        ("Content-Length", "secret"),
        ("transfer-encoding", "secret"),
        ("Connection", "secret"),
    ],
)
def test_refused_fields(name, value):
    """What would break the message is refused, and the value is not shown."""
    with pytest.raises(FmloadError) as error:
        post_head("h", "/", {name: value}, accept="*/*")
    assert "secret" not in str(error.value)
    assert "秘密" not in str(error.value)
