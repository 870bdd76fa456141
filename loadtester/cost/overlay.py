"""What the published price table leaves out, dated and sourced: batch, tiers, hour-long cache writes, burndown."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from loadtester.errors import Exit, FmloadError


@dataclass(frozen=True, slots=True)
class Overlay:
    """Factors on a model's standard price, and of a quota's tokens; `read` is the month they were read."""

    read: str
    batch: Decimal
    tiers: dict[str, Decimal]
    hour_cache_write: Decimal
    burndown_factor: int
    burndown_models: tuple[str, ...]
    burndown_exempt: tuple[str, ...]
    sources: tuple[str, ...]

    def tier(self, name: str) -> Decimal:
        """The factor of a service tier. Raises FmloadError for a tier that is not known."""
        if name not in self.tiers:
            raise FmloadError(
                f"--tier {name!r} is not a tier", remedy=f"write {', '.join(sorted(self.tiers))}", code=Exit.USAGE
            )
        return self.tiers[name]

    def burndown(self, model: str) -> int:
        """How many tokens of the quota an output token of the model uses up."""
        is_heavy = any(part in model for part in self.burndown_models)
        return self.burndown_factor if is_heavy and not any(part in model for part in self.burndown_exempt) else 1


@cache
def overlay() -> Overlay:
    """The overlay that is shipped with this version."""
    raw = tomllib.loads(files("loadtester.cost").joinpath("overlay.toml").read_text("utf-8"))
    tiers = {name: Decimal(raw["tiers"][name]) for name in ("priority", "flex")}
    return Overlay(
        read=raw["read"],
        batch=Decimal(raw["batch"]["factor"]),
        tiers={"standard": Decimal(1), **tiers},
        hour_cache_write=Decimal(raw["hour_cache_write"]["factor"]),
        burndown_factor=int(raw["burndown"]["factor"]),
        burndown_models=tuple(raw["burndown"]["models"]),
        burndown_exempt=tuple(raw["burndown"]["exempt"]),
        sources=tuple(raw[part]["source"] for part in ("batch", "tiers", "hour_cache_write", "burndown")),
    )
