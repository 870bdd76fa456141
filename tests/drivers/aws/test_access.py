"""Region, endpoint and credentials, from wherever the AWS SDK takes them."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import NoCredentialsError, NoRegionError

from loadtester.drivers.aws.access import Keys, find_access
from loadtester.errors import FmloadError

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.fixture(autouse=True)
def config(monkeypatch, tmp_path):
    """Nothing of this machine's own; the profile's file, to be written."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def with_keys(monkeypatch):
    for name, value in zip(KEYS, ("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody"), strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("with_keys")
def test_a_region_has_its_own_endpoint():
    """As the SDK's endpoint rules say; signed for `bedrock`, with the keys of the environment."""
    access = find_access("ap-northeast-1", None)
    assert (access.host, access.port) == ("bedrock-runtime.ap-northeast-1.amazonaws.com", 443)
    assert access.authority == access.host
    assert (access.is_secure, access.path_prefix, access.region, access.service) == (
        True,
        "",
        "ap-northeast-1",
        "bedrock",
    )
    assert access.keys() == Keys("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")
    assert not access.may_expire


@pytest.mark.usefixtures("with_keys")
@pytest.mark.parametrize(
    ("url", "authority", "prefix"),
    [
        ("http://127.0.0.1:8081", "127.0.0.1:8081", ""),
        ("https://gateway.example.com/bedrock/", "gateway.example.com", "/bedrock"),
        ("http://[::1]:8081/a/b", "[::1]:8081", "/a/b"),
    ],
)
def test_an_endpoint_url_is_taken_apart(url, authority, prefix):
    """Host and port as the Host field has them, and the path before that of the API."""
    access = find_access("us-east-1", url)
    assert (access.authority, access.path_prefix, access.region) == (authority, prefix, "us-east-1")


@pytest.mark.usefixtures("with_keys")
def test_the_environment_and_the_profile_name_endpoints_and_regions(monkeypatch, config):
    """AWS_ENDPOINT_URL_BEDROCK_RUNTIME before the profile's endpoint_url, AWS_DEFAULT_REGION before its region."""
    config.write_text("[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\nca_bundle = /nobody.pem\n")
    access = find_access(None, None)
    assert (access.region, access.authority, str(access.ca_bundle)) == ("eu-west-1", "127.0.0.1:1", "/nobody.pem")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    access = find_access(None, None)
    assert (access.region, access.authority) == ("eu-central-1", "127.0.0.1:2")


@pytest.mark.usefixtures("with_keys")
def test_a_bearer_token_goes_before_keys(monkeypatch):
    """As with the SDK; nothing is signed then."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "token-of-nobody")
    access = find_access("us-east-1", None)
    assert (access.bearer, access.credentials, access.may_expire) == ("Bearer token-of-nobody", None, False)


def test_a_process_gives_credentials_that_expire(config, tmp_path):
    """They are fetched again when they are about to run out."""
    count = tmp_path / "count"
    count.write_text("0")
    script = tmp_path / "credentials.py"
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    script.write_text(
        f"import json, pathlib\n"
        f"path = pathlib.Path({str(count)!r})\n"
        f"number = int(path.read_text()) + 1\n"
        f"path.write_text(str(number))\n"
        f"said = {{'Version': 1, 'AccessKeyId': f'AKID{{number}}', 'SecretAccessKey': 's', 'SessionToken': 't',"
        f" 'Expiration': {json.dumps(soon)}}}\n"
        f"print(json.dumps(said))\n"
    )
    config.write_text(f"[default]\nregion = us-east-1\ncredential_process = {sys.executable} {script}\n")
    access = find_access(None, None)
    assert access.may_expire
    first, second = access.keys(), access.keys()
    assert int(second.access_key[4:]) == int(first.access_key[4:]) + 1


def test_what_is_missing_is_the_sdks_to_tell():
    """No region, no credentials."""
    with pytest.raises(NoRegionError):
        find_access(None, None)
    with pytest.raises(NoCredentialsError):
        find_access("us-east-1", None)


def test_credentials_that_no_header_can_hold_are_refused(monkeypatch):
    """And not shown, nor are good ones in a repr."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")
    access = find_access("us-east-1", None)
    assert "secret" not in f"{access!r} {access.keys()!r}"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "two\r\nlines")
    with pytest.raises(FmloadError) as caught:
        find_access("us-east-1", None)
    assert "lines" not in str(caught.value)
