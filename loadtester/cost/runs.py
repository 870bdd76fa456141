"""A run directory as a basis: read, priced as its scenario says, and its answers' lengths on demand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from functools import cache
from pathlib import Path

from loadtester.cost.basis import Basis, run_basis
from loadtester.cost.bill import Line, Tariff
from loadtester.cost.lengths import Kept, Lengths, bounded, counted
from loadtester.cost.prices import PriceTable
from loadtester.errors import FmloadError
from loadtester.rundir import Run, read, request_text

Tabled = Callable[[dict[str, dict[str, Decimal]], Collection[str]], PriceTable]


def run_and_basis(directory: Path, table: Tabled) -> tuple[Run, Basis, Tariff]:
    """Read a run; `table` makes the price table from the prices that its scenario states, and its models.

    Raises FmloadError where the directory is none, was edited or cut, or has nothing to price.
    """
    run = read(directory, has_counts=False)
    try:
        scenario = run.manifest["scenario"]
        answered_by = {key.answered_by for cells in (run.recording.cells(), run.recording.warm()) for key in cells}
        models = {entry.get("model") for entry in scenario["mix"]} | answered_by
        tariff = Tariff(table(dict(scenario.get("prices") or {}), {model for model in models if model}))
        return run, run_basis(run.manifest, run.recording, tariff, lengths(directory)), tariff
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise FmloadError(
            f"{directory / 'manifest.json'} lacks what a bill needs: {type(error).__name__}: {error}",
            remedy="was it edited or copied in part? `fmload report` reads what is there",
        ) from error


def lengths(directory: Path, known: Lengths | None = None) -> Callable[[Line, int | Decimal], Kept]:
    """Lengths from requests.csv.gz, read when first asked for, unless they are known."""

    @cache
    def found() -> Lengths:
        try:
            return known or counted(request_text(directory))
        except (OSError, LookupError, ValueError) as error:
            raise FmloadError(
                f"{directory / 'requests.csv.gz'} can't be read: {type(error).__name__}",
                remedy="--max-tokens needs the lengths of its answers; was it edited or left out?",
            ) from error

    def kept(line: Line, limit: int | Decimal) -> Kept:
        return found().left(line.query, line.model, limit) or bounded(line.output, limit)

    return kept
