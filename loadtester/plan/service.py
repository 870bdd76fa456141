"""What the service between fmload and the model adds to a prompt, and how long answers become."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from loadtester.scenario import Quota, Scenario

#: Median answer in tokens by query type; lengths are lognormal around it. MangaAssist's emulator keeps to these.
MEDIAN_TOKENS: Final = {
    "greeting": 40,
    "price_check": 60,
    "order_status": 60,
    "product_lookup": 80,
    "japanese_query": 100,
    "recommendation": 350,
    "manga_summary": 550,
}
#: Of any other query type: MangaAssist's typical message where usage is unknown.
OTHER_MEDIAN_TOKENS: Final = 200
LENGTH_SIGMA: Final = 0.35


@dataclass(frozen=True, slots=True)
class Service:
    """`english_tokens` and `japanese_tokens` are those of the system prompt, by the question's language.

    The newest exchanges of a conversation go along with its next question: `history_exchanges` at most, and
    `history_chars`. `slots` answers of one model are written at once, None is no limit; each further one delays the
    first token by the part `contention`. `time_scale` multiplies every
    answer's time. `is_known` is False where nobody has said what the service adds: then it is taken to add nothing.
    """

    english_tokens: int = 0
    japanese_tokens: int = 0
    history_exchanges: int = 0
    history_chars: int = 12_000
    slots: int | None = None
    contention: float = 0.0
    time_scale: float = 1.0
    is_known: bool = True


#: MangaAssist's own system prompts, counted by the emulator; tests/plan holds all of this against the target.
_MANGAASSIST: Final = Service(english_tokens=243, japanese_tokens=337, history_exchanges=6, slots=64, contention=0.004)


def is_bundled(scenario: Scenario) -> bool:
    """Whether fmload starts the target itself."""
    target = scenario.target
    return target.url is None and target.endpoint_url is None and target.region is None


def service_of(scenario: Scenario) -> Service:
    """The service that the scenario's requests pass through."""
    if is_bundled(scenario):
        scale = scenario.bundled.time_scale
        if scenario.target.protocol == "bedrock":
            return Service(slots=_MANGAASSIST.slots, contention=_MANGAASSIST.contention, time_scale=scale)
        return replace(_MANGAASSIST, time_scale=scale)
    added = scenario.quota.prompt_tokens
    is_known = added is not None or scenario.target.protocol in ("bedrock", "openai")
    return Service(added or 0, added or 0, is_known=is_known)


def quota_of(scenario: Scenario) -> Quota:
    """The limits of each model: the bundled emulator's own, or what the scenario says of its target."""
    if not is_bundled(scenario):
        return scenario.quota
    bundled = scenario.bundled
    return Quota(bundled.tokens_per_minute or None, bundled.requests_per_minute, bundled.window)
