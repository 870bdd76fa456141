"""How long a model takes: seeded, so that one prompt has one latency, and kept to by the clock.

The shape is a queue for a slot (kept by the caller), then a first token after
`(alpha + beta x input tokens) x (1 + kappa x (concurrent - 1)) x noise`, then tokens at an even pace with tight noise
and, rarely, a long stall. Figures: the first-token noise is fitted to Llama 2 70B on Bedrock (p50 .384 s, p95 .527 s,
p99 .670 s) and the token noise lies between its 70B and 13B models, both in the LLMPerf leaderboard's raw data of
December 2023 (ray-project/llmperf-leaderboard, Apache-2.0). Contention and stalls have no public figures: they are
assumptions of this emulator.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

#: Shifted lognormal of the first token, in seconds: shift, median of what lies above it, sigma.
_FIRST_SHIFT_S, _FIRST_MEDIAN_S, _FIRST_SIGMA = 0.233, 0.160, 0.35
#: Lognormal sigma of one token's time: p99/p50 is 1.16 for the 70B model (sigma .065), 1.02 for the 13B (.009).
_TOKEN_SIGMA = 0.04
#: Chance of a stall at a token, and the stall's lognormal: assumptions (about one answer in fifty stalls).
_STALL_CHANCE, _STALL_MEDIAN_S, _STALL_SIGMA = 1e-4, 1.0, 0.5
#: Timers of the event loop tick in milliseconds and may fire early: shorter sleeps would only spin.
_SHORTEST_SLEEP_S = 0.001


@dataclass(frozen=True, slots=True)
class Pace:
    """A model's speed: first token after `base_s` plus `input_token_s` each, then one token every `token_s`.

    `contention` is the part by which each further request being decoded delays the first token.
    """

    base_s: float
    input_token_s: float
    token_s: float
    contention: float = 0.004


def seeded(seed: int, *parts: str) -> random.Random:
    """Give the random numbers that belong to `parts` under `seed`, whatever else was drawn before."""
    digest = hashlib.blake2b(str(seed).encode(), digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part.encode("utf-8", "surrogatepass"))
    return random.Random(digest.digest())


def first_token_s(pace: Pace, input_tokens: int, concurrent: int, rng: random.Random) -> float:
    """Time from getting a slot to the first token, in seconds; `concurrent` counts this request too."""
    noise = _FIRST_SHIFT_S + _FIRST_MEDIAN_S * math.exp(_FIRST_SIGMA * rng.gauss())
    prefill_s = pace.base_s + pace.input_token_s * input_tokens
    return prefill_s * (1 + pace.contention * (concurrent - 1)) * noise / (_FIRST_SHIFT_S + _FIRST_MEDIAN_S)


def piece_s(pace: Pace, tokens: int, rng: random.Random) -> float:
    """Time that a piece of `tokens` tokens takes to decode, in seconds, with its stall where it has one."""
    steady_s = tokens * pace.token_s * math.exp(_TOKEN_SIGMA / math.sqrt(max(tokens, 1)) * rng.gauss())
    if rng.random() < _STALL_CHANCE * tokens:
        return steady_s + _STALL_MEDIAN_S * math.exp(_STALL_SIGMA * rng.gauss())
    return steady_s


def timetable_ns(
    pace: Pace, pieces: Sequence[int], input_tokens: int, concurrent: int, rng: random.Random, time_scale: float
) -> list[int]:
    """When each of an answer's pieces (their token counts) is due, in ns from getting the slot, never decreasing."""
    if not time_scale:
        return [0] * len(pieces)
    due_s = first_token_s(pace, input_tokens, concurrent, rng)
    due = []
    for index, tokens in enumerate(pieces):
        # The first piece is the first token: its time is the time to first token.
        due_s += piece_s(pace, tokens, rng) if index else 0.0
        due.append(round(due_s * time_scale * 1e9))
    return due


async def until_ns(due_ns: int) -> None:
    """Sleep until the monotonic clock reads `due_ns`: never less, so that waits do not add up to a drift."""
    while (left_ns := due_ns - time.monotonic_ns()) > 0:  # noqa: ASYNC110  what it waits for is the clock
        await asyncio.sleep(max(left_ns * 1e-9, _SHORTEST_SLEEP_S))
