"""`fmload plan`: what a run would send, cost and be throttled to; sends nothing."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from loadtester.cli.run import run
from loadtester.cli.show import Summary

if TYPE_CHECKING:
    from loadtester.scenario import Scenario

#: Flags of `run` that say how a run is shown while it goes and after it.
_RUNNING: Final = ("baseline", "dry_run", "yes", "summary", "quiet", "no_color")


def show_plan(scenario: Scenario, *, is_json: bool, is_request: bool = False) -> None:
    """Print the prediction of a scenario to stdout, or the quota request that it makes.

    Raises FmloadError where it can't be planned or priced, or is out of its bounds: what a run would refuse.
    """
    from loadtester.campaign.bounds import require_bounds  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.cost import price_table  # noqa: PLC0415
    from loadtester.fleet import plan_of  # noqa: PLC0415
    from loadtester.plan import page, plan_json, predict  # noqa: PLC0415

    load, prices = plan_of(scenario), price_table(scenario.prices)
    require_bounds(scenario, load, prices)
    prediction = predict(scenario, load, prices)
    if is_request:
        from loadtester.plan.quota_request import quota_request  # noqa: PLC0415

        typer.echo(quota_request(scenario, prediction), nl=False)
        return
    typer.echo(plan_json(prediction) if is_json else page(prediction), nl=False)


def plan(
    *, json: Annotated[bool, typer.Option("--json", help="Print JSON with all figures.")] = False, **flags: Any
) -> None:
    """Predict a run of TARGET: requests, tokens, the bill, and what the quota would refuse. Sends nothing."""
    run(**flags, dry_run=True, summary=Summary.JSON if json else Summary.FULL)


def _like_run() -> inspect.Signature:
    """The flags of `run`, but for those of running, and those of `plan`: Typer reads them from here."""
    own = inspect.signature(plan, eval_str=True).parameters["json"]
    shared = [flag for name, flag in inspect.signature(run, eval_str=True).parameters.items() if name not in _RUNNING]
    return inspect.Signature([*shared, own])


plan.__signature__ = _like_run()  # type: ignore[attr-defined]  # what inspect looks for; functions don't declare it
