"""An HTTP request as long as its client is there, on scripted ASGI events."""

import asyncio

import pytest

from target_app.edges import presence
from target_app.errors import ChatError, Code
from target_app.reception import ClientGoneError


def scripted(*events):
    """A receive that gives these events and then none any more."""
    left = list(events)

    async def receive():
        if left:
            return left.pop(0)
        return await asyncio.Event().wait()

    return receive


def part(body, *, more):
    return {"type": "http.request", "body": body, "more_body": more}


GONE = {"type": "http.disconnect"}


def test_a_body_in_parts():
    """The parts of a body come together in order."""
    receive = scripted(part(b"one", more=True), part(b"", more=True), part(b"two", more=False))
    assert asyncio.run(presence.read_body(receive)) == b"onetwo"


def test_a_body_that_breaks_off():
    """A client that leaves before its request is complete asked nothing."""
    with pytest.raises(ClientGoneError):
        asyncio.run(presence.read_body(scripted(part(b"one", more=True), GONE)))


def test_a_body_over_the_limit(monkeypatch):
    """A body over the limit is refused once it has been read to its end; one at the limit is taken."""
    monkeypatch.setattr(presence, "MAX_BODY_BYTES", 6)
    parts = [part(b"123", more=True), part(b"456", more=True)]
    assert asyncio.run(presence.read_body(scripted(*parts, part(b"", more=False)))) == b"123456"
    receive = scripted(*parts, part(b"7", more=True), part(b"8", more=False), GONE)

    async def run():
        with pytest.raises(ChatError) as caught:
            await presence.read_body(receive)
        assert caught.value.code is Code.BAD_REQUEST
        assert await receive() == GONE

    asyncio.run(run())


def test_work_that_ends_gives_its_result():
    """With the client there to the end, the work's result or exception is the outcome."""

    async def work():
        return 7

    async def fault():
        raise ChatError(Code.THROTTLED, "slow down")

    assert asyncio.run(presence.while_present(scripted(), work())) == 7
    with pytest.raises(ChatError):
        asyncio.run(presence.while_present(scripted(), fault()))


def held(begun, released):
    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            released.append(True)

    return work()


def test_a_client_that_leaves_cancels_the_work():
    """When the client leaves first, the work is cancelled and has let go before anything else happens."""
    released = []

    async def run():
        begun, leaving = asyncio.Event(), asyncio.Event()

        async def receive():
            await leaving.wait()
            return GONE

        watched = asyncio.create_task(presence.while_present(receive, held(begun, released)))
        await begun.wait()
        leaving.set()
        with pytest.raises(ClientGoneError):
            await watched

    asyncio.run(run())
    assert released == [True]


def test_cancelled_it_cancels_the_work():
    """A server that ends takes the work with it."""
    released = []

    async def run():
        begun = asyncio.Event()
        watched = asyncio.create_task(presence.while_present(scripted(), held(begun, released)))
        await begun.wait()
        watched.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watched

    asyncio.run(run())
    assert released == [True]
