"""Heads of requests: signed with the keys and the second of now, or with a bearer token."""

import asyncio
from types import SimpleNamespace

import pytest

from loadtester.drivers.aws import caller as module
from loadtester.drivers.aws.caller import Caller
from loadtester.drivers.aws.sigv4 import Signer

NEW_YEAR_S = 1_767_225_600.0
PATH = "/model/m%3A0/converse"


class Access:
    """An Access whose keys are those of `queue`, one after the other; an exception there is raised."""

    host, port, is_secure, authority, path_prefix = "127.0.0.1", 9, False, "127.0.0.1:9", "/pre"
    region, service, ca_bundle = "us-east-1", "bedrock", None

    def __init__(self, queue=(), *, bearer=None):
        self.queue = list(queue)
        self.bearer = bearer
        self.may_expire = bool(queue)

    def keys(self):
        said = self.queue.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def keys(name):
    return SimpleNamespace(access_key=name, secret_key="s", token=None)


def lines(head):
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-1])


def test_a_head_is_signed_for_its_second():
    """With the signer's own signature, over the whole path, and a new date with each second."""
    now = [NEW_YEAR_S]

    async def main():
        caller = Caller(Access(), keys("AKID"), None, now_s=lambda: now[0])
        heads = []
        for step_s in (0.0, 0.9, 0.2):
            now[0] += step_s
            heads.append(caller.head(PATH, b"{}"))
        await caller.aclose()
        return heads

    first, same, later = asyncio.run(main())
    assert first == same
    assert first.startswith(b"POST /pre/model/m%3A0/converse HTTP/1.1\r\nhost: 127.0.0.1:9\r\n")
    assert first.endswith(b"\r\ncontent-length: ")
    signer = Signer("AKID", "s", None, region="us-east-1", service="bedrock")
    for head, date in ((first, "20260101T000000Z"), (later, "20260101T000001Z")):
        signed = signer.headers(f"/pre{PATH}", "127.0.0.1:9", "application/json", b"{}", date)
        assert lines(head).items() >= signed.items()


def test_a_bearer_token_needs_no_signature():
    """It is sent as the SDK would send it."""

    async def main():
        caller = Caller(Access(bearer="Bearer t"), None, None)
        head = caller.head(PATH, b"{}")
        await caller.aclose()
        return head

    head = asyncio.run(main())
    assert lines(head)["authorization"] == "Bearer t"
    assert b"X-Amz-Date" not in head


def test_new_keys_sign_from_then_on():
    """Old ones stay in use where none can be had."""

    async def main():
        caller = Caller(Access([keys("NEW"), OSError("no network")]), keys("OLD"), None)
        names = []
        for _ in range(2):
            names.append(lines(caller.head(PATH, b""))["Authorization"].split("/")[0].rpartition("=")[2])
            try:
                await caller.refresh()
            except OSError:
                names.append("kept")
        names.append(lines(caller.head(PATH, b""))["Authorization"].split("/")[0].rpartition("=")[2])
        await caller.aclose()
        return names

    assert asyncio.run(main()) == ["OLD", "NEW", "kept", "NEW"]


def test_keys_that_expire_are_looked_at_all_along(monkeypatch):
    """Also after a failure; until the end, which leaves no task behind."""
    monkeypatch.setattr(module, "REFRESH_S", 0.0)

    async def main():
        access = Access([OSError("no network"), keys("NEW")])
        caller = Caller(access, keys("OLD"), None)
        async with asyncio.timeout(20):
            while b"=NEW/" not in caller.head(PATH, b""):  # noqa: ASYNC110  what is waited for has no event to set
                await asyncio.sleep(0)
        access.queue = [keys("NEW")] * 1000
        await caller.aclose()
        return asyncio.all_tasks() == {asyncio.current_task()}

    assert asyncio.run(main())


@pytest.mark.parametrize("bearer", [None, "Bearer t"])
def test_keys_that_stay_need_no_task(bearer):
    """Static ones and tokens are never looked at again."""

    async def main():
        caller = Caller(Access(bearer=bearer), None if bearer else keys("AKID"), None)
        alone = asyncio.all_tasks() == {asyncio.current_task()}
        await caller.aclose()
        return alone

    assert asyncio.run(main())
