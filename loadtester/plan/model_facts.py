"""What is known of a model before it is asked: what its output weighs in the quota, and how fast it answers.

Burndown: AWS, "Tokens per minute and burndown" (Amazon Bedrock user guide, read in November 2026): 5 for Claude 3.7,
Sonnet 4 and 4.5, Opus 4 to 4.5 and Haiku 4.5, otherwise 1; carried over to Claude 4.6 and later, which are not named.
Speed: medians of public comparisons for Claude 3 Sonnet (.76 s, 60 tokens/s) and Haiku (.4 s, 150 tokens/s), with .05
to .12 ms for a token of prompt; the noise of the first token is fitted to the LLMPerf leaderboard's raw data (December
2023, ray-project/llmperf-leaderboard, Apache-2.0). These are the figures that the bundled emulator keeps to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: Shifted lognormal of the first token, in seconds: shift, median of what lies above it, sigma.
FIRST_SHIFT_S: Final = 0.233
FIRST_MEDIAN_S: Final = 0.160
FIRST_SIGMA: Final = 0.35
#: Chance of a stall at a token, and the stall's lognormal: assumptions of the emulator.
STALL_CHANCE: Final = 1e-4
STALL_MEDIAN_S: Final = 1.0
STALL_SIGMA: Final = 0.5

_WEIGHTY: Final = re.compile(r"claude-(3-7-|(sonnet|opus|haiku)-[4-9])")
_KNOWN: Final = re.compile(r"claude-3-(haiku|sonnet)-")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """First token after `base_s` and `input_token_s` for each token of prompt, then one token every `token_s`.

    `is_known` is False where the speed is not the model's own but taken to be that of Claude 3 Sonnet, or Haiku.
    """

    burndown: int
    base_s: float
    input_token_s: float
    token_s: float
    is_known: bool


def model_facts(model: str) -> ModelFacts:
    """The facts of a model by its id, inference profile or ARN; "", which plain requests ask, takes no time."""
    if not model:
        return ModelFacts(1, 0.0, 0.0, 0.0, is_known=True)
    burndown = 5 if _WEIGHTY.search(model) else 1
    is_known = _KNOWN.search(model) is not None
    if "haiku" in model:
        return ModelFacts(burndown, 0.375, 0.00005, 1 / 150, is_known)
    return ModelFacts(burndown, 0.70, 0.00012, 1 / 60, is_known)
