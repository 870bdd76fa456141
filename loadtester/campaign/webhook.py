"""Tells a chat channel how a night went. The URL is a secret: it is in no message, and only its host is ever named."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from loadtester.analysis.comparison.night import Night, complaints, night_usd
from loadtester.errors import Exit, FmloadError

VARIABLE: Final = "FMLOAD_WEBHOOK_URL"
_TIMEOUT_S: Final = 5.0
#: Before the second and before the third time.
_WAITS_S: Final = (1.0, 3.0)
_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500
#: Slack takes 3,000 characters a section and 50 blocks a message.
_MOST_CHARS: Final = 2_900
_MOST_SENTENCES: Final = 3

Pause = Callable[[float], None]


def require_url(url: str) -> None:
    """Raise FmloadError where the webhook's URL can't be one."""
    try:
        parts = urlsplit(url)
        is_fit = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_fit = False
    if not is_fit:
        raise FmloadError(
            f"{VARIABLE} holds no http or https URL",
            remedy="set it to the whole URL that Slack (or a service that takes its messages) gave you",
            code=Exit.USAGE,
        )


def notify(url: str, night: Night, *, pause: Pause = time.sleep) -> str | None:
    """Post the night's result; what went wrong, in words without the URL, or None."""
    # httpx logs whole URLs at this level.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    host = urlsplit(url).hostname
    said = ""
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False) as client:
        for wait_s in (*_WAITS_S, None):
            try:
                answer = client.post(url, json=message(night))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                said = type(error).__name__
            else:
                if answer.is_success:
                    return None
                said = f"HTTP {answer.status_code}"
                if answer.status_code != _TOO_MANY and answer.status_code < _SERVER_ERRORS:
                    break
            if wait_s is not None:
                pause(wait_s)
    return f"the webhook at {host} could not be told: {said}"


def message(night: Night) -> dict[str, Any]:
    """A message as Slack takes it: `text` for notifications, `blocks` for the channel."""
    failed = [result.name for result in night.results if result.has_failed]
    verdict = f"failed: {', '.join(failed)}" if failed else "passed"
    text = _escaped(f"fmload nightly {night.suite} {verdict}")
    ran = sum(result.report is not None for result in night.results)
    context = f"{ran} of {len(night.results)} scenarios ran, ${night_usd(night):,.2f}, exit code {night.exit_code}"
    sections = [f"*{text}*", "\n".join(_lines(night)), _escaped(context)]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": _cut(part)}} for part in sections if part]
    return {"text": _cut(text), "blocks": blocks}


def _lines(night: Night) -> Iterator[str]:
    for result in night.results:
        if not result.has_failed:
            continue
        sentences = list(complaints(result))
        more = len(sentences) - _MOST_SENTENCES
        told = "; ".join(sentences[:_MOST_SENTENCES]) + (f"; and {more} more" if more > 0 else "")
        yield f"• *{_escaped(result.name)}*: {_escaped(told)}"


def _escaped(text: str) -> str:
    """Text in which Slack sees no link and no mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"
