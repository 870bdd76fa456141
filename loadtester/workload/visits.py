"""What each user of a closed run asks, and how long they think: fixed by the seed, whatever the answers take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from statistics import NormalDist
from typing import Final

import numpy as np

from loadtester.errors import FmloadError
from loadtester.model import Request
from loadtester.scenario.call import CRUD
from loadtester.scenario.scenario import QueryType, ThinkTime
from loadtester.schedule.arrivals import Arrivals
from loadtester.schedule.calibration import GAP_SIGMA
from loadtester.schedule.conversations import GO_ON
from loadtester.workload.draw import bits, fraction, stream
from loadtester.workload.workload import Workload

#: Streams of the seed beside those of Workload, which has 0 to 4.
_GOES_ON, _THINKS = 5, 6

#: A user's steps are this far from the next user's in the streams: no user of a million asks another's questions.
_STEPS_BITS: Final = 40

#: 0.3 is a little less than three tenths: without this the tenth user of ten would not be the third who asks.
_ROUNDING: Final = 1e-9

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a user: `n` its place in the seed's streams, `think_ns` from its answer to the next question."""

    n: int
    session: str
    turn: int
    is_last: bool
    think_ns: int


class Visits:
    """The endless questions of any number of users, conversation after conversation.

    The k-th question of user u follows from seed, mix, u and k alone. How long conversations are is what the model of
    production says (loadtester.schedule.conversations). Of every so many users, `ai_users` (0 to 1) ask models, and
    that much more often, as the shares of the mix are those of all users; the others send plain requests alone. Raises
    FmloadError where so few users can't.
    """

    def __init__(
        self, mix: Sequence[QueryType], think_time: ThinkTime, *, max_tokens: int, seed: int, ai_users: float = 1.0
    ) -> None:
        self._ai_users = ai_users
        asking, plain = _mixes(mix, ai_users)
        self._asking = Workload(_nothing_planned(), asking, max_tokens=max_tokens, seed=seed)
        self._plain = Workload(_nothing_planned(), plain, max_tokens=max_tokens, seed=seed)
        self._think_time = think_time
        self._seed = seed
        self._goes_on_key, self._thinks_key = stream(seed, _GOES_ON), stream(seed, _THINKS)

    def of(self, user: int) -> Iterator[Step]:
        """The steps of a user; never ends."""
        conversation, turn = 0, 1
        for n in count(user << _STEPS_BITS):
            is_last = fraction(bits(self._goes_on_key, n)) >= GO_ON.item(turn - 1)
            session = f"s-{self._seed}-{user}-{conversation}"
            yield Step(n, session, turn, is_last, think_ns(self._think_time, bits(self._thinks_key, n)))
            conversation, turn = (conversation + 1, 1) if is_last else (conversation, turn + 1)

    def request(self, step: Step, request_id: int) -> Request:
        """The request of a step, numbered as the run numbers it."""
        user = step.n >> _STEPS_BITS
        may_ask = int((user + 1) * self._ai_users + _ROUNDING) > int(user * self._ai_users + _ROUNDING)
        workload = self._asking if may_ask else self._plain
        return workload.ask(step.n, request_id=request_id, session=step.session, turn=step.turn)


def think_ns(think_time: ThinkTime, drawn: int) -> int:
    """Nanoseconds from 64 drawn bits, by the inverse of the distribution; a lognormal is as wide as people's gaps."""
    # The middle of one of 2^52 parts of (0, 1): never 0 and, unlike those of 53 bits, never rounded to 1.
    part = ((drawn >> 12) + 0.5) * 2.0**-52
    if think_time.distribution == "lognormal":
        factor = math.exp(GAP_SIGMA * _NORMAL.inv_cdf(part))
    elif think_time.distribution == "exponential":
        factor = -math.log1p(-part)
    else:
        factor = 1.0
    return round(think_time.scale_s * factor * 1e9)


def mean_think_s(think_time: ThinkTime) -> float:
    """The distribution's mean: of a lognormal, its median times exp(sigma² / 2)."""
    widening = math.exp(GAP_SIGMA**2 / 2) if think_time.distribution == "lognormal" else 1.0
    return think_time.scale_s * widening


def _mixes(mix: Sequence[QueryType], ai_users: float) -> tuple[Sequence[QueryType], Sequence[QueryType]]:
    """What users ask who ask models, and what the others do; together as `mix` has it."""
    if ai_users >= 1:
        return mix, mix
    plain = [query for query in mix if query.kind == CRUD]
    ai_share = sum(query.share for query in mix if query.kind != CRUD)
    if not plain or ai_share > ai_users + _ROUNDING:
        raise FmloadError(
            f"{ai_users:.0%} of the users can't make {ai_share:.0%} of the requests, which ask a model",
            remedy="raise ai_users, or give plain requests (kind: crud) a larger share of the mix",
        )
    if not ai_users:
        return plain, plain
    more, less = 1 / ai_users, (1 - ai_share / ai_users) / (1 - ai_share) if ai_share < 1 else 0.0
    asking = [replace(query, share=query.share * (less if query.kind == CRUD else more)) for query in mix]
    return [query for query in asking if query.share > 0], plain


def _nothing_planned() -> Arrivals:
    none = np.empty(0, dtype=np.int64)
    return Arrivals(none, none, none, none.astype(np.int32), 0.0)
