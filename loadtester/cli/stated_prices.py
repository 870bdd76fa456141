"""`--prices FILE` of `run` and `plan`: the user's own prices over the scenario's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from loadtester.scenario import Scenario


def with_prices(scenario: Scenario, file: Path | None) -> Scenario:
    """The scenario with a file's prices before its own, key by key, and a warning where their unit looks wrong.

    A model of the mix may go by any of its names there. Others are kept too: another model than the one that was asked
    may answer. Raises FmloadError for a faulty file.
    """
    if file is None:
        return scenario
    from loadtester.cost import price_table  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.cost.price_file import by_asked, price_file, unit_warnings  # noqa: PLC0415

    published = price_table({})
    asked = {query.model for query in scenario.mix if query.model}
    stated = by_asked(price_file(file), asked, published, file)
    for warning in unit_warnings(stated, published):
        typer.echo(f"warning: {warning}", err=True)
    own = scenario.prices
    origins = {**scenario.origins, "prices": f"command line --prices {file.name}"}
    return replace(
        scenario,
        prices={**own, **{model: {**own.get(model, {}), **prices} for model, prices in stated.items()}},
        origins=origins,
    )
