"""Names of Bedrock's errors, as the SDK gives them, and what became of the request that met them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

from loadtester.drivers.wire.detail import short_detail
from loadtester.drivers.wire.status import outcome_of_code, outcome_of_status
from loadtester.model import Ending, Outcome

#: In small letters: AWS writes some of them with "Exception" at the end, some without.
_CREDENTIALS: Final = (
    "accessdenied",
    "expiredtoken",
    "incompletesignature",
    "invalidclienttokenid",
    "invalidsignature",
    "missingauthenticationtoken",
    "optinrequired",
    "signaturedoesnotmatch",
    "unauthorized",
    "unrecognizedclient",
)


def ending_of_error(code: str, message: str, status: int | None) -> Ending:
    """How a request ended that was answered with an error; `status` is None where it came inside a stream.

    The name counts before the status: ModelNotReady (429) is no quota, ServiceQuotaExceeded (400) is one, ModelError
    (424) is no time-out. In a stream an error keeps its outcome, but for the one that says the stream itself failed.
    """
    if status is None:
        outcome = Outcome.BROKEN if "modelstreamerror" in code.lower() else outcome_of_code(code)
        return Ending(outcome or Outcome.SERVER_ERROR, detail=short_detail(f"in the stream {code}: {message}"))
    outcome = outcome_of_code(code) or outcome_of_status(status)
    return Ending(outcome, detail=short_detail(f"{status} {code}: {message}"))


def is_credentials_error(code: str, status: int | None) -> bool:
    """Whether the error says that the caller is unknown or not allowed."""
    return status in (401, 403) or code.lower().startswith(_CREDENTIALS)


def read_error(status: int, error_type: bytes | None, body: bytes) -> tuple[str, str]:
    """The name and the text of an answer that is an error, by the SDK's rules; `error_type` is x-amzn-ErrorType.

    Without a name it is the status; a body that is no JSON is the text, unless it is a gateway's page.
    """
    fields = _fields(body)
    if fields is None:
        is_page = status >= HTTPStatus.INTERNAL_SERVER_ERROR and (body.strip() == b"" or body.strip()[:6] == b"<html>")
        fields = {"message": _phrase(status) if is_page else body.decode("utf-8", "replace")}
    code = error_type.decode("latin-1") if error_type is not None else _first(fields, "code", "Code", "__type")
    name = code.partition(":")[0].rpartition("#")[2]
    return name or str(status), _first(fields, "message", "Message")


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        fields = msgspec.json.decode(body)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else {}


def _first(fields: dict[str, Any], *names: str) -> str:
    return next((str(fields[name]) for name in names if fields.get(name) is not None), "")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
