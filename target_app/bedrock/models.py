"""The models the emulator answers for: limits, quota weight and speed.

Limits and burndown are AWS's and Anthropic's documented figures, read in November 2026. Speeds: Claude 3 Sonnet takes
about .76 s to the first token and gives 60 tokens/s, Claude 3 Haiku .4 s and 150 tokens/s (medians of public
comparisons, taken here to hold for a prompt of 500 tokens); a token of prompt adds .04 to .24 ms. Other Claude Haikus
are as fast as Haiku; every other model is taken to be like Sonnet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from target_app.bedrock import errors
from target_app.behaviour import Pace

Kind = Literal["claude", "chat", "embedding"]

_SONNET = Pace(base_s=0.70, input_token_s=0.00012, token_s=1 / 60)
_HAIKU = Pace(base_s=0.375, input_token_s=0.00005, token_s=1 / 150)
#: An embedding is one pass over the text; no public figure, so an assumption: 40 ms and a little a token.
_EMBEDDING = Pace(base_s=0.04, input_token_s=0.00001, token_s=0.0)


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `burndown` is what an output token weighs in the quota; `kind` says which operations it takes."""

    id: str
    kind: Kind
    max_output_tokens: int
    context_tokens: int
    burndown: int
    pace: Pace


def _claude(name: str, max_output_tokens: int, burndown: int, context_tokens: int = 200_000) -> Model:
    pace = _HAIKU if "haiku" in name else _SONNET
    return Model(f"anthropic.{name}", "claude", max_output_tokens, context_tokens, burndown, pace)


_MODELS = {
    model.id: model
    for model in (
        _claude("claude-3-sonnet-20240229-v1:0", 4_096, 1),
        _claude("claude-3-haiku-20240307-v1:0", 4_096, 1),
        _claude("claude-sonnet-4-20250514-v1:0", 64_000, 5),
        _claude("claude-sonnet-4-5-20250929-v1:0", 64_000, 5),
        _claude("claude-haiku-4-5-20251001-v1:0", 64_000, 5),
        _claude("claude-opus-4-5-20251101-v1:0", 64_000, 5),
        # From 4.6 on the burndown is carried over from 4.5: AWS's list of weights does not name them one by one.
        _claude("claude-sonnet-4-6", 128_000, 5, 1_000_000),
        _claude("claude-opus-4-6-v1", 128_000, 5, 1_000_000),
        _claude("claude-opus-4-7", 128_000, 5, 1_000_000),
        _claude("claude-opus-4-8", 128_000, 5, 1_000_000),
        Model("amazon.nova-2-lite-v1:0", "chat", 65_536, 1_000_000, 1, _SONNET),
        Model("amazon.nova-micro-v1:0", "chat", 10_000, 128_000, 1, _SONNET),
        Model("amazon.nova-lite-v1:0", "chat", 10_000, 300_000, 1, _SONNET),
        Model("amazon.nova-pro-v1:0", "chat", 10_000, 300_000, 1, _SONNET),
        Model("meta.llama3-1-8b-instruct-v1:0", "chat", 8_192, 128_000, 1, _SONNET),
        Model("meta.llama3-1-70b-instruct-v1:0", "chat", 8_192, 128_000, 1, _SONNET),
        Model("meta.llama3-3-70b-instruct-v1:0", "chat", 8_192, 128_000, 1, _SONNET),
        Model("amazon.titan-embed-text-v2:0", "embedding", 0, 8_192, 1, _EMBEDDING),
    )
}

#: Past their end of life on the service, read in November 2026. Claude 3 Sonnet and Haiku are too, but they are
#: MangaAssist's own, and live on here.
_RETIRED = frozenset(
    {
        "ai21.j2-mid-v1",
        "ai21.j2-ultra-v1",
        "amazon.titan-text-express-v1",
        "amazon.titan-text-lite-v1",
        "amazon.titan-text-premier-v1:0",
        "anthropic.claude-instant-v1",
        "anthropic.claude-v2",
        "anthropic.claude-v2:1",
        "anthropic.claude-3-opus-20240229-v1:0",
        "anthropic.claude-3-5-haiku-20241022-v1:0",
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        "cohere.command-light-text-v14",
        "cohere.command-text-v14",
        "meta.llama2-13b-chat-v1",
        "meta.llama2-70b-chat-v1",
    }
)

#: Ways to name a model: an ARN of a model or a profile around it, a region's or the global profile before it.
_ARN = re.compile(r"^arn:aws[a-z-]*:bedrock:[a-z0-9-]*:[0-9]*:(?:foundation-model|inference-profile)/")
_PROFILE = re.compile(r"^(?:us|us-gov|eu|apac|jp|au|in|ca|global)\.")


def find_model(model_id: str) -> Model | None:
    """Model of an id, an inference profile's id (`jp.…`, `global.…`) or an ARN of either; None where there is none."""
    return _MODELS.get(_bare(model_id))


def named_model(model_id: str) -> Model:
    """Model as `find_model` finds it; raises the service's error where it is past its end of life or unknown."""
    model = find_model(model_id)
    if model is None:
        raise errors.retired_model() if _bare(model_id) in _RETIRED else errors.unknown_model()
    return model


def _bare(model_id: str) -> str:
    """Leave of a name what is the model's own."""
    return _PROFILE.sub("", _ARN.sub("", model_id, count=1), count=1)
