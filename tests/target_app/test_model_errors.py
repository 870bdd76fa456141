"""What aioboto3 raises without an answer of Bedrock's, by kind."""

import aiohttp
import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from target_app.errors import ChatError, Code
from target_app.model_errors import mapped

URL = "http://bedrock.example/secret"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReadTimeoutError(endpoint_url=URL), Code.MODEL_TIMEOUT),
        (TimeoutError(), Code.MODEL_TIMEOUT),
        (aiohttp.SocketTimeoutError(), Code.MODEL_TIMEOUT),
        (ConnectTimeoutError(endpoint_url=URL), Code.MODEL_ERROR),
        (EndpointConnectionError(endpoint_url=URL), Code.MODEL_ERROR),
        (ConnectionClosedError(endpoint_url=URL), Code.MODEL_ERROR),
        (aiohttp.ClientPayloadError(), Code.MODEL_ERROR),
        (ConnectionResetError(), Code.MODEL_ERROR),
        (NoCredentialsError(), Code.INTERNAL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_has_its_code(error, code):
    """Silence is a timeout, a lost connection a model error, lost credentials the service's own; no URL gets out."""
    with pytest.raises(ChatError) as caught, mapped():
        raise error
    assert caught.value.code is code
    assert "secret" not in caught.value.message


def test_what_is_not_the_models_passes():
    """A bug is not made a model error."""
    with pytest.raises(ZeroDivisionError), mapped():
        raise ZeroDivisionError
