"""What may be shown of a scenario or a text: everything but its secrets."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import PurePath
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from loadtester.scenario.scenario import Scenario

HIDDEN: Final = "***"

#: The only headers whose values are shown: what they hold is public by its nature.
_PUBLIC_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "content-type", "origin", "user-agent"}
)
#: The only parameters of a URL whose values are shown.
_PUBLIC_PARAMETERS: Final = frozenset(
    {"api-version", "format", "lang", "locale", "model", "region", "stage", "stream", "v", "version"}
)
#: What secrets are called: AWS_SECRET_ACCESS_KEY, client_secret, X-Amz-Security-Token; but not max_tokens.
_CALLED: Final = (
    r"(?:authorization|cookie|credentials?|passw(?:or)?d|secret\w{0,32}|signature"
    r"|token(?:_bedrock)?|(?:api|access|private)[_-]?key)(?![\w-])"
)
_IS_SECRET: Final = re.compile(
    rf"(?:[\w.-]{{0,64}}{_CALLED}|(?:.*[_.-])?(?:auth|key|sig|pin|pass)|sid)$", re.IGNORECASE
)

_SCHEMES: Final = r"(?:Bearer|Basic|Digest|Token|AWS4-HMAC-SHA256)\s"
_AWS_KEY_CHAR: Final = r"[A-Za-z0-9/+=]"


class _Mask(NamedTuple):
    """What is replaced in a text that holds one of the `signs`, in small letters; what is kept before it is group 1."""

    pattern: re.Pattern[str]
    signs: tuple[str, ...]


_MASKS: Final = (
    # A private key in PEM (RFC 7468), PGP or SSH2, whatever its lines end with; one that is cut, up to the end. First,
    # as others would take a part of it.
    _Mask(
        re.compile(
            r"()-{4,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?(?=[ -])"
            r"[\s\S]*?(?:-{4,5} ?END [A-Z0-9 ]{1,60}-{4,5}|\Z)"
        ),
        ("private key",),
    ),
    # scheme://user:password@
    _Mask(re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#@]*(?=@)", re.IGNORECASE), ("://",)),
    _Mask(re.compile(r"\b(AWS4-HMAC-SHA256\s+)\S.*"), ("aws4",)),
    _Mask(
        re.compile(r"\b((?:Bearer|Basic|Digest|Token)\s+)[\w.~+/=:-]{6,}", re.IGNORECASE),
        ("bearer", "basic", "digest", "token"),
    ),
    # Cookie: everything up to the end of the line.
    _Mask(re.compile(r"\b((?:set-)?cookie\s*:\s*)\S.*", re.IGNORECASE), ("cookie",)),
    # api_key=…, "token": "…", X-Amz-Signature=…
    _Mask(
        re.compile(
            rf"""({_CALLED}["']?\s*[=:]\s*["']?)(?!\*\*\*|{_SCHEMES})[^\s"'&,;]+""",
            re.IGNORECASE,
        ),
        ("authorization", "cookie", "credential", "passw", "secret", "signature", "token", "key"),
    ),
    # "API key: …", "my secret key is …": in words, so what follows has to look like a key, not like "see the manual".
    _Mask(
        re.compile(
            r"""(?<![A-Za-z0-9])((?:api|access|private|secret)\s{1,3}key(?:\sid)?["']?"""
            r"""(?:\s{0,2}[=:]\s{0,2}|\s{1,2}(?:is|was)(?:\s{0,2}:\s{0,2}|\s{1,2}))["']?)"""
            r"""(?!\*\*\*|https?://)(?=[^\s"'&,;]{0,63}[0-9]|[^\s"'&,;]{16})[^\s"'&,;]{6,}""",
            re.IGNORECASE,
        ),
        ("key",),
    ),
    # Key ids of AWS, API keys of Bedrock.
    _Mask(
        re.compile(r"(?<![A-Za-z0-9])()(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("a3t", "akia", "asia", "agpa", "aroa", "aida"),
    ),
    _Mask(re.compile(r"\b()(?:ABSK[A-Za-z0-9+/=]{20,}|bedrock-api-key-[A-Za-z0-9+/=]+)"), ("absk", "bedrock-api-key-")),
    # Secret access keys of AWS: forty characters, with large and small letters and digits among them, and no sign.
    _Mask(
        re.compile(
            rf"(?<!{_AWS_KEY_CHAR})()"
            r"(?=[A-Z0-9/+=]{0,39}[a-z])(?=[a-z0-9/+=]{0,39}[A-Z])(?=[A-Za-z/+=]{0,39}[0-9])"
            rf"{_AWS_KEY_CHAR}{{40}}(?!{_AWS_KEY_CHAR})"
        ),
        (),
    ),
    # Keys of OpenAI, Anthropic and others that took after them; Stripe.
    _Mask(re.compile(r"\b()(?:sk|pk|rk)-[\w-]{8,}"), ("sk-", "pk-", "rk-")),
    _Mask(
        re.compile(r"(?<![A-Za-z0-9])()(?:(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9_]{8,}|whsec_[A-Za-z0-9+/=_-]{16,})"),
        ("sk_", "pk_", "rk_", "whsec_"),
    ),
    # Hugging Face, Groq, npm, Replicate; xAI, Perplexity: words of theirs such as hf_hub_download have no such run.
    _Mask(
        re.compile(r"(?<![A-Za-z0-9])()(?:(?:hf|api_org|gsk|npm|r8)_|xai-|pplx-)[A-Za-z0-9]{16,}"),
        ("hf_", "api_org_", "gsk_", "npm_", "r8_", "xai-", "pplx-"),
    ),
    # GitLab, Nvidia.
    _Mask(
        re.compile(
            r"(?<![A-Za-z0-9])()(?:gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-|nvapi-)"
            r"[\w-]{16,}(?:\.[\w-]{1,64}){0,4}"
        ),
        (
            *("glpat-", "gloas-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-"),
            *("glffct-", "nvapi-"),
        ),
    ),
    # GitHub, Slack, Google; JSON Web Tokens.
    _Mask(
        re.compile(r"\b()(?:gh[opusr]_|github_pat_|xox[abeoprs]-|AIza)[\w-]{10,}"),
        ("gho_", "ghp_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "aiza"),
    ),
    _Mask(re.compile(r"\b()eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"), ("eyj",)),
)
_CREDENTIAL_SIGNS: Final = tuple(dict.fromkeys(sign for kind in _MASKS for sign in kind.signs))
_KEY_RUN: Final = re.compile(rf"{_AWS_KEY_CHAR}{{40}}")
_SHOWN_CHARS: Final = 80


def redacted(scenario: Scenario) -> dict[str, Any]:
    """The scenario as JSON holds it, without secrets, under the names of its dataclasses.

    Header values, passwords and parameters of URLs, and tags named like secrets become "***"; anything that looks like
    a credential is masked wherever it stands. Money is a decimal string; what has no value (the rate of a trace or of
    users, the length of a trace that is replayed whole) is None. A query type's own prompts are told by their
    number and hash.
    """
    shown: dict[str, Any] = _plain(scenario)
    target = shown["target"]
    target["headers"] = {name: header_shown(name, value) for name, value in scenario.target.headers.items()}
    for key in ("url", "endpoint_url"):
        target[key] = None if target[key] is None else url_shown(getattr(scenario.target, key))
    for key in ("remote_write", "otel_endpoint"):
        url = getattr(scenario.observe, key)
        shown["observe"][key] = None if url is None else url_shown(url)
    shown["output"]["tags"] = {
        name: HIDDEN if _IS_SECRET.match(name) else mask(value) for name, value in scenario.output.tags.items()
    }
    if scenario.load.pattern in ("trace", "users"):
        shown["load"]["rate_per_s"] = None
    for entry, query in zip(shown["mix"], scenario.mix, strict=True):
        entry["prompts"] = {
            "count": len(query.prompts),
            "sha256": sha256("\0".join(query.prompts).encode()).hexdigest() if query.prompts else None,
        }
    return shown


def header_shown(name: str, value: str) -> str:
    """A header's value where its name is on the short list of public ones, "***" otherwise."""
    return mask(value) if name.lower() in _PUBLIC_HEADERS else HIDDEN


def url_shown(url: str) -> str:
    """A URL without user, password and fragment, and with the values of all but well-known parameters hidden."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    if place != parts.netloc:
        place = f"{HIDDEN}@{place}"
    return mask(
        urlunsplit((parts.scheme, place, parts.path, _query_shown(parts.query), HIDDEN if parts.fragment else ""))
    )


def mask(text: str) -> str:
    """The text with everything that looks like a credential replaced by "***"."""
    small = text.casefold()
    for pattern, signs in _MASKS:
        if not signs or any(sign in small for sign in signs):
            text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def may_hold_credential(text: str) -> bool:
    """False only where `mask` would change nothing; a tenth of its time."""
    small = text.casefold()
    return any(sign in small for sign in _CREDENTIAL_SIGNS) or _KEY_RUN.search(text) is not None


def quoted(text: str) -> str:
    """A user's text as a message shows it: masked, on one line, not endless, in single quotes."""
    start = text[: 10 * _SHOWN_CHARS]
    shown = mask(" ".join(start.split())) if start.strip() else start
    shown = "".join(char if char.isprintable() else "\ufffd" for char in shown)
    return f"'{shown}'" if len(shown) <= _SHOWN_CHARS else f"'{shown[:_SHOWN_CHARS]}…'"


def _query_shown(query: str) -> str:
    parts = []
    for part in query.split("&") if query else ():
        name, equals, _ = part.partition("=")
        # A parameter without a name may be the secret itself.
        parts.append(
            part if equals and name.lower() in _PUBLIC_PARAMETERS else f"{name}={HIDDEN}" if equals else HIDDEN
        )
    return "&".join(parts)


def _plain(value: Any) -> Any:
    """The value as JSON can hold it, with strings masked."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, str | PurePath | Decimal):
        return mask(str(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
