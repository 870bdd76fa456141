"""What a plan asks, as columns: when, of which model, and in how many tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.errors import FmloadError
from loadtester.model import Request
from loadtester.plan.model_facts import model_facts
from loadtester.plan.service import MEDIAN_TOKENS, OTHER_MEDIAN_TOKENS, service_of
from loadtester.scenario import Scenario
from loadtester.scenario.call import CRUD
from loadtester.schedule import Arrivals, Users
from loadtester.workload import Visits, Workload, estimate, mean_think_s

#: Users who neither think nor wait would ask without end.
_MOST_STEPS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One row a request, sorted by time; all arrays have shape (n,).

    `query` and `model` are places in `queries` and `models`. `prompt_tokens` and `prompt_chars` are the user's own
    words. `wanted_tokens` is the answer's length that a trace asks for, 0 where the model decides. `is_talk` is
    True for turns of conversations that have several. Plain requests (crud) ask the model "" for no tokens at all.
    """

    queries: tuple[str, ...]
    models: tuple[str, ...]
    due_s: NDArray[np.float64]
    session: list[str]
    query: NDArray[np.int64]
    model: NDArray[np.int64]
    is_japanese: NDArray[np.bool_]
    is_bare: NDArray[np.bool_]
    is_talk: NDArray[np.bool_]
    prompt_tokens: NDArray[np.int64]
    prompt_chars: NDArray[np.int64]
    max_tokens: NDArray[np.int64]
    wanted_tokens: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.due_s)

    @property
    def asks_model(self) -> NDArray[np.bool_]:
        """The rows that ask a model."""
        return np.array([model != "" for model in self.models], dtype=np.bool_)[self.model]


def asked(scenario: Scenario, load: Arrivals | Users, *, most: int | None = None) -> Asked:
    """The rows of a plan, or of one shard of it; of users the first `most`.

    Raises FmloadError where the mix can't be asked.
    """
    if isinstance(load, Users):
        moments, requests = _visits(scenario, load)
        return _columns(scenario, moments[:most], requests[:most])
    workload = Workload(load, scenario.mix, max_tokens=scenario.max_tokens, seed=scenario.load.seed)
    return _columns(scenario, load.due_ns.astype(np.float64) * 1e-9, map(workload.request, range(len(load))))


def _columns(scenario: Scenario, due_s: NDArray[np.float64], requests: Iterable[Request]) -> Asked:
    queries = tuple(one.name for one in scenario.mix)
    models = tuple(dict.fromkeys(one.model for one in scenario.mix))
    query_place = {name: i for i, name in enumerate(queries)}
    model_place = {name: i for i, name in enumerate(models)}
    sessions: list[str] = []
    rows = []
    for request in requests:
        is_plain = request.kind == CRUD
        sessions.append(request.session)
        rows.append(
            (
                query_place[request.query],
                model_place[request.model],
                request.language == "ja",
                request.is_bare or is_plain,
                0 if is_plain else estimate(request.prompt),
                len(request.prompt),
                0 if is_plain else request.max_tokens,
                request.want_output_tokens or 0,
            )
        )
    table = np.array(rows, dtype=np.int64).reshape(-1, 8).T
    _, number, turns = np.unique(np.array(sessions, dtype=np.str_), return_inverse=True, return_counts=True)
    found = Asked(
        queries, models, due_s, sessions, table[0], table[1], table[2] > 0, table[3] > 0, turns[number] > 1, *table[4:]
    )
    return replace(found, is_talk=found.is_talk & found.asks_model)


def _visits(scenario: Scenario, users: Users) -> tuple[NDArray[np.float64], list[Request]]:
    """What users ask, each answer taking as long as it does at the median with nobody else there."""
    visits = Visits(scenario.mix, scenario.load.think_time, max_tokens=scenario.max_tokens, seed=scenario.load.seed)
    scale = service_of(scenario).time_scale
    if not scale and not mean_think_s(scenario.load.think_time):
        raise _endless()
    steps: list[tuple[float, Request]] = []
    for user, start_ns, end_ns in zip(
        users.number.tolist(), users.start_ns.tolist(), users.end_ns.tolist(), strict=True
    ):
        now_s, end_s = start_ns * 1e-9, end_ns * 1e-9
        for step in visits.of(user):
            if now_s >= end_s:
                break
            request = visits.request(step, len(steps))
            steps.append((now_s, request))
            now_s += _usual_s(request) * scale + step.think_ns * 1e-9
            if len(steps) > _MOST_STEPS:
                raise _endless()
    steps.sort(key=lambda step: step[0])
    return np.array([moment for moment, _ in steps]), [request for _, request in steps]


def _endless() -> FmloadError:
    return FmloadError(
        f"the users would ask more than {_MOST_STEPS:,} questions, or without end",
        remedy="Give them time to think (--think-time), or plan fewer of them or a shorter run.",
    )


def _usual_s(request: Request) -> float:
    facts = model_facts(request.model)
    tokens = min(MEDIAN_TOKENS.get(request.query, OTHER_MEDIAN_TOKENS), request.max_tokens)
    return facts.base_s + facts.token_s * tokens
