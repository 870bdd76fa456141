"""Simulated runs of a plan, put together row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from loadtester.plan.asked import Asked, asked
from loadtester.plan.model_facts import model_facts
from loadtester.plan.service import quota_of, service_of
from loadtester.plan.simulation import Course, Luck, Simulation, draw
from loadtester.scenario import Scenario, Window
from loadtester.schedule import Arrivals, Users
from loadtester.workload import Workload

WINDOWS: Final[tuple[Window, ...]] = get_args(Window)

#: Rows simulated in one run, and in all runs of one window; what is larger is thinned, every row standing for several.
_MOST_ROWS_A_RUN: Final = 150_000
MOST_ROWS: Final = 300_000
#: A thinned plan's runs see a part of it each, and are more and smaller, so that they tell how far parts differ.
_LEAST_RUNS: Final = 2
LEAST_THINNED_RUNS: Final = 4
_MOST_RUNS: Final = 40


@dataclass(frozen=True, slots=True)
class Trial:
    """One simulated run: what was asked, the luck, and the courses by window.

    Each row stands for `weights` requests, shape (n,), in the mean for `weight`.

    `reserved` and `used` are tokens of each row if it is admitted: held at its start, and charged at its end.
    """

    rows: Asked
    weight: float
    weights: NDArray[np.float64]
    luck: Luck
    courses: dict[Window, Course]
    window: Window

    @property
    def course(self) -> Course:
        """That of the stated window."""
        return self.courses[self.window]

    @property
    def reserved(self) -> NDArray[np.int64]:
        """Tokens that each row asks the quota for."""
        return self.course.input_tokens + self.rows.max_tokens

    @property
    def used(self) -> NDArray[np.float64]:
        """Tokens that each row is charged for in the quota, less what was refused of it."""
        burndown = np.array([model_facts(model).burndown for model in self.rows.models])[self.rows.model]
        charged: NDArray[np.float64] = self.course.input_tokens + self.course.output_tokens * burndown
        return charged * self.course.admitted


def trials(
    scenario: Scenario, load: Arrivals | Users, *, most_rows: int = MOST_ROWS, parts: int | None = None
) -> list[Trial]:
    """Several simulated runs of a plan, as its seed draws them; each of a thinned plan sees another part of it.

    They end where --max-requests ends the run.
    """
    most = scenario.safety.max_requests
    load = load if most is None or isinstance(load, Users) else load.first(most)
    service, quota = service_of(scenario), quota_of(scenario)
    if parts is None:
        parts = -(-len(load) * LEAST_THINNED_RUNS // most_rows) if len(load) > _MOST_ROWS_A_RUN else 1
    found: list[Trial] = []
    n_runs = least = _LEAST_RUNS if parts == 1 else min(parts, LEAST_THINNED_RUNS)
    planned = _planned(scenario, load) if parts > 1 else None
    rows: Asked | None = None
    weight, weights = 1.0, np.ones(0)
    run = 0
    while run < n_runs:
        if rows is None or parts > 1:
            part = load.shard(run % parts, parts) if parts > 1 else load
            rows = asked(scenario, part, most=None if most is None else -(-most // parts))
            weights = _weights(rows, planned, parts)
            weight = float(weights.mean()) if len(rows) else float(parts)
            n_runs = min(_MOST_RUNS, max(least, most_rows // max(1, len(rows))))
        luck = draw(rows, np.random.default_rng([scenario.load.seed, run]))
        courses = {
            window: Simulation(
                rows, luck, service, replace(quota, window=window), timeout_s=scenario.load.timeout_s, weights=weights
            ).course()
            for window in WINDOWS
        }
        found.append(Trial(rows, weight, weights, luck, courses, quota.window))
        run += 1
    return found


def _planned(scenario: Scenario, load: Arrivals | Users) -> NDArray[np.int64] | None:
    """How many requests of each query type the whole plan has, shape (queries,); None of users, who ask as they go."""
    if isinstance(load, Users):
        return None
    workload = Workload(load, scenario.mix, max_tokens=scenario.max_tokens, seed=scenario.load.seed)
    return np.bincount(workload.choices(), minlength=len(scenario.mix))


def _weights(rows: Asked, planned: NDArray[np.int64] | None, parts: int) -> NDArray[np.float64]:
    """How many requests of the whole plan each row stands for, shape (n,).

    A part's mix differs by chance from the plan's, which is known: rows of one query type stand for all of that type
    (post-stratification, Cochran 1977, section 5A.9). Types that the part lacks are shared out among all rows.
    """
    if planned is None or not len(rows):
        return np.full(len(rows), float(parts))
    seen = np.bincount(rows.query, minlength=len(planned))
    each: NDArray[np.float64] = planned / np.maximum(seen, 1) * (planned.sum() / planned[seen > 0].sum())
    return each[rows.query]
