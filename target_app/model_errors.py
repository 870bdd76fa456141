"""Every way a Bedrock call fails by aioboto3, as an error of the API; the only place that knows those exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

import aiohttp  # aiobotocore's transport; what breaks in the middle of a stream arrives as its errors, unwrapped
from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    ReadTimeoutError,
)

from target_app.errors import ChatError, Code

#: Bedrock's error names (botocore's service model); an exception frame in a stream has them with a small first letter.
_CODES: Final = MappingProxyType(
    {
        "ThrottlingException": Code.THROTTLED,
        "ServiceQuotaExceededException": Code.THROTTLED,
        "ServiceUnavailableException": Code.UNAVAILABLE,
        "ModelNotReadyException": Code.UNAVAILABLE,
        "ModelTimeoutException": Code.MODEL_TIMEOUT,
        "ModelErrorException": Code.MODEL_ERROR,
        "ModelStreamErrorException": Code.MODEL_ERROR,
        "InternalServerException": Code.MODEL_ERROR,
        "ValidationException": Code.BAD_REQUEST,
        "ResourceNotFoundException": Code.BAD_REQUEST,
        # The service's own credentials: nothing the client can mend.
        "AccessDeniedException": Code.INTERNAL,
        "UnrecognizedClientException": Code.INTERNAL,
        "InvalidSignatureException": Code.INTERNAL,
        "ExpiredTokenException": Code.INTERNAL,
        "MissingAuthenticationTokenException": Code.INTERNAL,
    }
)


@contextmanager
def mapped() -> Iterator[None]:
    """Inside, whatever the Bedrock client raises becomes a ChatError."""
    try:
        yield
    except ClientError as error:
        raise _answered(error) from error
    except NoCredentialsError as error:
        raise ChatError(Code.INTERNAL, "the service has no credentials for the model") from error
    except (ReadTimeoutError, TimeoutError) as error:
        raise ChatError(Code.MODEL_TIMEOUT, "the model was silent for too long") from error
    except ConnectTimeoutError as error:
        raise ChatError(Code.MODEL_ERROR, "the model could not be reached") from error
    except (BotoCoreError, aiohttp.ClientError, OSError, ParserError) as error:
        raise ChatError(Code.MODEL_ERROR, "the connection to the model failed") from error


def _answered(error: ClientError) -> ChatError:
    """The error behind Bedrock's own answer, be it a response or a frame of a stream (EventStreamError)."""
    response: dict[str, Any] = dict(error.response)
    fault = response.get("Error", {})
    name = fault.get("Code", "")
    code = _CODES.get(name[:1].upper() + name[1:], Code.MODEL_ERROR)
    if code is Code.INTERNAL:
        return ChatError(code, "the model refused the service's own credentials")
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return ChatError(code, fault.get("Message") or "the model failed", retry_after=headers.get("retry-after"))
