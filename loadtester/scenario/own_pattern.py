"""A user's own expressions for what is to be taken out of kept texts: only such as can't hold a run up.

Python's `re` tries the ways in which a text can match one after the other, and can't be stopped meanwhile. So the
number of ways is bounded beforehand: every repeat has an end, and all of them together few enough.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

from loadtester.scenario.redact import quoted
from loadtester.scenario.units import UnfitError

_MOST_CHARS: Final = 200
#: Ways to match from one place of a text: a thousand of them at each of 8,192 places take a tenth of a second.
_MOST_WAYS: Final = 1_000
_MOST_REPEATS: Final = 1_000
_NAME: Final = re.compile(r"[a-z][a-z0-9 -]{0,31}")
#: An escaped sign, a class, a repeat, the start of a group, or any other sign.
_PART: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<least>[0-9]*)(?P<comma>,?)(?P<most>[0-9]*)\}|\((?:\?(?:[:=!]|<[=!]))?|.",
    re.DOTALL,
)


def checked(name: str, pattern: str) -> tuple[str, str]:
    """Name and expression as they are kept; raises UnfitError where one can't be."""
    if not _NAME.fullmatch(name):
        raise UnfitError(
            f"{quoted(name)} can't stand in a kept text", "use small letters, digits, spaces and '-', such as staff id"
        )
    if len(pattern) > _MOST_CHARS:
        raise UnfitError(f"has {len(pattern)} characters", f"write at most {_MOST_CHARS}, or two expressions")
    try:
        with warnings.catch_warnings(action="error"):  # what a later Python may read otherwise
            compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError, FutureWarning, DeprecationWarning) as error:
        raise UnfitError(
            f"{quoted(pattern)} is no regular expression: {error}", r"write one of Python's, such as E\d{6}"
        ) from error
    ways = _ways(pattern)
    if ways > _MOST_WAYS:
        raise UnfitError(
            f"{quoted(pattern)} can match in {ways:,} ways from one place, and a long text would hold the run up",
            f"bound the repeats, such as {{1,20}}, so that their ranges multiplied are {_MOST_WAYS:,} at most",
        )
    if compiled.search("") is not None:
        raise UnfitError(
            f"{quoted(pattern)} matches where there is nothing", r"make a part of it needed, such as \d{6}"
        )
    return name, pattern


def _ways(pattern: str) -> int:
    """At least as many ways as there are to match from one place; raises UnfitError for a repeat without end."""
    # By group: the ways of what came of it, and of its alternatives before.
    groups, body = [[1, 0]], 1
    for part in _PART.finditer(pattern):
        text, last = part[0], body
        body = 1
        if text in ("(?", "*", "+") or (text == "?" and pattern[: part.start()].endswith("(")):
            raise _unfit(pattern, text)
        if text.startswith("("):
            groups.append([1, 0])
        elif text == "|":
            groups[-1] = [1, sum(groups[-1])]
        elif text == ")":
            body = sum(groups.pop())
            groups[-1][0] *= body
        elif text == "?":
            groups[-1][0] *= 2
        elif part["comma"] is not None and text != "{}":
            groups[-1][0] *= _repeats(pattern, part, last)
    return sum(groups[0])


def _repeats(pattern: str, part: re.Match[str], body: int) -> int:
    """The ways that a repeat of a body with so many adds to the body's own."""
    if part["comma"] and not part["most"]:
        raise _unfit(pattern, part[0])
    most = int(part["most"] or part["least"])
    least = int(part["least"] or 0) if part["comma"] else most
    if most > _MOST_REPEATS:
        raise UnfitError(f"{quoted(pattern)} repeats {most:,} times", f"write {_MOST_REPEATS:,} or less")
    # Above the limit it does not matter by how much.
    return (most - least + 1) * int(body ** min(most, _MOST_WAYS.bit_length()))


def _unfit(pattern: str, sign: str) -> UnfitError:
    if sign in ("?", "(?"):
        return UnfitError(f"{quoted(pattern)} has a group that is named or sets flags", "write (?:…) for a group")
    return UnfitError(
        f"{quoted(pattern)} repeats without end, by {sign}, and a long text would hold the run up",
        "write {1,20} for +, {0,20} for *",
    )
