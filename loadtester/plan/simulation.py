"""The quota at work: every request of a plan against the limits, in the order of time.

A request reserves its prompt and max_tokens when it starts, and is refused where that is more than is free. At its end
it is charged its prompt and its answer, weighted by the model's burndown, and the rest is given back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.plan import model_facts as facts
from loadtester.plan.asked import Asked
from loadtester.plan.model_facts import ModelFacts, model_facts
from loadtester.plan.quota import Limit, limit
from loadtester.plan.service import LENGTH_SIGMA, MEDIAN_TOKENS, OTHER_MEDIAN_TOKENS, Service
from loadtester.scenario import Quota

Floats = NDArray[np.float64]

_END, _START = 0, 1
#: Less than this of a request is rounding.
_SLIVER: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Luck:
    """What is drawn for each request, shape (n,), and the moment of the clock's minute that the run begins at.

    `output_tokens` is the whole answer, as far as `max_tokens` lets it go (`is_cut`); `noise` multiplies the time to
    the first token; `rest_s` is from there to the end.
    """

    output_tokens: NDArray[np.int64]
    is_cut: NDArray[np.bool_]
    noise: Floats
    rest_s: Floats
    phase_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """What became of each row, shape (n,); `end_s` is `start_s` where it was refused.

    `admitted` is the part of the requests it stands for that no limit refused: 0 or 1 where it stands for itself.

    `output_tokens` were written by then; where `is_late`, the client had given up.
    `least_free` is by model the least part of its tokens a minute that was ever free, None where there is no limit.
    """

    start_s: Floats
    end_s: Floats
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    admitted: Floats
    is_late: NDArray[np.bool_]
    least_free: tuple[float | None, ...]

    @property
    def is_refused(self) -> NDArray[np.bool_]:
        """The rows that nothing was admitted of."""
        refused: NDArray[np.bool_] = self.admitted == 0
        return refused


def draw(rows: Asked, rng: np.random.Generator) -> Luck:
    """Answers' lengths and times for every row."""
    n = len(rows)
    median = np.array([MEDIAN_TOKENS.get(name, OTHER_MEDIAN_TOKENS) for name in rows.queries])[rows.query]
    usual = np.maximum(1, np.rint(median * np.exp(LENGTH_SIGMA * rng.standard_normal(n))))
    wanted = np.where(rows.wanted_tokens > 0, rows.wanted_tokens, usual).astype(np.int64)
    output_tokens = np.minimum(wanted, rows.max_tokens)
    above_s = facts.FIRST_MEDIAN_S * np.exp(facts.FIRST_SIGMA * rng.standard_normal(n))
    stall_s = facts.STALL_MEDIAN_S * np.exp(facts.STALL_SIGMA * rng.standard_normal(n))
    is_stalled = rng.random(n) < facts.STALL_CHANCE * output_tokens
    token_s = np.array([model_facts(model).token_s for model in rows.models])[rows.model]
    return Luck(
        output_tokens,
        (wanted > rows.max_tokens) & rows.asks_model,
        (facts.FIRST_SHIFT_S + above_s) / (facts.FIRST_SHIFT_S + facts.FIRST_MEDIAN_S),
        np.maximum(output_tokens - 1, 0) * token_s + stall_s * is_stalled,
        rng.uniform(0.0, 60.0),
    )


@dataclass(slots=True)
class _Lane:
    """What the requests of one model share; `busy` is a heap of when how many of its slots come free."""

    facts: ModelFacts
    tokens: Limit | None
    requests: Limit | None
    slots: int | None
    busy: list[tuple[float, float]] = field(default_factory=list)
    n_busy: float = 0.0

    def leave(self, now_s: float) -> None:
        """Free the slots of those who have ended by now."""
        while self.busy and self.busy[0][0] <= now_s:
            self.n_busy -= heappop(self.busy)[1]

    def enter(self, count: float, now_s: float, took_s: float, deadline_s: float) -> float:
        """Let `count` requests have a slot each, as they come free, for `took_s`; when they begin in the mean.

        Who still waits for a slot at the deadline leaves it to the next.
        """
        free = count if self.slots is None else min(count, self.slots - self.n_busy)
        waiting, begins_s = count - free, free * now_s
        if free > 0:
            self.n_busy += free
            heappush(self.busy, (min(now_s + took_s, deadline_s), free))
        served, served_s = 0.0, 0.0
        while waiting > _SLIVER:
            if not self.busy:  # all slots went to this row, and it wants more
                served, served_s = self._take(served, served_s, took_s, deadline_s), 0.0
            free_s, found = self.busy[0]
            if free_s >= deadline_s:
                begins_s += waiting * free_s
                break
            heappop(self.busy)
            taken = min(found, waiting)
            if found > taken:
                heappush(self.busy, (free_s, found - taken))
            waiting -= taken
            served += taken
            served_s += taken * free_s
            begins_s += taken * free_s
        self._take(served, served_s, took_s, deadline_s)
        return begins_s / count

    def _take(self, served: float, served_s: float, took_s: float, deadline_s: float) -> float:
        """Let so many slots, free at `served_s` in sum, be busy again; none are left to take.

        One entry, at their mean: pieces of their own would be cut ever smaller by those who come later.
        """
        if served:
            heappush(self.busy, (min(served_s / served + took_s, deadline_s), served))
        return 0.0


@dataclass(slots=True)
class _Talk:
    """A conversation: when its answer under way ends, and (tokens, characters) of each exchange."""

    busy_s: float = 0.0
    said: list[tuple[int, int]] = field(default_factory=list)


class Simulation:
    """Runs the rows once; owns the state of the limits, and has one use.

    Each row stands for `weights` requests, shape (n,), one at least, of which as many are admitted as there is room
    for: the quota doesn't come in lumps of them. The limits are those of `quota`, which counts minutes as it says.
    """

    def __init__(
        self,
        rows: Asked,
        luck: Luck,
        service: Service,
        quota: Quota,
        *,
        timeout_s: float,
        weights: Floats | None = None,
    ) -> None:
        self._service = service
        self._weights: list[float] = [1.0] * len(rows) if weights is None else weights.tolist()
        self._timeout_s = timeout_s
        self._lanes = [
            _Lane(
                model_facts(model),
                limit(quota.window, quota.tokens_per_minute if model else None, luck.phase_s),
                limit(quota.window, quota.requests_per_minute if model else None, luck.phase_s),
                service.slots,
            )
            for model in rows.models
        ]
        self._due_s: list[float] = rows.due_s.tolist()
        self._lane_of = [self._lanes[place] for place in rows.model.tolist()]
        self._max_tokens = rows.max_tokens.tolist()
        self._prompt_tokens = rows.prompt_tokens.tolist()
        self._prompt_chars = rows.prompt_chars.tolist()
        self._is_japanese = rows.is_japanese.tolist()
        system = np.where(rows.is_japanese, service.japanese_tokens, service.english_tokens)
        self._input: list[int] = (rows.prompt_tokens + np.where(rows.is_bare, 0, system)).tolist()
        self._output: list[int] = luck.output_tokens.tolist()
        self._noise: list[float] = luck.noise.tolist()
        self._rest_s: list[float] = luck.rest_s.tolist()
        talks = {rows.session[row]: _Talk() for row in np.flatnonzero(rows.is_talk).tolist()}
        self._talk_of = [talks.get(session) for session in rows.session]
        self._is_bare = rows.is_bare.tolist()
        n = len(rows)
        self._start_s, self._end_s = [0.0] * n, [0.0] * n
        self._admitted, self._is_late = [0.0] * n, [False] * n
        self._events: list[tuple[float, int, int]] = []

    def course(self) -> Course:
        """What becomes of each request."""
        for row, due_s in enumerate(self._due_s):
            self._until(due_s)
            self._arrive(row, due_s)
        self._until(float("inf"))
        return Course(
            np.array(self._start_s),
            np.array(self._end_s),
            np.array(self._input, dtype=np.int64),
            np.array(self._output, dtype=np.int64),
            np.array(self._admitted),
            np.array(self._is_late, dtype=np.bool_),
            tuple(None if lane.tokens is None else lane.tokens.least_free for lane in self._lanes),
        )

    def _until(self, now_s: float) -> None:
        events = self._events
        while events and events[0][0] <= now_s:
            moment_s, kind, row = heappop(events)
            if kind == _END:
                self._end(row, moment_s)
            else:
                self._arrive(row, moment_s)

    def _arrive(self, row: int, now_s: float) -> None:
        """Start a request, or let it wait for the answer before it in its conversation."""
        talk = self._talk_of[row]
        if talk is not None:
            if talk.busy_s > now_s:
                heappush(self._events, (talk.busy_s, _START, row))
                return
            if talk.said and not self._is_bare[row]:
                self._input[row] += self._history(talk)
        self._start_s[row] = now_s
        end_s = self._admit(row, now_s)
        self._end_s[row] = now_s if end_s is None else end_s
        if end_s is not None:
            heappush(self._events, (end_s, _END, row))
            if talk is not None:
                talk.busy_s = end_s

    def _admit(self, row: int, now_s: float) -> float | None:
        """When the answer ends; None where the limits refuse it."""
        lane = self._lane_of[row]
        share = self._admitted[row] = self._take(row, lane, now_s)
        if not share:
            return None
        lane.leave(now_s)
        known = lane.facts
        # Who finds no free slot takes the place of one of those who have them.
        others = lane.n_busy if lane.slots is None else min(lane.n_busy, lane.slots - 1)
        crowd: float = 1 + self._service.contention * others
        first_s = (known.base_s + known.input_token_s * self._input[row]) * crowd * self._noise[row]
        scale = self._service.time_scale
        took_s = (first_s + self._rest_s[row]) * scale
        deadline_s = now_s + self._timeout_s
        begin_s = lane.enter(share * self._weights[row], now_s, took_s, deadline_s)
        end_s: float = begin_s + took_s
        if end_s > deadline_s:
            self._is_late[row] = True
            # An answer comes at an even pace from its first token on; what is there at the deadline is paid for.
            written = (deadline_s - begin_s - first_s * scale) / (self._rest_s[row] * scale or 1.0)
            self._output[row] = int(self._output[row] * min(1.0, max(0.0, written)))
            return deadline_s
        return end_s

    def _take(self, row: int, lane: _Lane, now_s: float) -> float:
        """Take from the limits what there is room for; the part of the row's requests that this is."""
        reserved = self._input[row] + self._max_tokens[row]
        most = weight = self._weights[row]
        if lane.requests is not None:
            most = min(most, floor(lane.requests.free(now_s)))
        if lane.tokens is not None and reserved:
            most = min(most, floor(lane.tokens.free(now_s) / reserved))
        if most <= 0:
            return 0.0
        if lane.requests is not None:
            lane.requests.take(most, now_s)
        if lane.tokens is not None:
            lane.tokens.take(most * reserved, now_s)
        return most / weight

    def _end(self, row: int, now_s: float) -> None:
        lane, output = self._lane_of[row], self._output[row]
        if lane.tokens is not None:
            unused = self._max_tokens[row] - output * lane.facts.burndown
            n_admitted = self._weights[row] * self._admitted[row]
            lane.tokens.give_back(unused * n_admitted, self._start_s[row], now_s)
        talk = self._talk_of[row]
        if talk is not None and self._service.history_exchanges:
            chars = self._prompt_chars[row] + output * (1 if self._is_japanese[row] else 4)
            talk.said.append((self._prompt_tokens[row] + output, chars))

    def _history(self, talk: _Talk) -> int:
        """Tokens of the newest exchanges, as many as go along with a question."""
        n_tokens = n_chars = 0
        for tokens, chars in reversed(talk.said[-self._service.history_exchanges :]):
            n_chars += chars
            if n_chars > self._service.history_chars:
                break
            n_tokens += tokens
        return n_tokens
