"""Simulated runs by spans of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from loadtester.plan.prediction import Slice
from loadtester.plan.trial import Trial

_Column = Callable[[Trial], NDArray[np.int64]]
_Values = Callable[[Trial], NDArray[np.int64] | NDArray[np.float64]]


def slices(runs: Sequence[Trial], duration_s: float, width_s: float) -> list[Slice]:
    """The run in spans of `width_s`, the last one shorter."""
    count = max(1, math.ceil(round(duration_s / width_s, 6)))
    queries, models = runs[0].rows.queries, runs[0].rows.models

    def table(values: _Values, keys: _Column, n_keys: int) -> NDArray[np.float64]:
        """Sums of values by span and key, shape (count, n_keys): the mean of the runs."""
        total = np.zeros(count * n_keys)
        for run in runs:
            span = np.minimum((run.rows.due_s / width_s).astype(np.int64), count - 1)
            weights = values(run) * run.weights
            total += np.bincount(span * n_keys + keys(run), weights=weights, minlength=count * n_keys)
        return (total / len(runs)).reshape(count, n_keys)

    def model(run: Trial) -> NDArray[np.int64]:
        return run.rows.model

    asked = table(lambda run: np.ones(len(run.rows)), lambda run: run.rows.query, len(queries))
    refused = table(lambda run: 1 - run.course.admitted, model, len(models)).sum(axis=1)
    reserved = table(lambda run: run.reserved, model, len(models))
    used = table(lambda run: run.used, model, len(models))
    return [
        Slice(
            start_s=place * width_s,
            width_s=min(width_s, duration_s - place * width_s),
            requests=float(asked[place].sum()),
            by_query=dict(zip(queries, asked[place].tolist(), strict=True)),
            throttled=float(refused[place]),
            reserved={model: tokens for model, tokens in zip(models, reserved[place].tolist(), strict=True) if model},
            used={model: tokens for model, tokens in zip(models, used[place].tolist(), strict=True) if model},
        )
        for place in range(count)
    ]
