"""Where the time of ok answers went: by the target's own account, and what that leaves over."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from loadtester.analysis.report import Split, Spread, Stage
from loadtester.recorder import APP, NETWORK, PREFIX


def split_of(metrics: Iterable[str], spread: Callable[[str], Spread]) -> Split | None:
    """The split of what `spread` says of each of `metrics`; None where no answer carried a usable account.

    Shares are of the whole time from sending, summed over the answers that had an account. Where those give no total,
    as Bedrock itself does, the model's time is all that the target told of.
    """
    stages = {metric.removeprefix(PREFIX): spread(metric) for metric in metrics if metric.startswith(PREFIX)}
    network, app = spread(NETWORK), spread(APP)
    whole_s = _sum_s(network) + _sum_s(stages.get("total", stages.get("model", Spread(0))))
    if not whole_s:
        return None

    def stage(found: Spread) -> Stage:
        return Stage(found, _sum_s(found) / whole_s)

    return Split(
        app=stage(app) if app.count else None,
        network=stage(network),
        stages={name: stage(found) for name, found in sorted(stages.items())},
    )


def _sum_s(spread: Spread) -> float:
    return (spread.mean or 0.0) * spread.count
