"""What an emulated model answers: text of an exact length in tokens, the same for the same request and seed."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, count, pairwise, takewhile
from typing import Literal

from target_app.bedrock import tokens
from target_app.bedrock.models import Model
from target_app.bedrock.phrases import ENGLISH, JAPANESE, Phrasebook
from target_app.bedrock.prompt import Prompt
from target_app.bedrock.sources import Source, sources_of
from target_app.behaviour import seeded
from target_app.faults.plan import Kind

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
#: What a random byte makes of the next piece's length in tokens: 1 to 4, each as likely.
_PIECE_SIZES = bytes(1 + byte % 4 for byte in range(256))
#: A cut answer is composed this far beyond its end, so that the cut falls in a sentence and not among closing words.
_SLACK_TOKENS = 128

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


def answer(prompt: Prompt, model: Model, seed: int, slip: Kind | None = None) -> Answer:
    """Answer `prompt`; neither what came before nor the request's own limits change what the model wants to say.

    `slip` is what it does wrong: truncated, wrong_language or hallucinated_title.
    """
    rng = seeded(seed, "answer", model.id, *prompt.texts)
    wanted = _length(prompt, rng)
    limit = model.max_output_tokens if prompt.max_tokens is None else prompt.max_tokens
    if slip is Kind.TRUNCATED:
        limit = max(1, min(wanted, limit) // 2)
    text = tokens.prefix(compose(prompt, min(wanted, limit + _SLACK_TOKENS), rng, slip), limit)
    text, stop_sequence = _stop(text, prompt.stop_sequences)
    pieces, piece_tokens = _split(text, seeded(seed, "pieces", model.id, *prompt.texts))
    reason: StopReason = "max_tokens" if wanted > limit else "end_turn"
    return Answer(pieces, piece_tokens, reason if stop_sequence is None else "stop_sequence", stop_sequence)


def compose(prompt: Prompt, n_tokens: int, rng: random.Random, slip: Kind | None = None) -> str:
    """Write sentences, then closing words, that count to exactly `n_tokens`."""
    is_japanese = _JAPANESE_CHARACTER.search(prompt.question) is not None
    book = JAPANESE if is_japanese != (slip is Kind.WRONG_LANGUAGE) else ENGLISH
    sources = sources_of(prompt.texts)
    sentences = _sentences(book, prompt, sources, rng)
    if slip is Kind.HALLUCINATED_TITLE:
        sentences = chain([_invented(book, sources, rng)], sentences)
    room = n_tokens * tokens.QUARTERS
    said: list[str] = []
    for sentence in sentences:
        weight = tokens.quarters(book.joint + sentence if said else sentence)
        if weight > room:
            break
        said.append(sentence)
        room -= weight
    return _close(book, book.joint.join(said), room // tokens.QUARTERS)


def _length(prompt: Prompt, rng: random.Random) -> int:
    """Tokens the model wants to write: as many as the request asks for, or as its query type usually gets."""
    median = _MEDIAN_TOKENS.get(prompt.query_type or "", _OTHER_MEDIAN_TOKENS)
    usual = max(1, round(median * math.exp(_LENGTH_SIGMA * rng.gauss())))
    return usual if prompt.wanted_tokens is None else prompt.wanted_tokens


def _titles(book: Phrasebook, texts: Sequence[str], sources: Sequence[Source]) -> list[str]:
    """Titles to speak of: the sources' own, else known ones that the request names, else the word for one."""
    if sources:
        return [_quoted(book, source) for source in sources]
    return [title for title in book.titles if any(title in text for text in texts)] or [book.unnamed]


def _sentences(book: Phrasebook, prompt: Prompt, sources: Sequence[Source], rng: random.Random) -> Iterator[str]:
    """Give an opening, what the sources say, then the book's sentences in one order after another, without end."""
    kind = prompt.query_type or "other"
    asked_first = sorted(sources, key=lambda source: not _is_asked(source, prompt.question))
    titles = _titles(book, prompt.texts, asked_first)
    yield book.openers.get(kind, book.openers["other"]).format(title=titles[0] if sources else rng.choice(titles))
    for source in asked_first:
        for template in book.facts.get(kind, book.facts["other"]):
            yield template.format(
                title=_quoted(book, source),
                volume=source.volume,
                author=source.author,
                price=source.price,
                date=source.date,
                stock=_stock(book, source),
            )
    while True:
        for template in rng.sample(book.sentences, len(book.sentences)):
            yield template.format(title=rng.choice(titles)) if "{" in template else template


def _is_asked(source: Source, question: str) -> bool:
    return source.title_ja in question or source.title.casefold() in question.casefold()


def _quoted(book: Phrasebook, source: Source) -> str:
    return book.quoted.format(source.title_ja if book is JAPANESE else source.title)


def _stock(book: Phrasebook, source: Source) -> str:
    if source.stock is None:
        return book.unknown_stock
    return book.in_stock.format(source.stock) if source.stock else book.sold_out


def _invented(book: Phrasebook, sources: Sequence[Source], rng: random.Random) -> str:
    """Name a title that is nobody's and a price that is none of the sources'."""
    title = rng.choice(book.invented_titles)
    known = {source.price for source in sources}
    price = next(price for price in (f"¥{yen}" for yen in count(1_985, 7)) if price not in known)
    return book.invented.format(title=book.quoted.format(title), price=price)


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
    """Cut `text` into pieces of one token, then of a few each; every piece ends where a token does."""
    ends = tokens.ends(text)
    n_tokens = len(ends) - 1
    sizes = rng.randbytes(n_tokens).translate(_PIECE_SIZES)
    places = [0, *takewhile(n_tokens.__gt__, accumulate(sizes, initial=1)), n_tokens] if n_tokens else [0]
    pairs = list(pairwise(places))
    return tuple(text[ends[start] : ends[end]] for start, end in pairs), tuple(end - start for start, end in pairs)
