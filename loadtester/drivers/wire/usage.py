"""Token counts as the APIs report them; each knows how to say the same as a Usage."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from loadtester.model import Usage

Tokens = Annotated[int, msgspec.Meta(ge=0)]


class ChatUsage(msgspec.Struct, frozen=True, gc=False):
    """The bundled MangaAssist's (docs/target-api.md): what was read from or written to a cache is not in the input."""

    input_tokens: Tokens
    output_tokens: Tokens
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0

    def as_usage(self) -> Usage:
        """The same counts as a Usage."""
        return Usage(self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens)


class AnthropicUsage(msgspec.Struct, frozen=True, gc=False):
    """Anthropic's Messages API: what was read from or written to a cache is not in the input."""

    input_tokens: Tokens
    output_tokens: Tokens
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None

    def as_usage(self) -> Usage:
        """The same counts as a Usage."""
        return Usage(
            self.input_tokens,
            self.output_tokens,
            self.cache_read_input_tokens or 0,
            self.cache_creation_input_tokens or 0,
        )


class _PromptDetails(msgspec.Struct, frozen=True, gc=False):
    cached_tokens: Tokens | None = None


class _CompletionDetails(msgspec.Struct, frozen=True, gc=False):
    reasoning_tokens: Tokens | None = None


class OpenAIUsage(msgspec.Struct, frozen=True, gc=False):
    """OpenAI's chat completions: the prompt includes what was read from a cache, which `input` of a Usage does not."""

    prompt_tokens: Tokens
    #: Left out by some servers where nothing was generated.
    completion_tokens: Tokens = 0
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None

    def as_usage(self) -> Usage:
        """The same counts as a Usage."""
        prompt, completion = self.prompt_tokens_details, self.completion_tokens_details
        cached = min(prompt.cached_tokens or 0, self.prompt_tokens) if prompt is not None else 0
        return Usage(
            self.prompt_tokens - cached,
            self.completion_tokens,
            cache_read=cached,
            reasoning=(completion.reasoning_tokens or 0) if completion is not None else 0,
        )


Reported = ChatUsage | AnthropicUsage | OpenAIUsage

_DECODERS: Final[dict[type[Reported], msgspec.json.Decoder[Reported]]] = {
    ChatUsage: msgspec.json.Decoder(ChatUsage),
    AnthropicUsage: msgspec.json.Decoder(AnthropicUsage),
    OpenAIUsage: msgspec.json.Decoder(OpenAIUsage),
}


def read_usage(data: bytes | msgspec.Raw, kind: type[Reported]) -> Usage | None:
    """The Usage in a JSON object of `kind`; None where it is missing, null or no such object.

    An answer without a sound usage is still an answer: its tokens are then estimated, and counted as such.
    """
    try:
        reported = _DECODERS[kind].decode(data)
    except msgspec.DecodeError:
        return None
    return reported.as_usage()
