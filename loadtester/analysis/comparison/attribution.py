"""How much of an app's latency is its own: the same questions through it, and straight at its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from loadtester.analysis.comparison.compare import pairs, side
from loadtester.analysis.comparison.found import Attribution, OwnShare
from loadtester.analysis.comparison.likeness import Unlike
from loadtester.analysis.comparison.sample import Estimate, Sample
from loadtester.analysis.figures import Part
from loadtester.analysis.report import Figures, Stage
from loadtester.analysis.resample import interval

PERCENTS: Final = (50, 75, 90, 95, 99)


def attribute(
    app: Sample, model: Sample, *, forced: tuple[str, ...] = (), noted: tuple[Unlike, ...] = ()
) -> Attribution:
    """The app's own share at each of `PERCENTS`, in total and by query type."""
    by = {
        query: _shares(app, model, lambda key, q=query: key.query == q)  # type: ignore[misc]  # bound per turn
        for query in sorted({*app.report.by["query"], *model.report.by["query"]})
    }
    return Attribution(
        app=side(app),
        model=side(model),
        total=_shares(app, model, lambda _: True),
        by_query=by,
        account=_account(app.report.total),
        account_by_query={query: _account(figures) for query, figures in app.report.by["query"].items()},
        forced=forced,
        noted=noted,
        notes=tuple(
            f"{name} is too short for intervals"
            for name, sample in (("APP_RUN", app), ("MODEL_RUN", model))
            if not sample.is_long_enough
        ),
    )


def _shares(app: Sample, model: Sample, part: Part) -> tuple[OwnShare, ...]:
    both = zip(
        PERCENTS, app.quantiles("latency", part, PERCENTS), model.quantiles("latency", part, PERCENTS), strict=True
    )
    return tuple(_share(percent, through, straight) for percent, through, straight in both)


def _share(percent: int, app: Estimate, model: Estimate) -> OwnShare:
    if app.value is None or model.value is None:
        note = "; ".join(f"{name}: {one.note}" for name, one in (("app", app), ("model", model)) if one.value is None)
        return OwnShare(percent, app.value, model.value, None, None, None, None, note)
    own_s = app.value - model.value
    share = own_s / app.value if app.value else None
    if app.replicates is None or model.replicates is None:
        return OwnShare(
            percent,
            app.value,
            model.value,
            own_s,
            None,
            share,
            None,
            f"too short for an interval: {app.note or model.note}",
        )
    if app.is_open or model.is_open:
        note = "its interval reaches the end of what was seen: a longer run would tell"
        return OwnShare(percent, app.value, model.value, own_s, None, share, None, note)
    through, straight = pairs(app.replicates, model.replicates)
    own = through - straight
    is_divisible = bool(np.all(through > 0))
    return OwnShare(
        percent,
        app.value,
        model.value,
        own_s,
        interval(own),
        share,
        interval(own / through) if is_divisible else None,
    )


def _account(figures: Figures) -> Mapping[str, Stage]:
    """By the app's own word: its time, the network's, and what each stage took."""
    split = figures.split
    if split is None:
        return {}
    return {**({"app": split.app} if split.app else {}), "network": split.network, **split.stages}
