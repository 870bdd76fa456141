"""The self-test's own target, byte by byte."""

import json

import pytest

from loadtester.doctor.echo import Echo

POST = b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nA: b\r\n\r\nhello"
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


class _Transport:
    def __init__(self):
        self.written = []

    def write(self, data):
        self.written.append(data)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_each_whole_request_is_answered_once(size):
    """However its bytes are cut, a request gets one answer, and not before it is whole."""
    echo, transport = Echo(), _Transport()
    echo.connection_made(transport)
    data = POST + GET + POST
    for start in range(0, len(data) - 1, size):
        echo.data_received(data[start : min(start + size, len(data) - 1)])
    assert len(transport.written) == 2
    echo.data_received(data[-1:])
    assert len(transport.written) == 3


def test_the_answer_is_a_chats():
    """Sized as it says, ended on its own, with its tokens."""
    echo, transport = Echo(), _Transport()
    echo.connection_made(transport)
    echo.data_received(POST)
    head, _, body = transport.written[0].partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert json.loads(body)["finish_reason"] == "end_turn"
    assert set(json.loads(body)["usage"]) == {"input_tokens", "output_tokens"}
