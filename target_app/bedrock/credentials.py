"""Who asks: the emulator looks at the access key's name and never at the signature."""

from __future__ import annotations

import re
from collections.abc import Iterable

from target_app.bedrock import errors

_CREDENTIAL = re.compile(rb"AWS4-HMAC-SHA256\s.*?Credential=([^/,\s]+)/")


def check_credentials(headers: Iterable[tuple[bytes, bytes]], access_key: str | None) -> None:
    """Raise BedrockError where there is no Authorization header, or a SigV4 one with another key than `access_key`.

    A bearer token passes as it is.
    """
    authorization = next((value for name, value in headers if name == b"authorization"), None)
    if authorization is None:
        raise errors.no_credentials()
    if access_key is None or not authorization.startswith(b"AWS4-"):
        return
    credential = _CREDENTIAL.match(authorization)
    if credential is None or credential[1] != access_key.encode():
        raise errors.unknown_credentials()
