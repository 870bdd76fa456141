"""The AWS SDK's client for Bedrock, without its retries. Importing this takes the SDK's half a second."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NamedTuple

import aioboto3
from aiobotocore.config import AioConfig

from loadtester.drivers.contract import Probe

#: How long opening a connection may take, in seconds; for the answer, the engine keeps the time.
CONNECT_LIMIT_S: Final = 10

#: The engine caps what is in flight; the SDK's own pool (10 connections) must never be what holds a request back.
_CONNECTIONS: Final = 65_536


class Sending(NamedTuple):
    """What the SDK does not know of the request it sends: who is told that it goes out, and its trace."""

    probe: Probe
    traceparent: str | None


#: What the current task is sending.
sending: ContextVar[Sending | None] = ContextVar("sending", default=None)


def bedrock_client(
    region: str | None, endpoint_url: str | None, ca_file: Path | None
) -> AbstractAsyncContextManager[Any]:
    """A client to enter; where `region` or `endpoint_url` is None, the SDK looks in the environment and the profile.

    `ca_file` takes the place of the SDK's own list of trusted certificates.
    """
    config = AioConfig(
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
        connect_timeout=CONNECT_LIMIT_S,
        read_timeout=None,
    )
    return aioboto3.Session().client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=endpoint_url,
        verify=None if ca_file is None else str(ca_file),
        config=config,
    )


def stamp_sends(client: Any) -> None:
    """Have `client` tell the current task's probe when a signed request goes to the transport, with its trace.

    The trace is not part of what is signed: a proxy on the way may put its own in.
    """
    client.meta.events.register("before-send.bedrock-runtime", _stamp)


def _stamp(request: Any, **_: Any) -> None:
    now = sending.get()
    if now is None:
        return
    if now.traceparent is not None:
        request.headers["traceparent"] = now.traceparent
    now.probe.sent()
