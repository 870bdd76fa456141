"""What the emulator is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field

from target_app.bedrock.limits import Quotas
from target_app.bedrock.quota import Counting
from target_app.faults.plan import Plan


@dataclass(frozen=True, slots=True)
class Settings:
    """How the emulator behaves; quotas and faults can be changed while it runs."""

    #: Same seed, same request content: same answer, same base latency.
    seed: int = 1
    #: Multiplies every simulated wait; 0 is none. Quotas and faults stay in real time.
    time_scale: float = 1.0
    quotas: Quotas = field(default_factory=lambda: Quotas(tokens_per_minute=200_000))
    #: How a minute and a day are counted: AWS does not say.
    window: Counting = "bucket"
    #: Answers decoded at once, per model; further requests queue.
    slots: int = 64
    #: Where set, a SigV4 credential with another access key id is refused.
    access_key: str | None = None
    #: Where set, what the paths of administration ask for as a bearer token; else they ask for what a model does.
    admin_token: str | None = None
    faults: Plan = field(default_factory=Plan)
