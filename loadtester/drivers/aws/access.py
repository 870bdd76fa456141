"""Where Bedrock is and who asks, as the AWS SDK has it. Importing this takes the SDK's half a second."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import NoCredentialsError
from botocore.session import get_session

from loadtester.drivers.http.headers import sendable

#: A request that is made up to its signature and never sent.
_REHEARSAL: Final = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "m"}]}]}
_REHEARSED_PATH: Final = "/model/m/converse"
_PORTS: Final = {"http": 80, "https": 443}
_SCOPE: Final = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Keys:
    """What requests are signed with, until `Access.keys` gives others; secret."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """The endpoint, and either the credentials that sign for `region` and `service`, or the `bearer` header itself.

    `path_prefix` is "" but for an endpoint URL with a path; `ca_bundle` is the SDK's own setting.
    """

    host: str
    port: int
    is_secure: bool
    authority: str
    path_prefix: str
    region: str
    service: str
    bearer: str | None = field(repr=False)
    ca_bundle: Path | None
    credentials: Any = field(repr=False)

    @property
    def may_expire(self) -> bool:
        """Whether the credentials have to be asked for again and again."""
        return isinstance(self.credentials, RefreshableCredentials)

    def keys(self) -> Keys:
        """The credentials of now, fetched again where they are about to expire; blocks, so not for the loop's thread.

        Raises the SDK's exceptions, and FmloadError where they can't be sent.
        """
        frozen = self.credentials.get_frozen_credentials()
        keys = Keys(frozen.access_key, frozen.secret_key, frozen.token)
        sendable({"Authorization": keys.access_key, "X-Amz-Security-Token": keys.token or ""})
        return keys


class _HeldBackError(Exception):
    """The rehearsed request, instead of its answer."""

    def __init__(self, url: str, authorization: str) -> None:
        super().__init__()
        self.url = url
        self.authorization = authorization


def find_access(region: str | None, endpoint_url: str | None) -> Access:
    """Have the SDK make a request, with all its ways to find region, endpoint and credentials, and read it.

    Where `region` or `endpoint_url` is None, the SDK looks in the environment and the profile. Blocks (files, single
    sign-on, metadata services), so not for the loop's thread. Raises the SDK's exceptions.
    """
    session = get_session()
    client: Any = session.create_client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=endpoint_url,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    client.meta.events.register("before-send.bedrock-runtime.Converse", _hold_back)
    try:
        client.converse(**_REHEARSAL)
    except _HeldBackError as held:
        return _read(held, session)
    finally:
        client.close()
    raise AssertionError("the SDK sent a request that was to be held back")


def _hold_back(request: Any, **_: Any) -> None:
    authorization = request.headers["Authorization"]
    raise _HeldBackError(request.url, authorization.decode() if isinstance(authorization, bytes) else authorization)


def _read(held: _HeldBackError, session: Any) -> Access:
    parts = urlsplit(held.url)
    scope = _SCOPE.search(held.authorization)
    credentials = session.get_credentials() if scope is not None else None
    if scope is not None and credentials is None:
        raise NoCredentialsError
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    name = f"[{host}]" if ":" in host else host
    bearer = None if scope is not None else held.authorization
    sendable({"Authorization": bearer or ""})
    ca_bundle = session.get_config_variable("ca_bundle")
    return Access(
        host=host,
        port=port,
        is_secure=parts.scheme == "https",
        authority=name if port == _PORTS[parts.scheme] else f"{name}:{port}",
        path_prefix=parts.path.removesuffix(_REHEARSED_PATH),
        region=scope["region"] if scope is not None else "",
        service=scope["service"] if scope is not None else "",
        bearer=bearer,
        ca_bundle=Path(ca_bundle) if ca_bundle else None,
        credentials=credentials,
    )
