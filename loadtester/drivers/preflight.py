"""Is the target there, and does it take the credentials: one GET that costs nothing, before any load."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from loadtester.drivers.endpoint import Endpoint
from loadtester.drivers.http.fault import reason
from loadtester.errors import Exit, FmloadError

LIMIT_S: Final = 10.0

_REFUSED: Final = (401, 403)
#: For plain HTTP, which needs no certificates: loading the system's takes a while.
_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def preflight(
    endpoint: Endpoint, tls: ssl.SSLContext | None, *, limit_s: float = LIMIT_S, uses_proxies: bool = False
) -> None:
    """GET the endpoint's `check_url`; any answer but 401 and 403 will do. Raises FmloadError, code 113.

    `uses_proxies` has it go the way that the environment's proxy settings tell.
    """
    # httpx takes a tenth of a second to import, and the load path does without it.
    import httpx  # noqa: PLC0415

    try:
        async with (
            httpx.AsyncClient(verify=tls or _TRUSTS_NOBODY, trust_env=uses_proxies, timeout=limit_s) as client,
            asyncio.timeout(limit_s),
            client.stream("GET", endpoint.check_url, headers=dict(endpoint.headers)) as answer,
        ):
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        is_silent = isinstance(error, TimeoutError | httpx.TimeoutException) and not isinstance(
            error, httpx.ConnectTimeout
        )
        said = f"no answer within {limit_s:g} s" if is_silent else why(error, limit_s)
        raise FmloadError(
            f"{endpoint.shown} can't be reached: {said}",
            remedy="check that the target runs and that its address is right",
            code=Exit.UNREACHABLE,
        ) from error
    if status in _REFUSED:
        raise FmloadError(
            f"{endpoint.shown} refuses the credentials (HTTP {status})",
            remedy="give --header 'Authorization: …', or set FMLOAD_HEADER (or OPENAI_API_KEY) in the environment",
            code=Exit.UNREACHABLE,
        )


def why(error: BaseException, limit_s: float) -> str:
    """What kept httpx from an answer: the reason of the operating system or TLS, which it holds further inside."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError | TimeoutError) or (isinstance(seen, OSError) and seen.errno is not None):
            return reason(seen, limit_s)
        seen = seen.__cause__ or seen.__context__
    return "the answer is not HTTP" if "Protocol" in type(error).__name__ else "the connection failed"
