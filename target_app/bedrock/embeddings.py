"""InvokeModel for Titan text embeddings V2: a vector that is the same for the same text, near for similar ones.

The vector counts the text's character trigrams, each hashed to a place and a sign (feature hashing: Weinberger et al.,
"Feature Hashing for Large Scale Multitask Learning", 2009). Its nearness is that of wording, not of meaning.
"""

from __future__ import annotations

import math
import zlib
from typing import Annotated, Literal

import msgspec

from target_app.bedrock import errors, tokens
from target_app.bedrock.dialect import Headers
from target_app.bedrock.models import Model

_GRAM = 3


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    input_text: Annotated[str, msgspec.Meta(min_length=1, max_length=50_000)]
    dimensions: Literal[256, 512, 1024] = 1024
    normalize: bool = True


class Text(msgspec.Struct, frozen=True):
    """A checked request for an embedding."""

    text: str
    input_tokens: int
    dimensions: int
    is_normalized: bool


_REQUEST = msgspec.json.Decoder(_Request)


def parse(body: bytes, model: Model) -> Text:
    """Read a Titan request; raises ValidationException where it breaks a rule."""
    try:
        request = _REQUEST.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise errors.malformed(str(error)) from error
    input_tokens = tokens.count(request.input_text)
    if input_tokens > model.context_tokens:
        raise errors.invalid(
            f"Too many input tokens. Max input tokens: {model.context_tokens}, "
            f"request input token count: {input_tokens}"
        )
    return Text(request.input_text, input_tokens, request.dimensions, request.normalize)


def whole(text: Text, seed: int, latency_ms: int) -> tuple[Headers, bytes]:
    """Titan's response: the vector, and the token count as a header too."""
    numbers = vector(text, seed)
    body = {
        "embedding": numbers,
        "embeddingsByType": {"float": numbers},
        "inputTextTokenCount": text.input_tokens,
    }
    headers = [
        (b"x-amzn-bedrock-input-token-count", b"%d" % text.input_tokens),
        (b"x-amzn-bedrock-invocation-latency", b"%d" % latency_ms),
    ]
    return headers, msgspec.json.encode(body)


def vector(text: Text, seed: int) -> list[float]:
    """Embed `text`: shape (dimensions,), of length 1 where normalised."""
    places = [0.0] * text.dimensions
    padded = f" {text.text.casefold()} "
    start = zlib.crc32(b"%d" % seed)
    for index in range(len(padded) - _GRAM + 1):
        number = zlib.crc32(padded[index : index + _GRAM].encode("utf-8", "surrogatepass"), start)
        places[(number >> 1) % text.dimensions] += 1.0 if number & 1 else -1.0
    length = math.hypot(*places) if text.is_normalized else 1.0
    # Trigrams that cancel out to nothing leave a zero vector, which has no direction to normalise.
    return [place / length for place in places] if length else places
