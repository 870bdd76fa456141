"""How long to wait before a model is asked again: exponential backoff with full jitter.

The n-th wait is drawn evenly from 0 to min(cap, base x 2^n): callers that failed together don't come back together
(Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random
from typing import Annotated

import msgspec

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]


class BackoffSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to `retries` further attempts at each model; 0 is off. No wait is longer than `cap_s`."""

    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    base_s: _Seconds = 0.5
    cap_s: _Seconds = 8.0


def delay_s(settings: BackoffSettings, n_retried: int, retry_after: str | None, rng: random.Random) -> float | None:
    """The wait before the next attempt after `n_retried` retries; None where there is to be none.

    `retry_after` is the model's header: what it asks for in seconds comes on top of the jitter, and where it asks for
    more than the cap nothing is retried. A date in it is not read.
    """
    if n_retried >= settings.retries:
        return None
    asked_s = int(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else 0
    if asked_s > settings.cap_s:
        return None
    return asked_s + rng.uniform(0, min(settings.cap_s, settings.base_s * 2**n_retried))
