"""`fmload search`: the highest rate that still meets the SLO."""

from __future__ import annotations

import inspect
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from loadtester.cli.run import run
from loadtester.errors import Exit, FmloadError

if TYPE_CHECKING:
    from loadtester.analysis.search.step import Bounds
    from loadtester.scenario import Scenario

_SEARCH: Final = "Search"
_DEFAULT_GOAL: Final = "sla>=99%"

#: Flags of `run` that hold here too, and what they set.
_SHARED: Final = {
    "target": "target.url",
    "seed": "load.seed",
    "max_in_flight": "load.max_in_flight",
    "arrivals": "load.arrivals",
    "timeout": "load.timeout",
    "graceful_stop": "load.graceful_stop",
    "workers": "load.workers",
    "max_cost": "safety.max_cost",
    "max_rate": "safety.max_rate",
    "protocol": "target.protocol",
    "client": "target.client",
    "header": "target.headers",
    "ca_file": "target.ca_file",
    "region": "target.region",
    "endpoint_url": "target.endpoint_url",
    "streaming": "target.streaming",
    "time_scale": "bundled.time_scale",
    "tokens_per_minute": "bundled.tokens_per_minute",
    "model_connections": "bundled.model_connections",
    "mix": "mix",
    "model": "model",
    "max_tokens": "max_tokens",
    "slo": "slo",
    "out": "output.directory",
    "name": "output.name",
    "tag": "output.tags",
}
_ALSO: Final = ("scenario", "yes", "quiet", "no_color")
_MOST_PRECISION: Final = 1.0
_LEAST_PRECISION: Final = 0.001
#: The bill is worked out for so many requests at most, and the rest of it in proportion.
_PRICED: Final = 1_000
#: How likely any second of a search may have more requests by chance than --max-rate allows.
_STRAY: Final = 0.01
#: A step at its worst, in windows: half a one to settle before it, and as much that surges are let in for.
_WORST: Final = 2.0


def search(
    *,
    goal: Annotated[
        str,
        typer.Option(
            metavar="LIMIT", help="What a rate has to keep, such as 'latency:p(95)<3s'.", rich_help_panel=_SEARCH
        ),
    ] = _DEFAULT_GOAL,
    lowest: Annotated[
        str, typer.Option("--from", metavar="RATE", help="Where to begin.", rich_help_panel=_SEARCH)
    ] = "1/s",
    highest: Annotated[
        str, typer.Option("--to", metavar="RATE", help="Never faster than this.", rich_help_panel=_SEARCH)
    ] = "1000/s",
    step_time: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="The shortest window of a step; four times that at most.", rich_help_panel=_SEARCH
        ),
    ] = "30s",
    precision: Annotated[
        str, typer.Option(metavar="SHARE", help="How close passing and failing have to come.", rich_help_panel=_SEARCH)
    ] = "5%",
    max_steps: Annotated[
        int, typer.Option(metavar="N", min=1, help="No more steps than this.", rich_help_panel=_SEARCH)
    ] = 30,
    json: Annotated[bool, typer.Option("--json", help="Print search.json to stdout.")] = False,
    **flags: Any,
) -> None:
    """Find the highest rate at TARGET that still meets the SLO: doubling until a step fails, then closing in.

    Each step is a run of its own at a constant rate; docs/search.md says how it is decided.
    """
    from loadtester.analysis.search.goal import goal_of  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.analysis.search.step import Bounds  # noqa: PLC0415
    from loadtester.scenario import resolve  # noqa: PLC0415

    given = {path: value for name, path in _SHARED.items() if (value := flags.get(name)) not in (None, [])}
    asked = goal_of(goal)
    scenario = _open(resolve(given, file=flags.get("scenario"), environ=os.environ))
    bounds = Bounds(
        goal=asked,
        from_per_s=_read("--from", lowest, "rate_per_s"),
        to_per_s=_read("--to", highest, "rate_per_s"),
        precision=_read("--precision", precision, "share"),
        step_s=_read("--step-time", step_time, "duration_s"),
        max_steps=max_steps,
        counting=_counting(scenario),
        is_quota_known=_is_quota_known(scenario),
        # People come by chance: a scenario's own spacing is part of the shape that isn't used.
        arrivals=scenario.load.arrivals if flags.get("arrivals") else "poisson",
    )
    bounds = _bounded(bounds, scenario)
    if not flags["yes"]:
        _require_consent(scenario, bounds)
    _run(scenario, bounds, quiet=flags["quiet"], no_color=flags["no_color"], is_json=json)


def _run(scenario: Scenario, bounds: Bounds, *, quiet: bool, no_color: bool, is_json: bool) -> None:
    from loadtester.campaign.search import search as found_by  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.cli.watch import watch_of  # noqa: PLC0415
    from loadtester.reporters.search_lines import answer_text, exit_code, search_text  # noqa: PLC0415

    def say(text: str) -> None:
        if not quiet:
            typer.echo(text, err=True)

    # A line for each step is enough where no screen can be drawn.
    watch = watch_of(scenario, quiet=quiet or not sys.stderr.isatty(), no_color=no_color)
    found = found_by(scenario, bounds, watch, say)
    say(str(Path(scenario.output.directory) / found.id))
    if is_json:
        typer.echo(search_text(found), nl=False)
    else:
        typer.echo(answer_text(found), nl=False, err=True)
    raise typer.Exit(exit_code(found))


def _open(scenario: Scenario) -> Scenario:
    """The scenario without its own shape of traffic, under the search's name. Raises FmloadError, code 2."""
    if scenario.load.pattern in ("users", "trace"):
        what = (
            "users who wait for answers have no rate"
            if scenario.load.pattern == "users"
            else "a trace has its own rates"
        )
        raise FmloadError(
            f"a search sends requests at rates of its own, and in this scenario {what}",
            remedy="name a scenario without users, user_stages and trace, or none",
            code=Exit.USAGE,
        )
    name = scenario.output.name
    name = "search" if name == scenario.load.pattern else f"{name}-search"
    return replace(scenario, output=replace(scenario.output, name=name))


def _read(flag: str, text: str, unit: str) -> float:
    """A flag's value in SI units. Raises FmloadError, code 2, also for 0."""
    from loadtester.scenario import units  # noqa: PLC0415  heavy, and --help must be quick

    try:
        value = float(getattr(units, unit)(text))
    except units.UnfitError as error:
        raise FmloadError(f"{flag}: {error.what}", remedy=error.fix, code=Exit.USAGE) from error
    if value <= 0:
        raise FmloadError(f"{flag} is 0", remedy="give more than 0", code=Exit.USAGE)
    return value


def _counting(scenario: Scenario) -> Any:
    """How a minute of the target's quota is counted, as far as the scenario says."""
    from loadtester.plan.service import is_bundled  # noqa: PLC0415  heavy, and --help must be quick

    quota = scenario.bundled if is_bundled(scenario) else scenario.quota
    has_quota = bool(quota.tokens_per_minute or quota.requests_per_minute)
    return quota.window if has_quota else "bucket"


def _is_quota_known(scenario: Scenario) -> bool:
    """Whether the target's quota, or that it has none, is stated."""
    from loadtester.plan.service import is_bundled  # noqa: PLC0415  heavy, and --help must be quick

    return is_bundled(scenario) or bool(scenario.quota.tokens_per_minute or scenario.quota.requests_per_minute)


def _bounded(bounds: Bounds, scenario: Scenario) -> Bounds:
    """The bounds, below --max-rate. Raises FmloadError, code 2, where they can't be met."""
    if not _LEAST_PRECISION <= bounds.precision < _MOST_PRECISION:
        raise FmloadError(
            f"--precision is {bounds.precision:g}", remedy="give 0.1% or more, and less than 100%", code=Exit.USAGE
        )
    most_per_s = scenario.safety.max_rate_per_s
    if most_per_s is not None:
        bounds = replace(bounds, to_per_s=min(bounds.to_per_s, _rate_under(most_per_s, bounds)))
    if bounds.from_per_s >= bounds.to_per_s:
        under = " under --max-rate, with room for chance," if most_per_s is not None else ""
        raise FmloadError(
            f"--from is {bounds.from_per_s:g}/s and --to{under} {bounds.to_per_s:g}/s",
            remedy="let --from be the lower one"
            + (", raise --max-rate, or send with even gaps (--arrivals uniform)" if under else ""),
            code=Exit.USAGE,
        )
    return bounds


def _rate_under(most_per_s: float, bounds: Bounds) -> float:
    """The rate whose arrivals stay at or under `most_per_s` in each second of all steps; by chance, but for _STRAY.

    Even gaps at a rate of m put at most the next whole number in a second. Of Poisson arrivals P(N > k) is the
    regularised incomplete gamma function P(k + 1, m), whose inverse is the mean (NIST, Digital Library of Mathematical
    Functions, §8.4).
    """
    most = math.floor(most_per_s)
    if bounds.arrivals == "uniform":
        return most
    from scipy.special import gammaincinv  # noqa: PLC0415  heavy, and --help must be quick

    each = -math.expm1(math.log1p(-_STRAY) / max(1.0, _worst_s(bounds)))
    return float(gammaincinv(most + 1, each))


def _worst_s(bounds: Bounds) -> float:
    """How long all steps take at worst."""
    return bounds.max_steps * _WORST * bounds.longest_s


def _require_consent(scenario: Scenario, bounds: Bounds) -> None:
    """Ask for as much as the steps may cost at worst, unless a budget bounds it."""
    from loadtester.cli.consent import require_consent  # noqa: PLC0415  heavy, and --help must be quick

    rate_per_s = bounds.to_per_s
    worst_s = _worst_s(bounds)
    priced_s = min(worst_s, _PRICED / rate_per_s)
    load = replace(
        scenario.load,
        pattern="sustained",
        rate_per_s=rate_per_s,
        duration_s=priced_s,
        stages=(),
        requests=None,
    )
    try:
        require_consent(replace(scenario, load=load), times=worst_s / priced_s)
    except FmloadError as error:
        remedy = "give it a budget (--max-cost), or agree beforehand (--yes)" if error.remedy else ""
        raise FmloadError(error.message, remedy=remedy, code=error.code) from error


def _like_run() -> inspect.Signature:
    """Its own flags and those of `run` that hold here: Typer reads them from here."""
    own = [one for one in inspect.signature(search, eval_str=True).parameters.values() if one.name != "flags"]
    known = inspect.signature(run, eval_str=True).parameters
    shared = [known[name] for name in known if name in _SHARED or name in _ALSO]
    positional = [one for one in shared if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    named = [one for one in shared if one.kind is inspect.Parameter.KEYWORD_ONLY]
    return inspect.Signature([*positional, *own, *named])


search.__signature__ = _like_run()  # type: ignore[attr-defined]  # what inspect looks for; functions don't declare it
