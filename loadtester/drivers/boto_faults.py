"""What the AWS SDK raises, and what became of the request. Importing this takes the SDK's half a second."""

from __future__ import annotations

import os
import socket
from ssl import SSLError
from typing import Final

from aiohttp import ClientConnectorDNSError, ClientConnectorError
from aiohttp import ClientError as AiohttpError
from botocore import exceptions as boto
from botocore.eventstream import ParserError
from botocore.parsers import ResponseParserError

from loadtester.drivers.aws.answer import Refused
from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.wire.aws_errors import ending_of_error, is_credentials_error
from loadtester.errors import Exit, FmloadError
from loadtester.model import Ending, Outcome

_NO_CREDENTIALS: Final = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.ProfileNotFound,
)
_NO_CONNECTION: Final = (boto.ConnectTimeoutError, boto.ProxyConnectionError, boto.SSLError)
_BROKEN: Final = (boto.HTTPClientError, boto.ConnectionError, ResponseParserError, ParserError, AiohttpError, OSError)


def ending_of_fault(fault: Exception) -> Ending:
    """How a request ended that the SDK raised `fault` for. Raises `fault` again where it is nobody's but ours."""
    match fault:
        case boto.EventStreamError():
            return ending_of_error(_code(fault), _message(fault), None)
        case boto.ClientError():
            return ending_of_error(_code(fault), _message(fault), _status(fault))
        case _ if isinstance(fault, _NO_CREDENTIALS):
            return Ending(Outcome.CLIENT_ERROR, detail="there are no usable AWS credentials")
        case _ if isinstance(fault, _NO_CONNECTION) or _is_unconnected(fault):
            return Ending(Outcome.REFUSED, detail=_name(fault))
        case _ if isinstance(fault, _BROKEN):
            return Ending(Outcome.BROKEN, detail=f"the exchange broke off: {_name(fault)}")
        case boto.BotoCoreError():
            return Ending(Outcome.CLIENT_ERROR, detail=f"the SDK would not send it: {type(fault).__name__}")
        case _:
            raise fault


def unreachable(fault: Exception, where: str) -> FmloadError | None:
    """What a user is told of a check that met `fault`; None where it proves that Bedrock is there and knows us.

    A refusal of the tiny question itself (a model that is not there, or can't count tokens) is such a proof.
    """
    if isinstance(fault, boto.NoRegionError):
        return _no_bedrock(where, "no region is set", "name one, as in bedrock:ap-northeast-1, or set AWS_REGION")
    if isinstance(fault, _NO_CREDENTIALS):
        return _no_credentials(where, "there are none that can be used")
    if isinstance(fault, boto.ClientError):
        return refused(Refused(_status(fault) or 0, _code(fault), _message(fault)), where)
    return _no_bedrock(where, _why(fault), "check the region, the endpoint URL and the network")


def refused(refusal: Refused, where: str) -> FmloadError | None:
    """What a user is told of a check that was answered with an error; None as in `unreachable`."""
    code, status = refusal.code, refusal.status
    if is_credentials_error(code, status) and "access to the model" not in refusal.message:
        return _no_credentials(where, f"{code} (HTTP {status})")
    if status < 500:  # noqa: PLR2004  where HTTP's server errors begin
        return None
    return _no_bedrock(where, f"it answered {code} (HTTP {status})", "try again when the service is up")


def _why(fault: Exception) -> str:
    match fault:
        case TimeoutError():
            return "no answer in time"
        case HttpError():
            return fault.detail
        case _:
            return ending_of_fault(fault).detail or ""


def _no_bedrock(where: str, why: str, remedy: str) -> FmloadError:
    return FmloadError(f"Bedrock can't be reached at {where}: {why}", remedy=remedy, code=Exit.UNREACHABLE)


def _no_credentials(where: str, why: str) -> FmloadError:
    return FmloadError(
        f"Bedrock at {where} did not take the AWS credentials {_source()}: {why}",
        remedy=(
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or"
            " AWS_BEARER_TOKEN_BEDROCK; they need the actions bedrock:InvokeModel,"
            " bedrock:InvokeModelWithResponseStream and bedrock:CountTokens"
        ),
        code=Exit.UNREACHABLE,
    )


def _source() -> str:
    """Where the SDK takes credentials from, as far as the environment tells."""
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID"):
        if os.environ.get(name):
            return f"of the environment ({name})"
    profile = os.environ.get("AWS_PROFILE")
    return f"of the profile {profile}" if profile else "of the default profile or role"


def _is_unconnected(fault: Exception) -> bool:
    """Whether no connection came about: the SDK uses the same class for a connection that was reset later."""
    cause = fault.kwargs.get("error") if isinstance(fault, boto.EndpointConnectionError) else None
    return isinstance(cause, ClientConnectorError | socket.gaierror)


def _name(fault: Exception) -> str:
    """What went wrong, in words of the system's where it has some: asyncio's and the SDK's hold addresses."""
    cause = getattr(fault, "kwargs", {}).get("error", fault)
    if isinstance(cause, socket.gaierror | ClientConnectorDNSError):
        return "the host's name has no address"
    errno = cause.errno if isinstance(cause, OSError) and not isinstance(cause, SSLError) else None
    return os.strerror(errno) if errno is not None else type(cause).__name__


def _code(fault: boto.ClientError) -> str:
    return str(fault.response.get("Error", {}).get("Code", ""))


def _message(fault: boto.ClientError) -> str:
    error = fault.response.get("Error", {})
    return str(error.get("Message") or fault.response.get("message") or "")


def _status(fault: boto.ClientError) -> int | None:
    status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status if isinstance(status, int) else None
