"""The files that a judged run is exported to: report.html always, others as `--report` asks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from loadtester.analysis import Report
from loadtester.analysis.curve import curve
from loadtester.analysis.over_time import over_time
from loadtester.campaign.interrupts import Say
from loadtester.cost import PriceTable, price_table
from loadtester.cost.basis import run_basis
from loadtester.cost.bill import Tariff
from loadtester.cost.lengths import Lengths
from loadtester.cost.runs import lengths
from loadtester.cost.what_if import WhatIf, what_if
from loadtester.errors import Exit, FmloadError
from loadtester.recorder import Recording
from loadtester.reporters import summary_text
from loadtester.rundir import put, request_lines
from loadtester.rundir.exchanges import read_exchanges
from loadtester.scenario.suggestion import one_of

Content = str | bytes | Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged run: where it lies, what was recorded and found, and how long its answers were, where that is known."""

    directory: Path
    run: Recording
    report: Report
    lengths: Lengths | None = None


def formats(names: Iterable[str]) -> tuple[str, ...]:
    """Formats to write, each once. Raises FmloadError, before any load is sent, where one is unknown or can't be."""
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in FORMATS:
            raise FmloadError(f"--report {name} is no format", remedy=one_of(name, FORMATS), code=Exit.USAGE)
    if "parquet" in wanted and find_spec("pyarrow") is None:
        raise FmloadError("--report parquet needs pyarrow", remedy="pip install 'fmload[parquet]'", code=Exit.USAGE)
    return wanted


def export(judged: Judged, wanted: Collection[str], say: Say, *, is_kept: bool = True) -> None:
    """Write every format that is wanted into the run's directory; `say` hears what can't be.

    With them go summary.json and report.html, unless what was found is not to be kept (`is_kept`).
    """
    for name in dict.fromkeys([*(["json", "html"] if is_kept else []), *wanted]):
        try:
            for file, content in FORMATS[name](judged):
                put(judged.directory, file, content)
        except FmloadError as error:
            say(str(error))


def _json(judged: Judged) -> Iterator[tuple[str, Content]]:
    yield "summary.json", summary_text(judged.report)


def _html(judged: Judged) -> Iterator[tuple[str, Content]]:
    from loadtester.reporters.html import html_page  # noqa: PLC0415  only where a page is written

    run = judged.run
    corrected, uncorrected = curve(run, "latency"), curve(run, "service", has_interval=False)
    try:
        kept = read_exchanges(judged.directory, judged.report.manifest)
    except FmloadError:  # said where the run was judged
        kept = ()
    page = html_page(judged.report, over_time(run), corrected, uncorrected, levers(judged), kept)
    yield "report.html", page


def levers(judged: Judged) -> WhatIf | None:
    """The bill's coefficients; None where there is nothing to project, or no price."""
    manifest = judged.report.manifest
    prices: PriceTable = price_table(dict(manifest["scenario"].get("prices") or {}))
    tariff = Tariff(prices)
    most_tokens = manifest["scenario"].get("max_tokens")
    try:
        basis = run_basis(manifest, judged.run, tariff, lengths(judged.directory, judged.lengths))
        return what_if(basis, tariff, None if most_tokens is None else int(most_tokens))
    except (FmloadError, LookupError, TypeError, ValueError, ArithmeticError):  # a manifest that was edited
        return None


def _csv(judged: Judged) -> Iterator[tuple[str, Content]]:
    from loadtester.reporters.tables import by_part, by_second, csv_text  # noqa: PLC0415

    yield "seconds.csv", csv_text(by_second(judged.run))
    yield "parts.csv", csv_text(by_part(judged.report))


def _hlog(judged: Judged) -> Iterator[tuple[str, Content]]:
    from loadtester.reporters.merged_hlog import merged_hlog  # noqa: PLC0415

    yield "merged.hlog", merged_hlog(judged.report, judged.run)


def _junit(judged: Judged) -> Iterator[tuple[str, Content]]:
    from loadtester.reporters.junit import junit_xml  # noqa: PLC0415

    yield "junit.xml", junit_xml([judged.report])


def _parquet(judged: Judged) -> Iterator[tuple[str, Content]]:
    from loadtester.reporters.parquet import requests_parquet, rows_parquet  # noqa: PLC0415
    from loadtester.reporters.tables import by_second  # noqa: PLC0415

    yield "requests.parquet", requests_parquet(request_lines(judged.directory))
    yield "seconds.parquet", rows_parquet(by_second(judged.run))


FORMATS: Final[dict[str, Callable[[Judged], Iterator[tuple[str, Content]]]]] = {
    "html": _html,
    "json": _json,
    "csv": _csv,
    "hlog": _hlog,
    "junit": _junit,
    "parquet": _parquet,
}
