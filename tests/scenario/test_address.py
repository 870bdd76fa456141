"""A TARGET says where, and by its scheme how; it never holds a password."""

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import resolve
from loadtester.scenario.address import address
from loadtester.scenario.units import UnfitError


@pytest.mark.parametrize(
    ("text", "url", "protocol", "region"),
    [
        ("ws://h/ws", "ws://h/ws", "ws", None),
        ("wss://h:8443/prod?stage=a", "wss://h:8443/prod?stage=a", "ws", None),
        ("http://127.0.0.1:1", "http://127.0.0.1:1", "rest", None),
        ("HTTPS://[::1]:1/x", "https://[::1]:1/x", "rest", None),
        ("openai+https://h/v1", "https://h/v1", "openai", None),
        ("openai+http://h:1/v1", "http://h:1/v1", "openai", None),
        ("bedrock:us-east-1", "bedrock:us-east-1", "bedrock", "us-east-1"),
        ("bedrock:us-gov-west-1", "bedrock:us-gov-west-1", "bedrock", "us-gov-west-1"),
    ],
)
def test_the_scheme_decides(text, url, protocol, region):
    """Each scheme has its protocol, and drivers get a plain URL."""
    target = resolve({"target.url": text}).target
    assert (target.url, target.protocol, target.region) == (url, protocol, region)


EXAMPLES = "https://host/path, wss://host/path, openai+https://host/v1 or bedrock:us-east-1"


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("localhost:8080", "'localhost:8080' has no scheme", "write http://localhost:8080"),
        ("htp://h", "'htp' is not a scheme that fmload knows", f"did you mean http? ({EXAMPLES})"),
        ("gopher://h", "'gopher' is not a scheme that fmload knows", f"write {EXAMPLES}"),
        ("bedrock:", "'' is not an AWS region", "write one such as us-east-1 or ap-northeast-1"),
        ("bedrock:tokyo", "'tokyo' is not an AWS region", "write one such as us-east-1 or ap-northeast-1"),
        ("http://h:99999", "has a wrong host or port", "write host:port, with a port of 1 to 65535"),
        ("http:///path", "'http:///path' has no host or a wrong port", "write host:port, with a port of 1 to 65535"),
        ("http://h/a b", "holds a space or a control character", "encode it, such as %20"),
        ("http://h/a\r\nX: y", "holds a space or a control character", "encode it, such as %20"),
    ],
)
def test_mistakes(text, what, fix):
    """Each mistake has its own words."""
    with pytest.raises(UnfitError) as caught:
        address(text)
    assert (caught.value.what, caught.value.fix) == (what, fix)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2@h/x", "wss://hunter2@h", "openai+https://:hunter2@h/v1", "user:hunter2@h",
        "http://u:hunter2@h:99999/", "http://u:hun/hunter2@h/",
    ],
)  # fmt: skip
def test_a_password_is_refused_and_not_repeated(text):
    """A URL with a user or a password is refused; the password is not in the message."""
    with pytest.raises(FmloadError) as caught:
        resolve({"target.url": text})
    assert caught.value.code is Exit.USAGE
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "faults"),
    [
        (
            {"target.url": "ws://h", "target.protocol": "sse"},
            "--protocol: sse can't be spoken to this target; fix: this target speaks ws",
        ),
        (
            {"target.url": "http://h", "target.protocol": "bedrock"},
            "--protocol: bedrock can't be spoken to this target; fix: this target speaks rest or sse or ws or openai",
        ),
        (
            {"target.url": "http://h", "target.region": "us-east-1"},
            (
                "--region: is only for bedrock, and this target speaks rest; "
                "fix: name the target bedrock:REGION, or leave it out"
            ),
        ),
        (
            {"target.endpoint_url": "http://h"},
            (
                "--endpoint-url: is only for bedrock, and this target speaks ws; "
                "fix: name the target bedrock:REGION, or leave it out"
            ),
        ),
        (
            {"target.url": "bedrock:us-east-1", "target.region": "us-west-2"},
            "--region: is us-west-2, but the target is in us-east-1; fix: keep one of the two",
        ),
        (
            {"target.url": "bedrock:us-east-1", "target.endpoint_url": "ftp://h"},
            "--endpoint-url: 'ftp://h' is not an http or https URL; fix: write https://host or http://host:port",
        ),
        (
            {"target.protocol": "htpp"},
            "--protocol: 'htpp' is not a protocol; fix: write one of ws, rest, sse, openai, bedrock",
        ),
    ],
    ids=str,
)
def test_what_does_not_go_together(flags, faults):
    """Address, protocol, region and endpoint have to agree."""
    with pytest.raises(FmloadError) as caught:
        resolve(flags)
    assert (str(caught.value), caught.value.code) == (faults, Exit.USAGE)


@pytest.mark.parametrize("protocol", ["rest", "sse", "ws", "openai"])
def test_http_carries_several_protocols(protocol):
    """With http and https the protocol can be chosen."""
    assert resolve({"target.url": "https://h", "target.protocol": protocol}).target.protocol == protocol


def test_an_older_target_gives_way_with_all_that_it_needed(tmp_path):
    """A target on the command line replaces a file's, and the file's protocol, region and endpoint go with it."""
    file = tmp_path / "s.yaml"
    file.write_text("target:\n  url: bedrock:us-east-1\n  protocol: bedrock\n  endpoint_url: http://127.0.0.1:1\n")
    target = resolve({"target.url": "wss://h"}, file=file).target
    assert (target.url, target.protocol, target.region, target.endpoint_url) == ("wss://h", "ws", None, None)
    there = resolve({}, file=file).target
    assert (there.protocol, there.region, there.endpoint_url) == ("bedrock", "us-east-1", "http://127.0.0.1:1")


def test_bundled_target_is_the_default():
    """Without a target there is no URL, and the bundled MangaAssist is spoken to by ws unless asked otherwise."""
    assert resolve({}).target.url is None
    assert resolve({}).target.protocol == "ws"
    bedrock = resolve({"target.protocol": "bedrock"}).target
    assert (bedrock.url, bedrock.region, bedrock.endpoint_url) == (None, None, None)
