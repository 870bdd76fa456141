"""Where the time of an answer went: app, model, network."""

from __future__ import annotations

from collections.abc import Iterator

from loadtester.analysis import Report, Split, Stage
from loadtester.reporters.html import amounts
from loadtester.reporters.html.funnel import bar
from loadtester.reporters.html.latency import spread_cells
from loadtester.reporters.html.markup import Child, Markup, section, table, tag

_HEAD = ("stage", "answers", "mean", "p50", "p95", "p99", "of the time", "share")


def split(report: Report) -> Markup | None:
    """The app's time beside the model's; nothing where the target doesn't tell."""
    found = report.total.split
    if found is None:
        return None
    return section(
        "split",
        "App or model?",
        tag("p", _sentence(found)),
        table("Where the time went", _HEAD, [_row(*one) for one in _stages(found)]),
    )


def _sentence(found: Split) -> str:
    model = found.stages.get("model")
    if model is None or found.app is None:
        return "Part of an answer's time, by the target's own account."
    return (
        f"Of the time from sending to the last byte the model took {model.share:.1%}, the app {found.app.share:.1%}, "
        f"the network and the rest {found.network.share:.1%}."
    )


def _stages(found: Split) -> Iterator[tuple[str, Stage, str]]:
    stages = dict(found.stages)
    model, first = stages.pop("model", None), stages.pop("model_ttft", None)
    stages.pop("total", None)
    if found.app is not None:
        yield "app", found.app, "accent"
    for name, stage in stages.items():
        yield f"app: {name.replace('_', ' ')}", stage, "muted"
    if model is not None:
        yield "model", model, "second"
    if first is not None:
        yield "model: first token", first, "muted"
    yield "network and the rest", found.network, "third"


def _row(name: str, stage: Stage, colour: str) -> tuple[Child, ...]:
    times = spread_cells(stage.time_s, ("mean", "p50", "p95", "p99"))
    return name, amounts.count(stage.time_s.count), *times, amounts.percent(stage.share), bar(stage.share, colour)
