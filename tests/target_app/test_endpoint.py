"""Which Bedrock URL is an emulator's, and which text is a URL at all."""

import pytest

from target_app.endpoint import Endpoint, parse_url


@pytest.mark.parametrize(
    ("url", "is_emulator"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.8.9.1:8080", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("https://bedrock-runtime.ap-northeast-1.amazonaws.com", False),
        ("http://10.0.0.1:8080", False),
        ("http://localhost.example.com", False),
        (None, False),
    ],
)
def test_only_loopback_is_an_emulator(url, is_emulator):
    """An emulator is on this machine; everything else may be AWS."""
    assert Endpoint(url=url).is_emulator is is_emulator


@pytest.mark.parametrize("text", ["", "127.0.0.1:80", "ftp://host", "http://", "http://host:port", "http://u:p@host"])
def test_what_is_no_url_is_refused(text):
    """Without http(s) and a host, with a bad port or with credentials in it, it isn't taken."""
    with pytest.raises(ValueError, match="URL"):
        parse_url(text)
