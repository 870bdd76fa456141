"""The free question that proves, before any load, that Bedrock is there and knows the caller."""

from __future__ import annotations

import re
from typing import Final

from loadtester.errors import FmloadError
from loadtester.scenario.redact import url_shown

#: How long the check may take, in seconds.
CHECK_LIMIT_S: Final = 10.0
#: What the check has counted, and of which model; it need not be one that the run asks.
CHECK_MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"
CHECK_QUESTION: Final = {"converse": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}}

_ENDPOINT: Final = re.compile(r"https?://[^/]+", re.IGNORECASE)


def check_endpoint(endpoint_url: str | None) -> None:
    """Raise FmloadError where `endpoint_url` is given and no URL."""
    if endpoint_url is not None and not _ENDPOINT.match(endpoint_url):
        raise FmloadError(
            "the endpoint URL of Bedrock is not one", remedy="write it like http://127.0.0.1:8080, or leave it out"
        )


def where_shown(region: str | None, endpoint_url: str | None) -> str:
    """The place that is asked, as messages call it."""
    return url_shown(endpoint_url) if endpoint_url else region or "the default region"
