"""The requests of a plan: what each arrival asks, of which model, in which words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from loadtester.errors import FmloadError
from loadtester.model import Request
from loadtester.scenario.scenario import QueryType
from loadtester.schedule.arrivals import Arrivals
from loadtester.workload.bare import bare
from loadtester.workload.draw import bits, bits_of, fraction, fractions, stream
from loadtester.workload.voices import Voice, Voices, voices

#: Part of the requests of a built-in type (not greetings, nor order status) that asks one of its popular questions,
#: the k-th about 1/k as often as the first. It makes about 11.5 % of the questions exact repeats of an earlier one in
#: 7,106 requests of the production mix, as in the chatbot trace RAGPulse (arXiv:2511.12979): 7,106 requests, 6,292
#: different questions. Longer plans repeat more, by chance: 13.0 % of 100,000 requests, 15.5 % of a million.
POPULAR_SHARE: Final = 0.06

_QUERY, _LANGUAGE, _POPULAR, _WORDS, _HEAD = range(5)


#: Rows whose draws are made at once: numpy makes a request's in a tenth of the time that Python takes.
_BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class _Choice:
    query: QueryType
    voices: Voices


#: What was drawn for one request: its choice from the mix, fractions for language and popularity, bits for the words.
_Draw = tuple[int, float, float, int]


class Workload:
    """Makes the request of each row of `arrivals` when asked for it; keeps one boolean a row.

    What is asked depends on the seed, the mix and the arrival's `id` only: all shards of a plan together ask what the
    whole plan asks. Raises FmloadError where the mix can't be asked.
    """

    def __init__(self, arrivals: Arrivals, mix: Sequence[QueryType], *, max_tokens: int, seed: int) -> None:
        self._arrivals = arrivals
        self._max_tokens = max_tokens
        self._seed = seed
        self._choices = tuple(
            _Choice(one, voices(one, bits(stream(seed, _HEAD), crc32(one.name.encode())))) for one in mix
        )
        self._bounds = _bounds([one.share for one in mix])
        self._query_key, self._language_key, self._popular_key, self._words_key = (
            stream(seed, number) for number in (_QUERY, _LANGUAGE, _POPULAR, _WORDS)
        )
        self._is_last = _last_turns(arrivals)
        self._block_start = 0
        self._block: list[_Draw] = []

    def request(self, row: int) -> Request:
        """The request of row `row` of the arrivals; its `id` is its place in the whole plan."""
        arrivals = self._arrivals
        if not 0 <= row - self._block_start < len(self._block):
            self._block_start = row - row % _BLOCK
            self._block = self._drawn(arrivals.id[self._block_start : self._block_start + _BLOCK])
        context_tokens = arrivals.input_tokens
        return self._request(
            self._block[row - self._block_start],
            arrivals.id.item(row),
            f"s-{self._seed}-{arrivals.session.item(row)}",
            arrivals.turn.item(row),
            None if context_tokens is None else context_tokens.item(row),
            self._want(row),
        )

    def choices(self) -> NDArray[np.int64]:
        """Each row's place in the mix, shape (n,), without making its request."""
        drawn = fractions(bits_of(self._query_key, self._arrivals.id))
        return np.searchsorted(self._bounds, drawn, side="right").astype(np.int64)

    def ask(self, n: int, *, request_id: int, session: str, turn: int) -> Request:
        """A request that is in no plan: it asks what a planned one with the id `n` would ask."""
        draw = (
            bisect_right(self._bounds, fraction(bits(self._query_key, n))),
            fraction(bits(self._language_key, n)),
            fraction(bits(self._popular_key, n)),
            bits(self._words_key, n),
        )
        return self._request(draw, request_id, session, turn, None, None)

    def _drawn(self, ns: NDArray[np.int64]) -> list[_Draw]:
        """What the seed draws for the requests with these ids, as `ask` draws it for one."""
        query, language, popular, words = (
            bits_of(key, ns) for key in (self._query_key, self._language_key, self._popular_key, self._words_key)
        )
        return list(
            zip(
                np.searchsorted(self._bounds, fractions(query), side="right").tolist(),
                fractions(language).tolist(),
                fractions(popular).tolist(),
                words.tolist(),
                strict=True,
            )
        )

    def _request(
        self,
        draw: _Draw,
        request_id: int,
        session: str,
        turn: int,
        context_tokens: int | None,
        want_output_tokens: int | None,
    ) -> Request:
        chosen, language, popular, words = draw
        choice = self._choices[chosen]
        query, asked = choice.query, choice.voices
        voice = asked.japanese if language < asked.japanese_share else asked.english
        if context_tokens is None:
            prompt = _prompt(voice, popular, words)
        else:
            prompt = bare(voice.language, context_tokens, words)
        return Request(
            id=request_id,
            query=query.name,
            kind=query.kind,
            model=query.model,
            prompt=prompt,
            session=session,
            turn=turn,
            max_tokens=max(self._max_tokens, want_output_tokens or 0),
            language=voice.language,
            want_output_tokens=want_output_tokens,
            is_bare=context_tokens is not None,
        )

    def is_last_turn(self, row: int) -> bool:
        """Whether the conversation of row `row` ends with it."""
        return self._is_last.item(row)

    def _want(self, row: int) -> int | None:
        """Output tokens that the trace asks for; targets take one or more."""
        tokens = self._arrivals.output_tokens
        return None if tokens is None else max(1, tokens.item(row))


def _prompt(voice: Voice, popular: float, words: int) -> str:
    if popular < POPULAR_SHARE and voice.popular:
        # Uniform in the logarithm: rank k comes up about 1/k as often as rank 1.
        return voice.popular[int((len(voice.popular) + 1) ** (popular / POPULAR_SHARE)) - 1]
    return voice.questions[words % len(voice.questions)].ask(words)


def _bounds(shares: Sequence[float]) -> list[float]:
    """Where in [0, 1) each choice but the last ends."""
    total = sum(shares)
    if not total > 0 or min(shares) < 0:
        raise FmloadError(
            "the mix has nothing to draw from: shares must not be negative, and at least one must be over 0",
            remedy="Give each query type of the mix a share; together they should be 1.",
        )
    return [end / total for end in accumulate(shares)][:-1]


def _last_turns(arrivals: Arrivals) -> NDArray[np.bool_]:
    """For each row, whether no later turn of its conversation is among the arrivals."""
    order = np.lexsort((arrivals.turn, arrivals.session))
    session = arrivals.session[order]
    is_last = np.ones(len(order), dtype=np.bool_)
    is_last[order[:-1]] = session[1:] != session[:-1]
    return is_last
