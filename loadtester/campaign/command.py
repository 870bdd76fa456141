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
    option = ""  # the next word is its value, whatever sign that begins with
    for word in words:
        if option or word == "-" or not word.startswith("-"):
            yield _value(option, word)
            option = ""
            continue
        lead, name, value = _parted(word)
        yield lead + _value(name, value) if value else mask(word)
        option = "" if value or lead.endswith("=") or name in _SWITCHES else name


def _parted(word: str) -> tuple[str, str, str]:
    """What comes before an option's value in a word, the option's name, and the value; "" where it has none.

    Behind one dash stand any number of letters of switches, and then perhaps one with a value: `-qyH'Name: value'`.
    """
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name + equals, name, value
    end = 1
    while end < len(word) and f"-{word[end]}" in _SWITCHES:
        end += 1
    return word[: end + 1], f"-{word[end]}" if end < len(word) else "", word[end + 1 :]


def _value(option: str, word: str) -> str:
    """A word as it may be seen that is the value of `option`; of "", where it may be the target."""
    if option in _HEADER:
        name, colon, value = word.partition(":")
        return f"{name}: {header_shown(name.strip(), value.strip())}" if colon else HIDDEN
    if "://" not in word:
        return mask(word)
    if option in ("", *_ENDPOINTS):
        try:
            return url_shown(word)
        except ValueError:
            return HIDDEN
    return HIDDEN


#: What has no value, so that the target, or another option, may stand behind it.
_SWITCHES: Final = frozenset(
    {
        "--",
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
