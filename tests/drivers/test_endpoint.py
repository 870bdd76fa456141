"""Targets' URLs: where to connect, what to post to, what to ask for health; and nothing secret in a message."""

import pytest

from loadtester.drivers.endpoint import chat_endpoint, completions_endpoint
from loadtester.errors import FmloadError


@pytest.mark.parametrize(
    ("url", "path", "check_url"),
    [
        ("http://127.0.0.1:8080", "/v1/chat", "http://127.0.0.1:8080/health"),
        ("http://127.0.0.1:8080/", "/v1/chat", "http://127.0.0.1:8080/health"),
        ("https://h/v1/chat", "/v1/chat", "https://h/health"),
        ("https://h:443/prod/v1/chat/", "/prod/v1/chat", "https://h/prod/health"),
        ("HTTPS://H/ask?stage=1", "/ask?stage=1", "https://h/health?stage=1"),
        ("http://[::1]:80/漫画", "/%E6%BC%AB%E7%94%BB", "http://[::1]/health"),
        ("http://漫画.jp/a%20b#part", "/a%20b", "http://xn--qex62k.jp/health"),
    ],
)
def test_chat(url, path, check_url):
    """A base gets the documented path; a URL with a path of its own is taken at its word."""
    endpoint = chat_endpoint(url, {}, "/v1/chat")
    assert (endpoint.path, endpoint.check_url) == (path, check_url)


@pytest.mark.parametrize(
    ("url", "path", "check_path"),
    [
        ("https://api.openai.com/v1", "/v1/chat/completions", "/v1/models"),
        ("http://h:8000", "/v1/chat/completions", "/v1/models"),
        ("http://h/openai/v1/", "/openai/v1/chat/completions", "/openai/v1/models"),
        ("http://h/v1/chat/completions", "/v1/chat/completions", "/v1/models"),
        ("http://h/d?api-version=1", "/d/chat/completions?api-version=1", "/d/models?api-version=1"),
    ],
)
def test_completions(url, path, check_path):
    """The base of an OpenAI API, or the chat's own URL, lead to the same place."""
    endpoint = completions_endpoint(url, {})
    assert (endpoint.path, endpoint.check_path) == (path, check_path)


def test_authority():
    """The port is left out where it is the scheme's own, and an IPv6 address has its brackets."""
    assert chat_endpoint("https://h:443", {}, "/").authority == "h"
    assert chat_endpoint("https://h:80", {}, "/").authority == "h:80"
    assert chat_endpoint("http://[::1]:8080", {}, "/").authority == "[::1]:8080"


def test_user_and_password():
    """They become a header, unless there is one, and are shown nowhere."""
    endpoint = chat_endpoint("http://us%40er:pass@h", {}, "/")
    assert endpoint.headers == {"Authorization": "Basic dXNAZXI6cGFzcw=="}
    assert endpoint.shown == "http://h"
    assert chat_endpoint("http://u:p@h", {"authorization": "x"}, "/").headers == {"authorization": "x"}


@pytest.mark.parametrize(
    "url",
    ["", "secret", "ftp://secret", "http://", "http://:80", "http://secret:0", "http://secret:99999", "http://[secret"],
)
def test_not_http(url):
    """What is no URL of an HTTP service is refused, and not repeated."""
    with pytest.raises(FmloadError) as error:
        chat_endpoint(url, {}, "/")
    assert "secret" not in str(error.value)
