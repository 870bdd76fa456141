"""What a request asks, whichever operation it came in by."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import msgspec

from target_app.bedrock import errors, tokens
from target_app.bedrock.models import Model


class Prompt(msgspec.Struct, frozen=True):
    """A checked request for text. `texts` holds every text of it, the system's first, then the messages' in order.

    A cache point is the number of `texts` before it.
    """

    texts: tuple[str, ...]
    question: str
    input_tokens: int
    max_tokens: int | None
    stop_sequences: tuple[str, ...] = ()
    request_id: str | None = None
    query_type: str | None = None
    wanted_tokens: int | None = None
    cache_points: tuple[int, ...] = ()


class Block(msgspec.Struct, frozen=True):
    """One block of content: its text, None where it holds something else, and whether a cache point follows it."""

    text: str | None
    is_cached: bool = False


class Turn(msgspec.Struct, frozen=True):
    """One message: who speaks, and what."""

    role: str
    blocks: Sequence[Block]


def check_turns(turns: Sequence[Turn]) -> None:
    """Raise ValidationException where the conversation breaks one of the service's rules."""
    if not turns or turns[0].role != "user":
        raise errors.invalid(
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )
    for index, turn in enumerate(turns):
        if index and turn.role == turns[index - 1].role:
            raise errors.invalid(
                "A conversation must alternate between user and assistant roles. "
                "Make sure the conversation alternates between user and assistant roles and try again."
            )
        if not turn.blocks:
            raise errors.invalid(
                f"The content field in the Message object at messages.{index} is empty. "
                "Add a ContentBlock object to the content field and try again."
            )
        for place, block in enumerate(turn.blocks):
            if block.text is not None and not block.text.strip():
                raise errors.invalid(
                    f"The text field in the ContentBlock object at messages.{index}.content.{place} is blank. "
                    "Add text to the text field, and try again."
                )


def question_of(turns: Sequence[Turn]) -> str:
    """Text of the last message that the user wrote."""
    last = next(turn for turn in reversed(turns) if turn.role == "user")
    return "\n".join(block.text for block in last.blocks if block.text)


def texts_of(system: Sequence[Block], turns: Sequence[Turn]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Every text of a request, in order, and its cache points."""
    texts: list[str] = []
    cache_points: list[int] = []
    for block in chain(system, *(turn.blocks for turn in turns)):
        if block.text:
            texts.append(block.text)
        if block.is_cached:
            cache_points.append(len(texts))
    return tuple(texts), tuple(cache_points)


def count_input(texts: Sequence[str]) -> int:
    """Input tokens: the sum of each text's own count; images, documents and tools count nothing here."""
    return sum(map(tokens.count, texts))


def check_size(model: Model, input_tokens: int, max_tokens: int | None) -> None:
    """Raise ValidationException where the model can't read or write that much."""
    if max_tokens is not None and max_tokens > model.max_output_tokens:
        raise errors.invalid(
            f"The maximum tokens you requested exceeds the model limit of {model.max_output_tokens}. "
            f"Try again with a maximum tokens value that is lower than {model.max_output_tokens}."
        )
    if input_tokens > model.context_tokens:
        raise errors.invalid("Input is too long for requested model.")
