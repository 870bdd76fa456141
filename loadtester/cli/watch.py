"""Who watches a run: the person at the terminal, and whatever the scenario names beside them."""

from __future__ import annotations

import typer
from rich.console import Console

from loadtester import __version__
from loadtester.campaign import Watch
from loadtester.live import Observer, Quiet, Together, Watcher
from loadtester.live.lines import Lines
from loadtester.live.screen import Facts, Screen
from loadtester.scenario import Scenario
from loadtester.scenario.redact import url_shown


def watch_of(scenario: Scenario, *, quiet: bool, no_color: bool) -> Watch:
    """Makes what watches the run of a scenario."""

    def watch(planned: int | None, duration_s: float) -> Observer:
        front = _front(scenario, planned, duration_s, quiet=quiet, no_color=no_color)
        beside = _beside(scenario, front)
        return Together(front, *beside)

    return watch


def _front(scenario: Scenario, planned: int | None, duration_s: float, *, quiet: bool, no_color: bool) -> Observer:
    if quiet:
        return Quiet(_tell)
    console = Console(stderr=True, no_color=no_color or None)
    if not console.is_terminal or console.no_color:
        return Lines(console, planned, duration_s)
    target = scenario.target
    where = "the bundled MangaAssist" if target.url is None else url_shown(target.url)
    facts = Facts(
        planned,
        duration_s,
        title=f"{scenario.output.name} → {where} ({target.protocol})",
        max_cost_usd=scenario.safety.max_cost_usd,
        daily_messages=scenario.judge.daily_messages,
        mix={query.name: query.share for query in scenario.mix},
    )
    return Screen(console, facts)


def _tell(text: str) -> None:
    typer.echo(text, err=True)


def _beside(scenario: Scenario, front: Observer) -> list[Watcher]:
    """What the scenario names; their libraries are only imported where it does."""
    observe = scenario.observe
    cap_usd = scenario.safety.max_cost_usd
    found: list[Watcher] = []
    if observe.prometheus is not None:
        from loadtester.live.prometheus import Prometheus  # noqa: PLC0415  see above

        found.append(Prometheus(observe.prometheus, _info(scenario), cap_usd, front.say))
    if observe.remote_write is not None:
        from loadtester.live.remote_write import RemoteWrite  # noqa: PLC0415  see above

        found.append(RemoteWrite(observe.remote_write, _info(scenario), cap_usd, front.say))
    if observe.has_otel:
        from loadtester.live.otel import Otel  # noqa: PLC0415  see above

        found.append(Otel(scenario, front.say))
    return found


def _info(scenario: Scenario) -> dict[str, str]:
    """What tells one run from another on a dashboard."""
    target = scenario.target
    return {
        "name": scenario.output.name,
        "target": "bundled" if target.url is None else url_shown(target.url),
        "protocol": target.protocol,
        "pattern": scenario.load.pattern,
        "version": __version__,
    }
