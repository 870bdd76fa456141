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

WINDOWS: Final[tuple[Window, ...]] = get_args(Window)

#: Rows simulated in one run, and in all runs of one window; what is larger is thinned, every row standing for several.
_MOST_ROWS_A_RUN: Final = 150_000
MOST_ROWS: Final = 200_000
_LEAST_RUNS: Final = 2
_MOST_RUNS: Final = 40


@dataclass(frozen=True, slots=True)
class Trial:
    """One simulated run, each row standing for `weight` requests: what was asked, the luck, and the courses by window.

    `reserved` and `used` are tokens of each row if it is admitted: held at its start, and charged at its end.
    """

    rows: Asked
    weight: float
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
    def used(self) -> NDArray[np.int64]:
        """Tokens that each row is charged for in the quota, 0 where it was refused."""
        burndown = np.array([model_facts(model).burndown for model in self.rows.models])[self.rows.model]
        charged: NDArray[np.int64] = self.course.input_tokens + self.course.output_tokens * burndown
        charged[self.course.is_refused] = 0
        return charged


def trials(
    scenario: Scenario, load: Arrivals | Users, *, most_rows: int = MOST_ROWS, parts: int | None = None
) -> list[Trial]:
    """Several simulated runs of a plan, as its seed draws them; each thinned part of a plan is another one.

    They end where --max-requests ends the run.
    """
    most = scenario.safety.max_requests
    load = load if most is None or isinstance(load, Users) else load.first(most)
    service, quota = service_of(scenario), quota_of(scenario)
    parts = parts or max(1, -(-len(load) // _MOST_ROWS_A_RUN))
    found: list[Trial] = []
    n_runs = _LEAST_RUNS
    rows: Asked | None = None
    weight = 1.0
    run = 0
    while run < n_runs:
        if rows is None or parts > 1:
            part = load.shard(run % parts, parts) if parts > 1 else load
            rows = asked(scenario, part, most=None if most is None else -(-most // parts))
            weight = len(load) / len(rows) if isinstance(load, Arrivals) and len(rows) else float(parts)
            n_runs = min(_MOST_RUNS, max(_LEAST_RUNS, most_rows // max(1, len(rows))))
        luck = draw(rows, np.random.default_rng([scenario.load.seed, run]))
        courses = {
            window: Simulation(
                rows, luck, service, replace(quota, window=window), timeout_s=scenario.load.timeout_s, weight=weight
            ).course()
            for window in WINDOWS
        }
        found.append(Trial(rows, weight, luck, courses, quota.window))
        run += 1
    return found
