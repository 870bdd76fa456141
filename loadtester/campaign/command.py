"""The command line of a run, as its manifest keeps it: so that a report can name it again, without its secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from loadtester.scenario.redact import HIDDEN, header_shown, mask, url_shown

_VERB: Final = "run"
_HEADER: Final = ("-H", "--header")
#: Options whose address is shown, less its secrets: others' may be secrets by themselves, as those of webhooks are.
_ENDPOINTS: Final = ("--endpoint-url", "--otel-endpoint")


def shown_command(words: Sequence[str]) -> list[str] | None:
    """What follows `fmload run` in a process's `words`, with secrets as "***"; None where it is another command."""
    return list(_shown(words[2:])) if list(words[1:2]) == [_VERB] else None


def _shown(words: Sequence[str]) -> Iterator[str]:
    option = ""
    for word in words:
        name, equals, value = word.partition("=")
        is_option = word.startswith("-") and word != "-"
        if is_option and equals and name.startswith("--"):
            yield f"{name}={_value(name, value)}"
            option = ""
        elif is_option and len(word) > len(_HEADER[0]) and word.startswith(_HEADER[0]):
            yield _HEADER[0] + _value(_HEADER[0], word.removeprefix(_HEADER[0]))
            option = ""
        else:
            yield word if is_option else _value(option, word)
            option = word if is_option else ""


def _value(option: str, word: str) -> str:
    """A word as it may be seen that follows `option`; "" where it follows none, or may be the target."""
    if option in _HEADER:
        name, colon, value = word.partition(":")
        return f"{name}: {header_shown(name.strip(), value.strip())}" if colon else HIDDEN
    if "://" not in word:
        return mask(word)
    # After a switch stands the target: what has a value of its own has two dashes.
    if option in ("", *_ENDPOINTS) or option in _SWITCHES:
        try:
            return url_shown(word)
        except ValueError:
            return HIDDEN
    return HIDDEN


#: Options without a value, behind which the target may stand.
_SWITCHES: Final = frozenset(
    {
        "-y",
        "--yes",
        "--stream",
        "--no-stream",
        "--dry-run",
        "-q",
        "--quiet",
        "--no-color",
        "--abort-on-fail",
        "--strict-ci",
        "--stop-when-saturated",
        "--quota-request",
        "--otel",
        "--otel-content",
    }
)
