"""target_app.bedrock.credentials: who may ask."""

from __future__ import annotations

import pytest

from target_app.bedrock.credentials import check_credentials
from target_app.bedrock.errors import BedrockError

SIGNED = (
    b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"
)


@pytest.mark.parametrize(
    ("authorization", "access_key"),
    [(SIGNED, None), (SIGNED, "AKIDEXAMPLE"), (b"Bearer token", None), (b"Bearer token", "AKIDEXAMPLE")],
)
def test_known_callers_pass(authorization, access_key):
    """Any credential passes where no key is set; the right key and bearer tokens pass where one is."""
    check_credentials([(b"host", b"x"), (b"authorization", authorization)], access_key)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ([(b"host", b"x")], "MissingAuthenticationTokenException"),
        ([(b"authorization", SIGNED)], "UnrecognizedClientException"),
        ([(b"authorization", b"AWS4-HMAC-SHA256 nonsense")], "UnrecognizedClientException"),
    ],
)
def test_others_are_refused_with_403(headers, name):
    """No Authorization, another key, or one that can't be read."""
    with pytest.raises(BedrockError) as refused:
        check_credentials(headers, "SOMEONE")
    assert (refused.value.name, refused.value.status) == (name, 403)
    assert "AKID" not in refused.value.message
