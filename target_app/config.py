"""The configuration of MangaAssist: a YAML file, read strictly; each part has a default, which is off or in-process."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from target_app.bedrock import limits as quotas
from target_app.bedrock.limits import Quotas
from target_app.bedrock.quota import Counting
from target_app.bedrock.settings import SLOTS
from target_app.config_faults import explained
from target_app.faults import plan
from target_app.faults.plan import Plan
from target_app.gateway.answer_cache import AnswerCacheSettings
from target_app.gateway.gateway import GatewaySettings
from target_app.validation.expectation import ValidationSettings

if TYPE_CHECKING:
    from yaml import MarkedYAMLError

_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_Records = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(memory:$|sqlite:///.|dynamodb://.)",
        examples=["memory:", "sqlite:///FILE", "dynamodb://REGION/TABLE"],
    ),
]
_Cache = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(memory:$|rediss?://.|unix://.)",
        examples=["memory:", "redis://HOST:6379/0", "rediss://HOST:6379/0", "unix://SOCKET"],
    ),
]
_Vectors = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(memory:$|postgres(ql)?://.|opensearch(\+http)?://.)",
        examples=["memory:", "postgresql://HOST/DATABASE", "opensearch://HOST:9200/INDEX"],
    ),
]
_Secret = Annotated[str, msgspec.Meta(min_length=16)]

#: The URL of a store inside this process.
MEMORY: Final = "memory:"
#: Shown in the place of what is secret.
HIDDEN: Final = "***"


class ConfigError(ValueError):
    """A configuration that can't be used; the message says where and why, and shows no secrets."""


class StoresConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """URLs of the stores; `memory:` is inside this process. What nothing uses is never opened."""

    sessions: _Records = MEMORY
    products: _Records = MEMORY
    carts: _Records = MEMORY
    cache: _Cache = MEMORY
    vectors: _Vectors = MEMORY


class RetrievalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the prompt gets products of the catalogue that the question is about, and how many.

    The `embedder` is the semantic cache's too; `titan` asks Bedrock for each text.
    """

    enabled: bool = False
    n_sources: Annotated[int, msgspec.Meta(ge=1, le=5)] = 5
    min_similarity: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.2
    embedder: Literal["lexical", "titan"] = "lexical"


class AuthConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With a `secret`, chats and carts need a token that was signed with it, and are its user's alone."""

    secret: _Secret | None = None


class LimitsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of a WebSocket, as API Gateway has them, and of one answer (29 s there; null is none)."""

    idle_s: _Seconds = 600.0
    total_s: _Seconds = 7200.0
    integration_s: _Seconds | None = None


class AdminConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token that /admin asks for; without one there is no /admin."""

    token: _Secret | None = None


class BedrockConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is for the emulator, as its flags of these names: quotas, how it counts a minute, answers at once."""

    quotas: dict[str, Any] | None = None
    window: Counting = "bucket"
    slots: Annotated[int, msgspec.Meta(ge=1)] = SLOTS


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. `faults` are those of both processes: a fault of a store befalls the app, any other the emulator."""

    profile: Literal["plain", "full"] = "plain"
    stores: StoresConfig = StoresConfig()
    cache: AnswerCacheSettings = AnswerCacheSettings()
    retrieval: RetrievalConfig = RetrievalConfig()
    gateway: GatewaySettings = GatewaySettings()
    validation: ValidationSettings = ValidationSettings()
    faults: Plan = Plan()
    auth: AuthConfig = AuthConfig()
    limits: LimitsConfig = LimitsConfig()
    admin: AdminConfig = AdminConfig()
    bedrock: BedrockConfig = BedrockConfig()

    @property
    def quotas(self) -> Quotas | None:
        """The emulator's quotas, if the file has any."""
        return None if self.bedrock.quotas is None else quotas.parse(self.bedrock.quotas)

    def shown(self) -> dict[str, Any]:
        """The configuration as it may be seen: no token, no secret, no user and password of a URL."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for section, key in (("auth", "secret"), ("admin", "token")):
            if plain[section][key] is not None:
                plain[section][key] = HIDDEN
        plain["stores"] = {name: _without_login(url) for name, url in plain["stores"].items()}
        return plain


#: What a profile sets where the file doesn't.
PROFILES: Final = MappingProxyType(
    {
        "plain": {},
        "full": {
            "cache": {"exact": True, "semantic": True},
            "retrieval": {"enabled": True},
            "gateway": {"backoff": {"retries": 2}, "breaker": {"enabled": True}, "fallback": {"enabled": True}},
            "validation": {"checks": ["language", "safety", "grounding", "length"]},
            "limits": {"integration_s": 29.0},
        },
    }
)


def load(path: Path) -> Config:
    """The configuration in a YAML file. Raises ConfigError and OSError."""
    import yaml  # noqa: PLC0415  a process without a file does without it

    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{path}: {_marked(error)}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {_on_one_line(str(error))}") from error
    try:
        return parse({} if value is None else value)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(value: Any) -> Config:
    """The configuration in plain objects, over the profile they name. Raises ConfigError."""
    profile = value.get("profile", "plain") if isinstance(value, dict) else "plain"
    if isinstance(value, dict) and isinstance(profile, str):
        value = _merged(PROFILES.get(profile, {}), value)
    try:
        if isinstance(value, dict):
            _check_kinds(value.get("faults"))
        config = msgspec.convert(value, Config)
        _ = config.quotas
    except msgspec.ValidationError as error:
        raise ConfigError(explained(str(error), Config)) from error
    except plan.PlanError as error:
        raise ConfigError(f"faults: {error}") from error
    except ValueError as error:
        raise ConfigError(f"bedrock.quotas: {error}") from error
    return config


def _marked(error: MarkedYAMLError) -> str:
    """Where a file stops being YAML, and why, on one line; lines and columns count from 1."""
    mark = error.problem_mark or error.context_mark
    place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    return place + _on_one_line(", ".join(filter(None, (error.context, error.problem))))


def _on_one_line(words: str) -> str:
    return " ".join(words.split())


def _check_kinds(faults: Any) -> None:
    """Raise PlanError for a kind of fault that isn't known: it says which are; the rest is for Config's types."""
    try:
        plan.parse(faults)
    except plan.PlanError as error:
        if "unknown kind" in str(error):
            raise


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {**under, **over}
    for name in under.keys() & over.keys():
        if isinstance(under[name], dict) and isinstance(over[name], dict):
            both[name] = _merged(under[name], over[name])
    return both


def _without_login(url: str) -> str:
    """A URL without what may be secret: its user and password, and its query but for the names."""
    return re.sub(r"=[^&]*", f"={HIDDEN}", re.sub(r"//[^/]*@", f"//{HIDDEN}@", url))
