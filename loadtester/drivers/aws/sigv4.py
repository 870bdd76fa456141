"""AWS Signature Version 4 for one service and region, with the signing key kept for the day.

The scheme is Amazon's (IAM user guide, "Create a signed AWS API request"). Only what our requests need: no query
string, the headers that we send, the whole body hashed.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from urllib.parse import quote


class Signer:
    """Signs requests with one set of credentials; a new one is made when they change.

    Keeps the day's signing key and the canonical form of each path.
    """

    def __init__(self, access_key: str, secret_key: str, token: str | None, *, region: str, service: str) -> None:
        self._access_key = access_key
        self._secret = b"AWS4" + secret_key.encode()
        self._token = token
        self._region = region
        self._service = service
        self._day = ""
        self._key = b""
        self._paths: dict[str, str] = {}
        self._signed = "content-type;host;x-amz-date" + (";x-amz-security-token" if token else "")

    def headers(self, path: str, host: str, content_type: str, body: bytes, now: str) -> dict[str, str]:
        """The headers that a POST of `body` to `path` (as on the wire, already percent-encoded) needs beside its own.

        `now` is UTC as `YYYYMMDDTHHMMSSZ`; `host` and `content_type` must be sent exactly as given.
        """
        day = now[:8]
        if day != self._day:
            self._day, self._key = day, self._signing_key(day)
        canonical_path = self._paths.get(path)
        if canonical_path is None:
            # Every service but S3 encodes the path once more for the signature.
            canonical_path = self._paths[path] = quote(path, safe="/~")
        token = f"x-amz-security-token:{self._token}\n" if self._token else ""
        canonical = (
            f"POST\n{canonical_path}\n\ncontent-type:{content_type}\nhost:{host}\nx-amz-date:{now}\n{token}\n"
            f"{self._signed}\n{sha256(body).hexdigest()}"
        )
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        signed = {
            "X-Amz-Date": now,
            "Authorization": (
                f"AWS4-HMAC-SHA256 Credential={self._access_key}/{scope}, "
                f"SignedHeaders={self._signed}, Signature={signature}"
            ),
        }
        if self._token:
            signed["X-Amz-Security-Token"] = self._token
        return signed

    def _signing_key(self, day: str) -> bytes:
        key = self._secret
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key
