"""Signatures are botocore's, for any credentials, path and body."""

from datetime import datetime
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from loadtester.drivers.aws.sigv4 import Signer

MODELS = st.sampled_from(
    [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-x-v1:0",
        "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/a~b c+d%e",
    ]
)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=40)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001  botocore's clock is naive UTC
REGIONS = st.sampled_from(["us-east-1", "ap-northeast-1"])
TYPE = "application/json"


@given(MODELS, KEYS, KEYS, st.none() | KEYS, st.binary(max_size=200), TIMES, REGIONS)
def test_signature_is_botocores(model, access, secret, token, body, at, region):
    """The Authorization header equals the one that botocore makes for the same request at the same time."""
    path = f"/model/{quote(model, safe='')}/converse"
    host = f"bedrock-runtime.{region}.amazonaws.com"
    now = at.strftime("%Y%m%dT%H%M%SZ")
    reference = AWSRequest("POST", f"https://{host}{path}", data=body, headers={"Content-Type": TYPE})
    reference.context["timestamp"] = now
    auth = SigV4Auth(Credentials(access, secret, token), "bedrock", region)
    reference.headers["X-Amz-Date"] = now
    if token:
        reference.headers["X-Amz-Security-Token"] = token
    canonical = auth.canonical_request(reference)
    signature = auth.signature(auth.string_to_sign(reference, canonical), reference)
    mine = Signer(access, secret, token, region=region, service="bedrock").headers(path, host, TYPE, body, now)
    assert mine["Authorization"].endswith(f"Signature={signature}")
    assert f"SignedHeaders={auth.signed_headers(auth.headers_to_sign(reference))}," in mine["Authorization"]
    assert mine["Authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={auth.scope(reference)},")


def test_the_key_follows_the_day():
    """A signer that lives past midnight signs with the new day's key."""
    old = Signer("a", "b", None, region="r", service="bedrock")
    old.headers("/", "h", TYPE, b"", "20260101T235959Z")
    new = Signer("a", "b", None, region="r", service="bedrock")
    assert old.headers("/", "h", TYPE, b"", "20260102T000000Z") == new.headers("/", "h", TYPE, b"", "20260102T000000Z")
