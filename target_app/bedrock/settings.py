"""What the emulator is told when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from target_app.bedrock.limits import Quotas
from target_app.bedrock.quota import Counting
from target_app.faults.plan import Plan

#: Tokens a minute of each model where nobody says how many: half of Claude 3's old default in Tokyo.
TOKENS_PER_MINUTE: Final = 100_000
#: Answers of each model decoded at once where nobody says how many.
SLOTS: Final = 64


@dataclass(frozen=True, slots=True)
class Settings:
    """How the emulator behaves; quotas and faults can be changed while it runs."""

    #: Same seed, same request content: same answer, same base latency.
    seed: int = 1
    #: Multiplies every simulated wait; 0 is none. Quotas and faults stay in real time.
    time_scale: float = 1.0
    quotas: Quotas = field(default_factory=lambda: Quotas(tokens_per_minute=TOKENS_PER_MINUTE))
    #: How a minute and a day are counted: AWS does not say.
    window: Counting = "bucket"
    #: Answers decoded at once, per model; further requests queue.
    slots: int = SLOTS
    #: Where set, a SigV4 credential with another access key id is refused.
    access_key: str | None = None
    #: Where set, what the paths of administration ask for as a bearer token; else they ask for what a model does.
    admin_token: str | None = None
    faults: Plan = field(default_factory=Plan)


def quotas_of(file: Quotas | None, flags: Mapping[str, int | None]) -> Quotas:
    """The limits in a file, or the default ones, but for those that a flag states: there 0 is none, None says nothing.

    Limits that the file has for one model alone stay as they are.
    """
    said = {name: limit or None for name, limit in flags.items() if limit is not None}
    return msgspec.structs.replace(file or Settings().quotas, **said)
