"""What the emulator is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """How the emulator behaves. Limits are per model; None is no limit."""

    #: Same seed, same request content: same answer, same base latency.
    seed: int = 1
    #: Multiplies every simulated wait; 0 is none. Quotas stay in real time.
    time_scale: float = 1.0
    tokens_per_minute: int | None = 200_000
    requests_per_minute: int | None = None
    #: How a minute is counted: AWS does not say.
    window: Literal["bucket", "minute"] = "bucket"
    #: Answers decoded at once, per model; further requests queue.
    slots: int = 64
    #: Where set, a SigV4 credential with another access key id is refused.
    access_key: str | None = None
