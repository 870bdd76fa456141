"""Plain HTTP requests beside a driver's own: one Ending each, and the inner driver is left alone."""

import msgspec
import pytest

from loadtester.drivers.crud import CrudDriver
from loadtester.errors import FmloadError
from loadtester.model import Ending, Outcome

EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


class Inner:
    """Remembers what it was asked."""

    opens_ahead = True

    def __init__(self):
        self.asked = []

    async def check(self):
        self.asked.append("check")

    async def prepare(self, request):
        self.asked.append(("prepare", request.id))

    async def send(self, request, probe):  # noqa: ARG002  the contract's signature
        self.asked.append(("send", request.id))
        return Ending(Outcome.TRUNCATED)

    async def finish(self, request):
        self.asked.append(("finish", request.id))

    async def aclose(self):
        self.asked.append("aclose")


def answer(status, body=b""):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def send(run, script, probe, request, *steps, path=""):
    async def work():
        async with script.Server([script.READ, *steps]) as server:
            driver = CrudDriver(Inner(), server.url + path, headers={"X-Team": "manga"}, ca_file=None)
            ending = await driver.send(request, probe)
            await driver.aclose()
            return ending, server.requests

    return run(work())


@pytest.mark.parametrize(
    ("line", "start", "body"),
    [
        ("GET /v1/products?q=One%20Piece&limit=2", b"GET /v1/products?q=One%20Piece&limit=2 HTTP/1.1", b""),
        ("GET /v1/products/巻", b"GET /v1/products/%E5%B7%BB HTTP/1.1", b""),
        ('PUT /v1/carts/u-1/items/A {"quantity": 1}', b"PUT /v1/carts/u-1/items/A HTTP/1.1", b'{"quantity": 1}'),
        ("DELETE /v1/carts/u-1/items/A", b"DELETE /v1/carts/u-1/items/A HTTP/1.1", b""),
        ("POST /v1/x", b"POST /v1/x HTTP/1.1", b""),
    ],
)
def test_the_line_is_what_is_sent(run, script, fake_probe, chat_request, line, start, body):
    """Method, path and body are the line's, at the root of the target, with the run's headers; a 2xx is ok."""
    probe = fake_probe()
    request = msgspec.structs.replace(chat_request, kind="crud", model="", prompt=line)
    ending, ((head, sent),) = send(run, script, probe, request, EMPTY, path="/v1/chat")
    assert ending == Ending(Outcome.OK)
    assert (head.split(b"\r\n")[0], sent) == (start, body)
    assert b"x-team: manga\r\n" in head
    assert (b"content-length: " in head) is (body != b"" or line.startswith("POST"))
    assert probe.moments == ["connected", "sent"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(404, Outcome.CLIENT_ERROR), (429, Outcome.THROTTLED), (503, Outcome.UNAVAILABLE), (500, Outcome.SERVER_ERROR)],
)
def test_a_status_speaks_for_itself(run, script, fake_probe, chat_request, status, outcome):
    """What is no 2xx ends as it does for every other request."""
    request = msgspec.structs.replace(chat_request, kind="crud", model="", prompt="GET /x")
    assert send(run, script, fake_probe(), request, answer(status))[0].outcome is outcome


def test_a_connection_that_breaks(run, script, fake_probe, chat_request):
    """It is broken, as everywhere."""
    request = msgspec.structs.replace(chat_request, kind="crud", model="", prompt="GET /x")
    assert send(run, script, fake_probe(), request, script.RESET)[0].outcome is Outcome.BROKEN


def test_all_else_is_the_inner_drivers(run, fake_probe, chat_request):
    """Chats go to the driver behind it, and so do checks and ends; plain requests open nothing ahead there."""
    inner = Inner()

    async def work():
        driver = CrudDriver(inner, "ws://127.0.0.1:9/ws", headers={}, ca_file=None)
        await driver.check()
        await driver.prepare(chat_request)
        await driver.prepare(msgspec.structs.replace(chat_request, id=8, kind="crud"))
        ending = await driver.send(chat_request, fake_probe())
        await driver.finish(chat_request)
        await driver.aclose()
        return ending

    assert run(work()).outcome is Outcome.TRUNCATED
    assert inner.asked == ["check", ("prepare", 7), ("send", 7), ("finish", 7), "aclose"]


def test_an_address_that_is_none():
    """It is an error that says what to write."""
    with pytest.raises(FmloadError, match="not that of an HTTP service"):
        CrudDriver(Inner(), "ws://:x", headers={}, ca_file=None)
