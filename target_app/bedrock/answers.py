"""What an emulated model answers: text of an exact length in tokens, the same for the same request and seed."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from target_app.bedrock import tokens
from target_app.bedrock.models import Model
from target_app.bedrock.phrases import ENGLISH, JAPANESE, Phrasebook
from target_app.bedrock.prompt import Prompt
from target_app.behaviour import seeded

StopReason = Literal["end_turn", "max_tokens", "stop_sequence"]

#: Median answer of each query type, in tokens; lengths are lognormal around it.
_MEDIAN_TOKENS = {
    "greeting": 40,
    "price_check": 60,
    "order_status": 60,
    "product_lookup": 80,
    "japanese_query": 100,
    "recommendation": 350,
    "manga_summary": 550,
}
_OTHER_MEDIAN_TOKENS = 200
_LENGTH_SIGMA = 0.35
_LONGEST_PIECE_TOKENS = 4
#: A cut answer is composed this far beyond its end, so that the cut falls in a sentence and not among closing words.
_SLACK_TOKENS = 64

_JAPANESE_CHARACTER = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9d]")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and how it will be streamed: `pieces` add up to the text, `piece_tokens` to its count."""

    pieces: tuple[str, ...]
    piece_tokens: tuple[int, ...]
    stop_reason: StopReason
    stop_sequence: str | None

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def output_tokens(self) -> int:
        """Tokens of the whole text."""
        return sum(self.piece_tokens)


def answer(prompt: Prompt, model: Model, seed: int) -> Answer:
    """Answer `prompt`; neither what came before nor the request's own limits change what the model wants to say."""
    rng = seeded(seed, "answer", model.id, *prompt.texts)
    wanted = _length(prompt, rng)
    limit = model.max_output_tokens if prompt.max_tokens is None else prompt.max_tokens
    text = tokens.prefix(compose(prompt, min(wanted, limit + _SLACK_TOKENS), rng), limit)
    text, stop_sequence = _stop(text, prompt.stop_sequences)
    pieces, piece_tokens = _split(text, seeded(seed, "pieces", model.id, *prompt.texts))
    reason: StopReason = "max_tokens" if wanted > limit else "end_turn"
    return Answer(pieces, piece_tokens, reason if stop_sequence is None else "stop_sequence", stop_sequence)


def compose(prompt: Prompt, n_tokens: int, rng: random.Random) -> str:
    """Write sentences, then closing words, that count to exactly `n_tokens`."""
    book = JAPANESE if _JAPANESE_CHARACTER.search(prompt.question) else ENGLISH
    room = n_tokens * book.characters_per_token
    said: list[str] = []
    for sentence in _sentences(book, prompt, rng):
        length = len(sentence) + (len(book.joint) if said else 0)
        if length > room:
            break
        said.append(sentence)
        room -= length
    return _close(book, book.joint.join(said), room // book.characters_per_token)


def _length(prompt: Prompt, rng: random.Random) -> int:
    """Tokens the model wants to write: as many as the request asks for, or as its query type usually gets."""
    median = _MEDIAN_TOKENS.get(prompt.query_type or "", _OTHER_MEDIAN_TOKENS)
    usual = max(1, round(median * math.exp(_LENGTH_SIGMA * rng.gauss())))
    return usual if prompt.wanted_tokens is None else prompt.wanted_tokens


def _titles(book: Phrasebook, texts: Sequence[str]) -> list[str]:
    """Known titles that the request names, or the word that stands for one."""
    return [title for title in book.titles if any(title in text for text in texts)] or [book.unnamed]


def _sentences(book: Phrasebook, prompt: Prompt, rng: random.Random) -> Iterator[str]:
    """Give an opening, then the book's sentences in one order after another, without end."""
    titles = _titles(book, prompt.texts)
    templates = [book.openers.get(prompt.query_type or "other", book.openers["other"])]
    while True:
        for template in templates:
            yield template.format(title=rng.choice(titles)) if "{" in template else template
        templates = rng.sample(book.sentences, len(book.sentences))


def _close(book: Phrasebook, text: str, missing: int) -> str:
    """Add closing words of exactly `missing` tokens; each is used once before any is used twice."""
    words = []
    while missing:
        for length, closer in book.closers:
            if length <= missing:
                words.append(closer)
                missing -= length
    closing = "".join(words)
    return text + closing if text else closing.lstrip()


def _stop(text: str, stop_sequences: Sequence[str]) -> tuple[str, str | None]:
    """Cut `text` before the stop sequence that comes first, and name it."""
    found = min(((text.index(stop), stop) for stop in stop_sequences if stop and stop in text), default=None)
    return (text, None) if found is None else (text[: found[0]], found[1])


def _split(text: str, rng: random.Random) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Cut `text` into pieces of one token, then of a few each; every piece but the last ends on a token's end."""
    width = 4 if text.isascii() else 1
    pieces: list[str] = []
    start, size = 0, 1
    while start < len(text):
        pieces.append(text[start : start + size * width])
        start += size * width
        size = rng.randint(1, _LONGEST_PIECE_TOKENS)
    return tuple(pieces), tuple(map(tokens.count, pieces))
