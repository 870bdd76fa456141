"""How much of a model an account may use: limits for every model, and other ones for some, from a file or a request."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from target_app.bedrock.errors import BedrockError
from target_app.bedrock.models import named_model

_Amount = Annotated[int, msgspec.Meta(ge=1)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limits of one model; None is none."""

    tokens_per_minute: _Amount | None = None
    requests_per_minute: _Amount | None = None
    tokens_per_day: _Amount | None = None


class _Other(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differs for one model: an absent limit is everyone's, null is none."""

    tokens_per_minute: _Amount | msgspec.UnsetType | None = msgspec.UNSET
    requests_per_minute: _Amount | msgspec.UnsetType | None = msgspec.UNSET
    tokens_per_day: _Amount | msgspec.UnsetType | None = msgspec.UNSET


class Quotas(Limits, frozen=True, forbid_unknown_fields=True):
    """Everyone's limits, and under `models`, by id, what differs for a model."""

    models: dict[str, _Other] = {}

    def of(self, model_id: str) -> Limits:
        """Limits of one model, by its own id."""
        own = self.models.get(model_id, _Other())
        values = {
            name: getattr(self, name) if (value := getattr(own, name)) is msgspec.UNSET else value
            for name in Limits.__struct_fields__
        }
        return Limits(**values)


def parse(value: Any) -> Quotas:
    """Read limits from plain objects; models may go by any of their names. Raises ValueError."""
    try:
        quotas = msgspec.convert(value, Quotas)
        models = {named_model(name).id: limits for name, limits in quotas.models.items()}
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    except BedrockError as error:
        raise ValueError(f"models: {error.message}") from error
    return msgspec.structs.replace(quotas, models=models)


def load(path: Path) -> Quotas:
    """Read limits from a YAML or JSON file; raises ValueError or OSError."""
    import yaml  # noqa: PLC0415  a process without such a file does without it

    try:
        return parse(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
