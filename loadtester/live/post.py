"""One POST from a watcher's thread, by the standard library: nothing here is in a hurry."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from loadtester import __version__
from loadtester.errors import FmloadError
from loadtester.scenario.redact import mask

_SAID_BYTES = 200


class _NoRedirect(HTTPRedirectHandler):
    """What it carries is for the address that was given, and for no other."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = build_opener(_NoRedirect())


def post(url: str, body: bytes, headers: Mapping[str, str], *, limit_s: float) -> None:
    """Send it, `url` being http or https. Raises FmloadError, with what went wrong and no secret, but for a 2xx."""
    request = Request(url, body, {"User-Agent": f"fmload/{__version__}", **headers})  # noqa: S310  checked where it was given
    try:
        with _OPENER.open(request, timeout=limit_s) as answer:
            answer.read(_SAID_BYTES)
    except HTTPError as error:
        with error:
            said = " ".join(error.read(_SAID_BYTES).decode(errors="replace").split())
        raise FmloadError(mask(f"HTTP {error.code} {said}".strip())) from error
    except URLError as error:
        raise FmloadError(mask(str(error.reason))) from error
    except ValueError:
        # What it says has the header's value in it, and so would a traceback.
        raise FmloadError("the address or a header can't be sent") from None
    except (OSError, HTTPException) as error:
        raise FmloadError(mask(str(error) or type(error).__name__)) from error
