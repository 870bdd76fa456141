"""Takes personal data out of a text before it is kept: what people write to a chatbot is nobody else's business.

Every pattern takes time linear in the text, whatever the text is: repeats are bounded, or can only match one way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from loadtester.scenario.redact import mask, may_hold_credential

Redact = Callable[[str], str]

#: Signs that stand for the ASCII ones beside them in Japanese text, so that numbers are known however they are typed.
_FOLDED: Final = str.maketrans(
    {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff70", "-")
    | dict.fromkeys("\u00a0\u2009\u202f\u3000", " ")
)
#: A sign as URLs (RFC 3986, 2.1; once more encoded too), JSON (RFC 8259, 7) or HTML write it.
_ESCAPED: Final = re.compile(r"%(?:25)?(20|2[Bb]|40)|\\{1,4}u([0-9A-Fa-f]{4})|&#(?:x(40)|64);")
_ASCII_RUN: Final = re.compile(r"[\x00-\x7f]+")

#: Digits of a card number (ISO/IEC 7812-1), and from where on a run of digits is no number that anybody checks.
_CARD_DIGITS: Final = range(12, 20)
_MOST_CHECKED: Final = 64


class _Kind(NamedTuple):
    """A kind of personal data. A text without any of its `signs`, in small letters, holds none: known in no time."""

    name: str
    pattern: re.Pattern[str]
    signs: tuple[str, ...] = ()


#: Letters of scripts that put spaces between words, with accents before or behind them: Latin, Greek, Cyrillic.
_LETTERS: Final = r"A-Za-z\u00c0-\u024f\u0300-\u036f\u0370-\u052f\u1e00-\u1fff"
#: The part of a mail address from its "@" on; a name of a domain is written in any script.
_DOMAIN: Final = r"@(?:(?:[^\W_]|[\u0300-\u036f-]){1,63}\.){1,8}(?:[A-Za-z0-9-]{2,63}|[^\W_]{2,8})"
#: What stands between "my PIN" and the number: "is", "was:", ":" or "=".
_IS_OR_COLON: Final = r"(?i:(?: {1,2}(?:is|was)(?: {0,2}: {0,2}| {1,2})| {0,2}[:=] {0,2}))"

#: In order: what a later pattern would take a part of comes first.
_WORDS: Final = (
    _Kind("e-mail", re.compile(rf"[{_LETTERS}0-9._%+'!#$&*/=?^`{{|}}~-]{{1,128}}{_DOMAIN}"), ("@",)),
    # Where no space ends the word before it, nobody can tell where such a name begins: all that may be it is taken.
    _Kind("e-mail", re.compile(rf"[^\W_]{{1,32}}{_DOMAIN}"), ("@",)),
    # "passphrase: four plain words": up to the end of the sentence, for nobody can tell where it ends.
    _Kind(
        "password",
        re.compile(rf"(?<![A-Za-z])(?i:passphrase){_IS_OR_COLON}(?!\*\*\*)[^\s.,;!?。、][^\n.,;!?。、]{{2,127}}"),
        ("passphrase",),
    ),
    # "password is hunter2", "PIN: 4821": a word with a digit in it. Folding makes a hyphen of the long vowel's sign.
    _Kind(
        "password",
        re.compile(
            rf"(?:(?<![A-Za-z])(?i:password|passcode|pin(?: code| number)?){_IS_OR_COLON}"
            r"|(?:パスワ-ド|暗証番号)(?:は|が|:)? ?)"
            r"""["'「]?(?=[^\s0-9]{0,32}[0-9])[!-~]{2,63}[A-Za-z0-9!#$%&*@^~]"""
        ),
        ("password", "passcode", "pin", "パスワ-ド", "暗証番号"),
    ),
    # "order 78542", which has no form of its own but the word before it.
    _Kind(
        "order id",
        re.compile(
            r"(?:\b(?i:order(?: (?:number|no\.?|id))?(?: is)?:?) ?|注文(?:番号)?(?:は|:)? ?)"
            r"#?[0-9](?:-?[0-9]){3,19}(?![0-9])"
        ),
        ("order", "注文"),
    ),
    # A Japanese postal code with the sign, and an address from its prefecture to its numbers.
    _Kind("postal code", re.compile(r"〒 ?[0-9]{3}-?[0-9]{4}"), ("〒",)),
    _Kind(
        "address",
        re.compile(
            r"(?:東京都|北海道|京都府|大阪府|[一-龥]{2,3}県)[^\s、。0-9]{1,24}[0-9]{1,4}"
            r"(?:(?:-|丁目|番地?|号)[0-9]{0,4}){0,4}"
        ),
        ("東京都", "北海道", "京都府", "大阪府", "県"),
    ),
    _Kind(
        "address",
        re.compile(
            r"\b[0-9]{1,5} (?:[A-Z][a-z]{1,20} ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr)\b"
        ),
        (" street", " st", " ave", " road", " rd", " boulevard", " blvd", " lane", " ln", " drive", " dr"),
    ),
)
#: All that follows has seven digits, close to each other.
_NUMBER: Final = re.compile(r"[0-9](?:[^0-9]{0,3}[0-9]){6}")
_NUMBERS: Final = (
    # #MGA-2024-78542, and 503-1234567-1234567.
    _Kind("order id", re.compile(r"#?(?<![A-Za-z0-9])[A-Za-z]{2,5}-[0-9]{4}-[0-9]{3,10}(?![0-9])")),
    _Kind("order id", re.compile(r"(?<![0-9])[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9])")),
    _Kind("card", re.compile(r"[0-9](?:[ ./-]{0,2}[0-9]){11,}")),
    # +81 90-1234-5678, 0044 20 7946 0958, +1 (555) 010-4477
    _Kind("phone", re.compile(r"(?:\+{1,8}|(?<![0-9])00)[ .()-]{0,2}[0-9](?:[ .()-]{0,3}[0-9]){6,14}")),
    # 090-1234-5678, 03(1234)5678, 0120-123-456
    _Kind("phone", re.compile(r"(?<![0-9])\(?0(?:[ ()-]{0,2}[0-9]){8,10}(?![0-9])")),
    # (555) 010-4477
    _Kind("phone", re.compile(r"(?<![0-9])\(?[0-9]{3}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}(?![0-9])")),
)


#: Numbers of machines in what a service says of a failure, which must not be taken for a person's.
_MACHINE: Final = re.compile(
    r"(?<![A-Za-z0-9.+])(?:"
    # Ids of requests and traces: UUIDs, those of X-Ray, those in hexadecimal digits.
    r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9]-[0-9a-f]{8}-[0-9a-f]{24}"
    r"|(?=[0-9]{0,31}[a-f])(?:[0-9a-f]{16}){1,2}"
    # Times: ISO 8601, and seconds, ms, us or ns since 1970, of 2014 to 2033; no card's number begins like those.
    r"|(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?"
    r"|20[0-9]{2}[01][0-9][0-3][0-9]T?[0-2][0-9][0-5][0-9][0-6][0-9]|1[4-9][0-9]{8}(?:[0-9]{3}){0,3}"
    # Addresses of IPv4, decimal fractions, round limits, and account ids of AWS.
    r"|(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9]{1,10}\.[0-9]{4,18}|[1-9][0-9]{0,2}0{6,18}|[0-9]{12}"
    r")(?![A-Za-z0-9.]*[0-9])"
    # Any other id: with "_" in it, or digits on both sides of a letter.
    r"|(?<![A-Za-z0-9_])(?=[A-Za-z0-9]{1,64}_|[A-Za-z]{0,64}[0-9]{1,64}[A-Za-z]{1,64}[0-9])[A-Za-z0-9_]{8,256}"
)


def redactor(own: Mapping[str, str]) -> Redact:
    """What replaces personal data and credentials in a text by their kind, `[e-mail]`, and credentials by "***".

    `own` are the user's expressions by kind, checked by `own_pattern.checked`; they come first.
    """
    kinds = tuple((name, re.compile(pattern)) for name, pattern in own.items())

    def redact(text: str) -> str:
        for name, pattern in kinds:
            text = pattern.sub(f"[{name}]", text)
        return redacted_text(text)

    return redact


def redacted_detail(text: str) -> str:
    """What a service says of a failure, redacted; ids, times and other numbers of machines stay readable."""
    return _redacted(text, _MACHINE)


def redacted_text(text: str) -> str:
    """The text without what looks like a credential, a mail address, a number of a card, an order or a phone."""
    return _redacted(text, None)


def _redacted(text: str, spared: re.Pattern[str] | None) -> str:
    if may_hold_credential(text):
        # Between a Japanese letter and a key there is no word boundary: runs of ASCII are looked at by themselves too.
        text = mask(text)
        text = text if text.isascii() else _ASCII_RUN.sub(lambda run: mask(run[0]), text)
    folded = _folded(text)
    lowered = folded.lower()
    for kind in _WORDS:
        if any(sign in lowered for sign in kind.signs):
            text, folded = _replaced(text, folded, kind)
    if _NUMBER.search(folded):
        if spared is not None:
            folded = spared.sub(lambda found: "\0" * len(found[0]), folded)
        for kind in _NUMBERS:
            text, folded = _replaced(text, folded, kind)
    return text


def _folded(text: str) -> str:
    """The text as the patterns know it: ASCII signs for their like in Japanese text, and for those that are escaped."""
    folded = text if text.isascii() else text.translate(_FOLDED)
    return _ESCAPED.sub(_unescaped, folded) if "%" in folded or "\\u" in folded or "&#" in folded else folded


def _unescaped(found: re.Match[str]) -> str:
    """The escaped sign, after enough others to keep its length that no word or number ends before it."""
    percent, json, _ = found.groups()
    sign = chr(int(json or percent or "40", 16)).translate(_FOLDED)
    if sign in "@+-._":
        return sign.rjust(len(found[0]), "+" if sign == "+" else "-")
    if not sign.isalnum():
        return " " * len(found[0])
    return (sign if sign.isascii() else "x").rjust(len(found[0]), "x")


def unfinished(text: str) -> str:
    """The text of an answer that broke off, without a last word that may be the first part of something personal.

    A part of a number or of an address is known by no pattern.
    """
    whole = text.rstrip()
    folded = whole.translate(_FOLDED)
    start = _word_start(folded, len(folded))
    # A number is typed in groups: all of them are the last word.
    while _NUMBER_PART.fullmatch(folded[start:]) and folded[:start].endswith(" "):
        before = _word_start(folded, start - 1)
        if not _NUMBER_PART.fullmatch(folded[before : start - 1]):
            break
        start = before
    last = folded[start:]
    is_telling = len(last) >= _LONG_WORD or any(sign.isdigit() or sign == "@" for sign in last)
    return f"{whole[:start]}[cut]" if is_telling and not _REPLACED.search(last) else text


#: A last word from this length on may be a part of a key.
_LONG_WORD: Final = 16
_WORD_SIGN: Final = re.compile(rf"[!-~{_LETTERS}]")
_NUMBER_PART: Final = re.compile(r"[0-9 ()+./-]{1,80}")
_REPLACED: Final = re.compile(r"(?:^|\[)[a-z][a-z0-9 -]{0,31}\]$")


def _word_start(folded: str, end: int) -> int:
    """Where the run of ASCII signs and letters as in mail addresses begins that ends there."""
    while end and _WORD_SIGN.match(folded[end - 1]):
        end -= 1
    return end


def _replaced(text: str, folded: str, kind: _Kind) -> tuple[str, str]:
    """The text and its folded form with each match in the latter replaced; folding changes no position."""
    shown, end, found, kept = f"[{kind.name}]", 0, "", ""
    for match in kind.pattern.finditer(folded):
        if kind.name != "card" or _has_card(match[0]):
            found += text[end : match.start()] + shown
            kept += folded[end : match.start()] + shown
            end = match.end()
    return found + text[end:], kept + folded[end:]


def _has_card(run: str) -> bool:
    """Whether some of the digits, one after the other, have a card number's check digit."""
    digits = [int(sign) for sign in run if sign.isdigit()]
    if len(digits) > _MOST_CHECKED:
        return True
    return any(
        _is_luhn(digits[start : start + length])
        for start in range(len(digits))
        for length in _CARD_DIGITS
        if start + length <= len(digits)
    )


def _is_luhn(digits: list[int]) -> bool:
    """The check of ISO/IEC 7812-1, annex B: every second digit from the right doubled, the sum a multiple of ten."""
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
