"""Who answers where a model can't: the next model of the chain, and in the end words written beforehand."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from target_app.gateway.routing import HAIKU, SONNET


def _after() -> dict[str, str]:
    return {SONNET: HAIKU}


class FallbackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` names each model's substitute; with `canned`, a canned answer stands at the end of every chain."""

    enabled: bool = False
    after: Mapping[str, str] = msgspec.field(default_factory=_after)
    canned: bool = True


def chain(model: str, settings: FallbackSettings) -> tuple[str, ...]:
    """The models to ask, `model` first, none of them twice."""
    models = [model]
    while settings.enabled and (substitute := settings.after.get(models[-1])) and substitute not in models:
        models.append(substitute)
    return tuple(models)
