"""No secret gets into what is shown of a scenario, into a message, or into the origin of a value."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.errors import FmloadError
from loadtester.scenario import mask, redacted, resolve
from loadtester.scenario.redact import header_shown, quoted, url_shown

CANARIES = {
    "Authorization": "Bearer canary-0-bearer-token",
    "X-Api-Key": "canary-1-key",
    "Cookie": "session=canary-2-cookie; theme=canary-3",
    "X-Anything-At-All": "canary-4",
    "Proxy-Authorization": "Basic Y2FuYXJ5LTU6cGFzcw==",
}


def test_planted_secrets_are_in_nothing_that_is_shown():
    """Secrets in headers, URLs, tags and the environment are in no part of the redacted scenario; names stay."""
    scenario = resolve(
        {
            "target.url": "https://h/path?api_key=canary-6&sig=canary-7&canary-8&model=shown#canary-9",
            "target.headers": [f"{name}: {value}" for name, value in CANARIES.items()],
            "observe.remote_write": "https://h/push?token=canary-16&canary-17#canary-18",
            "observe.otel_endpoint": "https://h/sk-canary-19-abcdef?key=canary-20",
            "output.tags": ["api_token=canary-10", "note=Bearer canary-11-long", "team=search"],
            "mix": {"own": {"share": 1, "model": "m", "prompts": ["my canary-12 is private"]}},
        },
        environ={
            "FMLOAD_HEADER": "X-Other: canary-13",
            "AWS_SECRET_ACCESS_KEY": "canary-14",
            "OPENAI_API_KEY": "sk-canary-15",
        },
    )
    text = json.dumps(redacted(scenario), allow_nan=False)
    assert "canary" not in text
    assert "Y2FuYXJ5" not in text
    shown = json.loads(text)
    assert shown["target"]["url"] == "https://h/path?api_key=***&sig=***&***&model=shown#***"
    assert shown["observe"]["remote_write"] == "https://h/push?token=***&***#***"
    assert shown["observe"]["otel_endpoint"] == "https://h/***?key=***"
    assert set(shown["target"]["headers"]) == {*CANARIES, "X-Other"}
    assert set(shown["target"]["headers"].values()) == {"***"}
    assert shown["output"]["tags"] == {"api_token": "***", "note": "Bearer ***", "team": "search"}
    assert shown["mix"][0]["prompts"]["count"] == 1
    # What drivers get is the whole truth.
    assert scenario.target.headers["X-Api-Key"] == "canary-1-key"


@pytest.mark.parametrize(
    "flags",
    [
        {"target.headers": ["canary-without-colon"]},
        {"target.headers": ["Authorization: Bearer canary\x00x"]},
        {"target.headers": {"Bad Name": "canary"}},
        {"target.headers": ["A: canary", "a: canary-2"]},
        {"target.headers": ["Content-Length: canary"]},
        {"target.url": "https://canary:canary@h"},
        {"observe.remote_write": "https://canary:canary@h/push"},
        {"observe.otel_endpoint": "https://canary@h"},
        {"observe.otel_endpoint": "ftp://h/?token=canary"},
        {"observe.prometheus": "canary:canary@h:9464?token=canary"},
        {"target.url": "ftp://h/?token=canary"},
        {"target.endpoint_url": "https://canary@h"},
        {"load.rate": "Bearer canary-4711"},
        {"load.pattern": "api_key=canary"},
    ],
    ids=str,
)
def test_no_fault_repeats_a_secret(flags):
    """A message about a value that may be secret doesn't hold the value."""
    with pytest.raises(FmloadError) as caught:
        resolve(flags)
    assert "canary" not in str(caught.value)


def test_a_key_in_the_wrong_place_is_masked_too(tmp_path):
    """A secret that was pasted as a key of a file is masked in the fault about it."""
    file = tmp_path / "s.yaml"
    file.write_text("sk-canary-0123456789: 1\noutput:\n  AKIAIOSFODNN7EXAMPLE: x\n")
    with pytest.raises(FmloadError) as caught:
        resolve({}, file=file)
    assert caught.value.message.count("***: unknown key") == 2
    assert "canary" not in str(caught.value)
    assert "AKIA" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic ***"),
        ("sent Cookie: a=b; c=d\nnext line", "sent Cookie: ***\nnext line"),
        ("key AKIAIOSFODNN7EXAMPLE ends", "key *** ends"),
        ("ASIAIOSFODNN7EXAMPLE", "***"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "***"),
        ("AWS_SECRET_ACCESS_KEY=wJalr", "AWS_SECRET_ACCESS_KEY=***"),
        ('{"api_key": "abc", "x": 1}', '{"api_key": "***", "x": 1}'),
        ("AWS_BEARER_TOKEN_BEDROCK=abc", "AWS_BEARER_TOKEN_BEDROCK=***"),
        ("ABSKQmVkcm9ja0FQSUtleS1hYmNkZWY", "***"),
        ("use sk-proj-abcdefgh12345 now", "use *** now"),
        ("ghp_abcdefghijklmnop", "***"),
        ("xoxb-1234567890-abc", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"),
        ("https://user:pass@host/x?X-Amz-Signature=abc&n=1", "https://***@host/x?X-Amz-Signature=***&n=1"),
        ("AWS4-HMAC-SHA256 Credential=AKIA/2026/x, Signature=abc", "AWS4-HMAC-SHA256 ***"),
        ("client_secret: hush", "client_secret: ***"),
        ("password=hush", "password=***"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "***"),
        ("use rk_test_4eC39HqLyjWDarjtT1zdp7dc, please", "use ***, please"),
        ("pk_live_4eC39HqLyjWDarjtT1zdp7dc", "***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "***"),
        ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "***"),
        ("gsk_" + "a1B2" * 13, "***"),
        ("glpat-abcdefghij_123456789 ends", "*** ends"),
        ("glrt-abcdefghij0123456789.01.0w1abcdef.", "***."),
        ("npm_" + "a1B2" * 9, "***"),
        ("xai-" + "a1B2" * 20, "***"),
        ("api key: 1234abcd", "api key: ***"),
        ("my API key is 1234abcd, thanks", "my API key is ***, thanks"),
        ('{"secret key": "abcdefghijklmnop"}', '{"secret key": "***"}'),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpA+/\nx==\n-----END RSA PRIVATE KEY----- after", "*** after"),
        (r'{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"}', '{"private_key": "***"}'),
        ("a -----BEGIN EC PRIVATE KEY----- MHcC -----END EC PRIVATE KEY----- b", "a *** b"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk that broke off", "***"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n-----END PGP PRIVATE KEY BLOCK-----", "***"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text, masked):
    """Credentials are masked wherever they stand; what is around them stays."""
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "load.max_tokens: 'x' is not a whole number",
        "bundled.tokens_per_minute: '-1' is negative",
        "FMLOAD_TOKENS_PER_MINUTE: 'x' is not a whole number",
        "s.yaml:3: keys here are input, output",
        "anthropic.claude-3-sonnet-20240229-v1:0",
        "https://host:8080/v1/chat?n=1",
        "the task-based risk-free disk-1234567890",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "2026-11-21T07:30:05Z",
        "a bearer of news",
        "日本語の漫画",
        "a task-force",
        "api key concepts are explained",
        "API key: required; the API key is missing; an access key is 3 years old; API key: see section 4",
        "API key: https://platform.example/account/api-keys",
        "hf_hub_download, npm_config_registry, pk_test_x, gl-matrix, xai-based, task_live_abcdefgh",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "https://host/assets/app.da39a3ee5e6b4b0d3255bfef95601890afd80709.js",
    ],
)
def test_ordinary_words_are_left_alone(text):
    """Nothing else is masked: names of settings, models, hashes, addresses."""
    assert mask(text) == text


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=60))
def test_any_bearer_token_is_masked(token):
    """Whatever the token is, it doesn't stay."""
    assert mask(f"Authorization: Bearer {token}") == "Authorization: Bearer ***"


@given(st.text(max_size=200))
def test_masking_any_text_is_safe(text):
    """Any text can be masked, and masking again changes nothing."""
    assert mask(mask(text)) == mask(text)


def test_public_headers_are_shown_but_masked():
    """The few public headers keep their values, without what looks like a credential."""
    assert header_shown("Accept", "text/event-stream") == "text/event-stream"
    assert header_shown("user-agent", "x sk-abcdefgh1234") == "x ***"
    assert header_shown("X-Request-Id", "1") == "***"


def test_urls_lose_all_that_may_be_secret():
    """User, password, fragment, and parameters that aren't well known are hidden."""
    assert url_shown("https://u:p@h:1/a?v=2&x=1&flag#top") == "https://***@h:1/a?v=2&x=***&***#***"
    assert url_shown("http://[::1]:8080/") == "http://[::1]:8080/"


def test_redacted_is_plain_json():
    """Every field of a scenario is there under its own name, money as text, what has no value as null."""
    shown = redacted(resolve({"load.trace": "t.csv"}, environ={}))
    json.dumps(shown, allow_nan=False)
    assert set(shown) == {
        "load", "target", "bundled", "quota", "mix", "max_tokens", "judge", "output", "prices", "origins", "safety",
        "observe",
    }  # fmt: skip
    assert (shown["load"]["trace"], shown["load"]["rate_per_s"], shown["load"]["duration_s"]) == ("t.csv", None, None)
    assert shown["mix"][0] == {
        "name": "product_lookup", "share": 0.25, "model": "anthropic.claude-3-haiku-20240307-v1:0", "kind": "ai",
        "language": "mixed", "prompts": {"count": 0, "sha256": None},
    }  # fmt: skip
    priced = redacted(resolve({"prices": {"m": {"input": "0.80", "output": "4"}}}))
    assert priced["prices"] == {"m": {"input": "0.80", "output": "4"}}


def test_quoting_keeps_to_one_short_line():
    """A user's text in a message is one line of bounded length without control characters."""
    assert quoted("a\n  b\tc") == "'a b c'"
    assert quoted("x" * 10_000) == f"'{'x' * 80}…'"
    assert not re.search(r"[\x00-\x1f\x7f]", quoted("a\x1b[31mb\x7f"))
    assert "canary" not in quoted("x " * 30 + "Bearer canary-0123456789")
