"""What a refusal means: an HTTP status and an error body, or an error inside an answer, as an Ending."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from loadtester.drivers.wire.detail import short_detail
from loadtester.model import Ending, Outcome

_STATUSES: Final = {
    408: Outcome.MODEL_TIMEOUT,
    424: Outcome.MODEL_TIMEOUT,
    429: Outcome.THROTTLED,
    503: Outcome.UNAVAILABLE,
    # A gateway in front of the model gave up on it.
    504: Outcome.MODEL_TIMEOUT,
    524: Outcome.MODEL_TIMEOUT,
    # Anthropic: overloaded.
    529: Outcome.UNAVAILABLE,
}

#: Codes, in small letters without _, - and a final "exception", that say more than the status they come with.
#: Sources: docs/target-api.md, botocore's service model of bedrock-runtime, the API references of OpenAI, Azure OpenAI
#: and Anthropic (2026).
_SPECIFIC: Final = {
    "throttled": Outcome.THROTTLED,
    "throttling": Outcome.THROTTLED,
    "ratelimitexceeded": Outcome.THROTTLED,
    "ratelimiterror": Outcome.THROTTLED,
    "ratelimitreached": Outcome.THROTTLED,
    "toomanyrequests": Outcome.THROTTLED,
    "limitexceeded": Outcome.THROTTLED,
    "requestlimitexceeded": Outcome.THROTTLED,
    "insufficientquota": Outcome.THROTTLED,
    "quotaexceeded": Outcome.THROTTLED,
    "servicequotaexceeded": Outcome.THROTTLED,
    "resourceexhausted": Outcome.THROTTLED,
    "unavailable": Outcome.UNAVAILABLE,
    "serviceunavailable": Outcome.UNAVAILABLE,
    "modelnotready": Outcome.UNAVAILABLE,
    "overloaded": Outcome.UNAVAILABLE,
    "overloadederror": Outcome.UNAVAILABLE,
    "engineoverloaded": Outcome.UNAVAILABLE,
    "slowdown": Outcome.UNAVAILABLE,
    "nocapacity": Outcome.UNAVAILABLE,
    "modeltimeout": Outcome.MODEL_TIMEOUT,
    "timeout": Outcome.MODEL_TIMEOUT,
    "timeouterror": Outcome.MODEL_TIMEOUT,
    "requesttimeout": Outcome.MODEL_TIMEOUT,
    "modelerror": Outcome.SERVER_ERROR,
    "modelstreamerror": Outcome.SERVER_ERROR,
    "contentfilter": Outcome.FILTERED,
    "contentfiltered": Outcome.FILTERED,
    "contentpolicyviolation": Outcome.FILTERED,
    "responsibleaipolicyviolation": Outcome.FILTERED,
}
#: Codes that only tell whose fault it was: they count where no status says it.
_GENERAL: Final = {
    "badrequest": Outcome.CLIENT_ERROR,
    "badrequesterror": Outcome.CLIENT_ERROR,
    "invalidrequesterror": Outcome.CLIENT_ERROR,
    "contextlengthexceeded": Outcome.CLIENT_ERROR,
    "validation": Outcome.CLIENT_ERROR,
    "authenticationerror": Outcome.CLIENT_ERROR,
    "permissionerror": Outcome.CLIENT_ERROR,
    "notfounderror": Outcome.CLIENT_ERROR,
    "modelnotfound": Outcome.CLIENT_ERROR,
    "requesttoolarge": Outcome.CLIENT_ERROR,
    "invalidapikey": Outcome.CLIENT_ERROR,
    "accessdenied": Outcome.CLIENT_ERROR,
    "resourcenotfound": Outcome.CLIENT_ERROR,
    "forbidden": Outcome.CLIENT_ERROR,
}
#: Bodies longer than this are not taken for a JSON error.
_MOST_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Fault:
    """An error object: its codes from the most particular to the most general, and its text."""

    codes: tuple[str, ...]
    message: str


def outcome_of_status(status: int) -> Outcome:
    """The outcome that an HTTP status alone stands for; 2xx and 1xx are no refusals, so here they are broken."""
    special = _STATUSES.get(status)
    if special is not None:
        return special
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.CLIENT_ERROR
    return Outcome.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.BROKEN


def outcome_of_code(code: str) -> Outcome | None:
    """The outcome that an error code stands for, however it is spelt (`throttlingException`, `rate_limit_error`)."""
    key = _key(code)
    return _SPECIFIC.get(key) or _GENERAL.get(key)


def has_fault(error: msgspec.Raw) -> bool:
    """Whether the field `error` of an answer, undecoded, holds one."""
    return bool(error) and bytes(error) != b"null"


def read_fault(data: bytes) -> Fault | None:
    """The error in a JSON body, whatever API it is of; None where the body is none."""
    if len(data) > _MOST_BYTES:
        return None
    try:
        body = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None
    return fault_of(body)


def fault_of(body: Any) -> Fault | None:
    """The error in decoded JSON: `{"error": {…}}`, `{"error": "…"}`, or the fields of one at the top."""
    if not isinstance(body, dict):
        return None
    inner = body.get("error")
    if isinstance(inner, dict):
        return Fault(_codes(inner), _message(inner))
    if isinstance(inner, str) and inner:
        return Fault(_codes(body), _message(body) or inner)
    codes, message = _codes(body), _message(body)
    return Fault(codes, message) if message else None


def ending_of_status(status: int, body: bytes, note: str = "", retry_after_s: float | None = None) -> Ending:
    """How a request ended that was answered with `status`, not 2xx, and this body; `note` tells more of it."""
    fault = read_fault(body)
    outcome = outcome_of_status(status)
    if fault is not None:
        outcome = next((_SPECIFIC[key] for key in map(_key, fault.codes) if key in _SPECIFIC), outcome)
    said = fault.message if fault is not None else body[:1000].decode("utf-8", "replace")
    code = fault.codes[0] if fault is not None and fault.codes else ""
    told = _told(str(status), code, f"{note}: {said}" if note and said else note or said)
    return Ending(outcome, detail=told, retry_after_s=retry_after_s)


def ending_of_fault(fault: Fault) -> Ending:
    """How a request ended whose answer, 200 at first, held an error: by its code, else it is the server's."""
    outcome = next(filter(None, map(outcome_of_code, fault.codes)), None)
    if outcome is None:
        numbers = [int(code) for code in fault.codes if code.isascii() and code.isdigit()]
        outcome = next((outcome_of_status(number) for number in numbers if number in range(300, 600)), None)
    code = fault.codes[0] if fault.codes else ""
    return Ending(outcome or Outcome.SERVER_ERROR, detail=_told("error in the answer", code, fault.message))


def ending_of_error(data: bytes) -> Ending:
    """How a request ended whose answer, 200 at first, held this JSON of an error."""
    return ending_of_fault(read_fault(data) or Fault((), ""))


def _told(what: str, code: str, said: str) -> str:
    return short_detail(said, f"{what} {code}" if code and code != what else what)


def _key(code: str) -> str:
    # AWS: `Name:http://…` in a header, `com.amazon…#Name` in a body.
    bare = code.partition(":")[0].rpartition("#")[2]
    return bare.lower().replace("_", "").replace("-", "").replace(" ", "").removesuffix("exception")


def _codes(fields: dict[str, Any]) -> tuple[str, ...]:
    found = (fields.get(name) for name in ("code", "type", "error_type", "__type", "status"))
    inner = fields.get("innererror")
    nested = (inner.get("code"),) if isinstance(inner, dict) else ()
    return tuple(str(code) for code in (*found, *nested) if isinstance(code, str | int) and code not in ("", "error"))


def _message(fields: dict[str, Any]) -> str:
    for name in ("message", "Message", "detail"):
        said = fields.get(name)
        if isinstance(said, str) and said:
            return said
    return ""
