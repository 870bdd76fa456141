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
from loadtester.workload.draw import bits, fraction, stream
from loadtester.workload.voices import Voice, Voices, voices

#: Part of the requests of a built-in type (not greetings, nor order status) that asks one of its popular questions,
#: the k-th about 1/k as often as the first. It makes about 11.5 % of the questions exact repeats of an earlier one in
#: 7,106 requests of the production mix, as in the chatbot trace RAGPulse (arXiv:2511.12979): 7,106 requests, 6,292
#: different questions. Longer plans repeat more, by chance: 13.0 % of 100,000 requests, 15.5 % of a million.
POPULAR_SHARE: Final = 0.06

_QUERY, _LANGUAGE, _POPULAR, _WORDS, _HEAD = range(5)


@dataclass(frozen=True, slots=True)
class _Choice:
    query: QueryType
    voices: Voices


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

    def request(self, row: int) -> Request:
        """The request of row `row` of the arrivals; its `id` is its place in the whole plan."""
        arrivals = self._arrivals
        n: int = arrivals.id.item(row)
        context_tokens = arrivals.input_tokens
        return self._request(
            n,
            n,
            f"s-{self._seed}-{arrivals.session.item(row)}",
            arrivals.turn.item(row),
            None if context_tokens is None else context_tokens.item(row),
            self._want(row),
        )

    def ask(self, n: int, *, request_id: int, session: str, turn: int) -> Request:
        """A request that is in no plan: it asks what a planned one with the id `n` would ask."""
        return self._request(n, request_id, session, turn, None, None)

    def _request(
        self,
        n: int,
        request_id: int,
        session: str,
        turn: int,
        context_tokens: int | None,
        want_output_tokens: int | None,
    ) -> Request:
        choice = self._choices[bisect_right(self._bounds, fraction(bits(self._query_key, n)))]
        query, asked = choice.query, choice.voices
        is_japanese = fraction(bits(self._language_key, n)) < asked.japanese_share
        voice = asked.japanese if is_japanese else asked.english
        if context_tokens is None:
            prompt = self._prompt(voice, n)
        else:
            prompt = bare(voice.language, context_tokens, bits(self._words_key, n))
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

    def _prompt(self, voice: Voice, n: int) -> str:
        if voice.popular:
            drawn = fraction(bits(self._popular_key, n))
            if drawn < POPULAR_SHARE:
                # Uniform in the logarithm: rank k comes up about 1/k as often as rank 1.
                return voice.popular[int((len(voice.popular) + 1) ** (drawn / POPULAR_SHARE)) - 1]
        drawn_bits = bits(self._words_key, n)
        return voice.questions[drawn_bits % len(voice.questions)].ask(drawn_bits)

    def _want(self, row: int) -> int | None:
        """Output tokens that the trace asks for; targets take one or more."""
        tokens = self._arrivals.output_tokens
        return None if tokens is None else max(1, tokens.item(row))


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
