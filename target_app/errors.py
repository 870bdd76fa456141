"""What a chat message can fail with: the codes of the API, and the exception that carries one."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Code(StrEnum):
    """The error codes of the API."""

    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_ERROR = "model_error"
    INTERNAL = "internal"


#: The HTTP status each code is answered with, where nothing has been sent yet.
STATUS: Final = MappingProxyType(
    {
        Code.BAD_REQUEST: 400,
        Code.UNAUTHORIZED: 401,
        Code.FORBIDDEN: 403,
        Code.NOT_FOUND: 404,
        Code.METHOD_NOT_ALLOWED: 405,
        Code.THROTTLED: 429,
        Code.UNAVAILABLE: 503,
        Code.MODEL_TIMEOUT: 504,
        Code.MODEL_ERROR: 502,
        Code.INTERNAL: 500,
    }
)


class ChatError(Exception):
    """A chat message that gets no answer.

    `message` is for the client to read; `retry_after` is the model's own Retry-After header, if it sent one.
    """

    def __init__(self, code: Code, message: str, *, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def body(self) -> dict[str, str]:
        """The error as the API shows it."""
        return {"code": self.code, "message": self.message}
