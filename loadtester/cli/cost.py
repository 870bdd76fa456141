"""`fmload cost`: what traffic costs, and what it would cost if something were otherwise."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadtester.cli.amounts import amount, month, part
from loadtester.cli.cost_levers import EMBEDDER, asked_levers, own_name
from loadtester.errors import Exit, FmloadError

if TYPE_CHECKING:
    from loadtester.cost.basis import Basis
    from loadtester.cost.bill import Tariff
    from loadtester.cost.prices import PriceTable
    from loadtester.cost.provisioned import Provisioned
    from loadtester.cost.quote import Quote
    from loadtester.cost.reconcile import Pair
    from loadtester.rundir import Run

_TRAFFIC = "Traffic"
_WHAT_IF = "What if"
_OUTPUT = "Output"

_Text = str | None


def _option(name: str, help_text: str, panel: str, metavar: str) -> Any:
    return typer.Option(name, help=help_text, rich_help_panel=panel, metavar=metavar)


def cost(
    directory: Annotated[
        Path | None, typer.Argument(help="A run directory, whole or cut short.", metavar="RUN")
    ] = None,
    *,
    assume: Annotated[
        Path | None, _option("--assume", "Assumptions in place of a run: a file, or mangaassist.", _TRAFFIC, "FILE")
    ] = None,
    prices: Annotated[Path | None, _option("--prices", "Your own prices, USD per 1M tokens.", _TRAFFIC, "FILE")] = None,
    messages_per_day: Annotated[int | None, _option("--messages-per-day", "A weekday's.", _TRAFFIC, "N")] = None,
    weekend_share: Annotated[
        _Text, _option("--weekend-share", "Part of a week's messages on its weekend.", _TRAFFIC, "PCT")
    ] = None,
    growth: Annotated[str, _option("--growth", "More messages each month.", _TRAFFIC, "PCT")] = "0%",
    in_month: Annotated[_Text, _option("--month", "A named month, by its days.", _TRAFFIC, "YYYY-MM")] = None,
    peak: Annotated[
        _Text, _option("--peak", "Busiest minute over the mean one; the modelled day's without.", _TRAFFIC, "X")
    ] = None,
    share: Annotated[
        list[str] | None, _option("--share", "This part of the messages to a model. Repeatable.", _WHAT_IF, "MODEL=PCT")
    ] = None,
    swap_model: Annotated[
        list[str] | None, _option("--swap", "Another model in place of one. Repeatable.", _WHAT_IF, "OLD=NEW")
    ] = None,
    query_model: Annotated[
        list[str] | None, _option("--query-model", "A query type to a model. Repeatable.", _WHAT_IF, "QUERY=MODEL")
    ] = None,
    exact_hits: Annotated[_Text, _option("--exact-hits", "Messages the exact cache answers.", _WHAT_IF, "PCT")] = None,
    semantic_hits: Annotated[
        _Text, _option("--semantic-hits", "Of the rest, those the semantic cache answers.", _WHAT_IF, "PCT")
    ] = None,
    question_tokens: Annotated[
        int | None, _option("--question-tokens", "Tokens to embed for a semantic lookup.", _WHAT_IF, "N")
    ] = None,
    embedding_model: Annotated[
        _Text, _option("--embedding-model", f"What embeds them; {EMBEDDER} without.", _WHAT_IF, "ID")
    ] = None,
    cached_prefix: Annotated[
        int | None, _option("--cached-prefix", "Tokens of each prompt to keep in the prompt cache.", _WHAT_IF, "N")
    ] = None,
    reuses: Annotated[_Text, _option("--reuses", "Reads for each write of it.", _WHAT_IF, "X")] = None,
    hour_cache: Annotated[
        bool, typer.Option("--hour-cache", help="Kept for an hour, not 5 minutes.", rich_help_panel=_WHAT_IF)
    ] = False,
    max_tokens: Annotated[int | None, _option("--max-tokens", "Cut answers at this length.", _WHAT_IF, "N")] = None,
    prompt_tokens: Annotated[_Text, _option("--prompt-tokens", "Prompts of this length.", _WHAT_IF, "PCT")] = None,
    answer_tokens: Annotated[_Text, _option("--answer-tokens", "Answers of this length.", _WHAT_IF, "PCT")] = None,
    batch: Annotated[_Text, _option("--batch", "Messages that can wait.", _WHAT_IF, "PCT")] = None,
    tier: Annotated[_Text, _option("--tier", "standard, priority or flex.", _WHAT_IF, "NAME")] = None,
    provisioned_price: Annotated[
        _Text, _option("--provisioned-price", "Your price of a unit for an hour.", _WHAT_IF, "USD")
    ] = None,
    provisioned_tokens_per_minute: Annotated[
        int | None, _option("--provisioned-tokens-per-minute", "What a unit does.", _WHAT_IF, "N")
    ] = None,
    provisioned_model: Annotated[
        _Text, _option("--provisioned-model", "For this model; the dearest without.", _WHAT_IF, "ID")
    ] = None,
    max_month: Annotated[
        _Text, _option("--max-month", "Exit with 99 if the month costs more, or can't be told.", _OUTPUT, "USD")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="The arithmetic of each figure.", rich_help_panel=_OUTPUT)
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.", rich_help_panel=_OUTPUT)] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout.", rich_help_panel=_OUTPUT)] = False,
    quota_request: Annotated[
        bool, typer.Option("--quota-request", help="What AWS asks for, as Markdown.", rich_help_panel=_OUTPUT)
    ] = False,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Beside CloudWatch's figures.", rich_help_panel=_OUTPUT)
    ] = False,
    region: Annotated[_Text, _option("--region", "AWS region.", _OUTPUT, "NAME")] = None,
    endpoint_url: Annotated[_Text, _option("--endpoint-url", "Another CloudWatch endpoint.", _OUTPUT, "URL")] = None,
) -> None:
    """Price a run, or assumptions: a day, a month and a year, what-ifs alone and together, and what matters most.

    Sends nothing, but with --reconcile, which asks CloudWatch.
    """
    from loadtester.cost.basis import NothingToPriceError  # noqa: PLC0415  heavy, and --help must be quick
    from loadtester.cost.calendar import Calendar  # noqa: PLC0415
    from loadtester.cost.quote import NO_GOOD_ANSWER, quote  # noqa: PLC0415

    _check(directory, assume, is_reconciling=reconcile, is_json=as_json, is_csv=as_csv)
    ceiling = None if max_month is None else amount("--max-month", max_month)
    named = [name for text in (*(share or ()), *(swap_model or ()), *(query_model or ())) for name in text.split("=")]
    others = {*named, embedding_model or EMBEDDER, *([provisioned_model] if provisioned_model else [])}
    try:
        run, basis, tariff = _basis(directory, assume, prices, others)
    except NothingToPriceError as error:
        if ceiling is None:
            raise
        raise FmloadError(error.message, remedy=error.remedy, code=Exit.THRESHOLD) from error
    for warning in basis.warnings:
        typer.echo(f"warning: {warning}", err=True)
    calendar = Calendar(
        basis.messages_per_day if messages_per_day is None else messages_per_day,
        None if weekend_share is None else part("--weekend-share", weekend_share),
        part("--growth", growth, is_signed=True),
        None if in_month is None else month("--month", in_month),
    )
    options = {
        "prompt_tokens": prompt_tokens,
        "answer_tokens": answer_tokens,
        "max_tokens": max_tokens,
        "cached_prefix": cached_prefix,
        "reuses": reuses,
        "is_hour": hour_cache,
        "share": share,
        "swap": swap_model,
        "query_model": query_model,
        "exact_hits": exact_hits,
        "semantic_hits": semantic_hits,
        "question_tokens": question_tokens,
        "embedder": embedding_model,
        "tier": tier,
        "batch": batch,
    }
    quoted = quote(basis, tariff, calendar, asked_levers(options, basis, tariff))
    busiest = _peak() if peak is None else amount("--peak", peak)
    if busiest < 1:
        raise FmloadError("--peak is below 1", remedy="the busiest minute has at least the mean one's", code=Exit.USAGE)
    bought = _bought(quoted, busiest, provisioned_price, provisioned_tokens_per_minute, provisioned_model)
    pairs = _pairs(run, region, endpoint_url) if run is not None and reconcile else ()
    if quota_request:
        typer.echo(_request(quoted, run, busiest, region, is_modelled=peak is None, limit=max_tokens), nl=False)
    else:
        _put(quoted, bought, pairs, is_json=as_json, is_csv=as_csv)
    if explain:
        for line in quoted.explanation():
            typer.echo(line, err=as_json or as_csv or quota_request)
    if ceiling is not None and ((month_usd := _month_usd(quoted, bought)) is None or month_usd > ceiling):
        why = NO_GOOD_ANSWER if month_usd is None else f"the month costs ${month_usd:,.2f}"
        raise FmloadError(f"{why}; --max-month is ${ceiling:,f}", code=Exit.THRESHOLD)


def _month_usd(quoted: Quote, bought: Provisioned | None) -> Decimal | None:
    """The month after all what-ifs, with provisioned units where they were priced."""
    if quoted.final is None:
        return None
    return quoted.final.month.usd if bought is None else bought.bill(quoted.final, quoted.calendar).month_usd


def _check(directory: Path | None, assume: Path | None, *, is_reconciling: bool, is_json: bool, is_csv: bool) -> None:
    if (directory is None) == (assume is None):
        raise FmloadError("give a run or assumptions", remedy="fmload cost RUN, or --assume FILE", code=Exit.USAGE)
    if is_reconciling and directory is None:
        raise FmloadError("--reconcile needs a run", remedy="name a run directory", code=Exit.USAGE)
    if is_json and is_csv:
        raise FmloadError("--json and --csv exclude each other", remedy="choose one", code=Exit.USAGE)


def _basis(
    directory: Path | None, assume: Path | None, prices: Path | None, others: set[str]
) -> tuple[Run | None, Basis, Tariff]:
    """What is priced, and how; `others` are models that what-ifs name."""
    from loadtester.cost.assumptions import assumed_basis  # noqa: PLC0415
    from loadtester.cost.runs import run_and_basis  # noqa: PLC0415

    if assume is not None:
        return None, *assumed_basis(_named(assume), lambda models: _table({}, prices, {*models, *others}))
    if directory is None:
        raise AssertionError  # _check has seen to it
    return run_and_basis(directory, lambda own, models: _table(own, prices, {*models, *others}))


def _named(assume: Path) -> Path:
    """The file itself, or the one of that name that comes with fmload."""
    from loadtester.scenario.named import scenarios_directory  # noqa: PLC0415

    bundled = scenarios_directory() / "assumptions" / f"{assume.name}.yaml"
    return bundled if assume.parent == Path() and not assume.exists() and bundled.is_file() else assume


def _table(own: dict[str, dict[str, Decimal]], file: Path | None, models: set[str]) -> PriceTable:
    """Prices of a scenario, with those of a file before them, which is for some of `models`."""
    from loadtester.cost import price_table  # noqa: PLC0415
    from loadtester.cost.price_file import for_models, price_file, unit_warnings  # noqa: PLC0415

    if file is None:
        return price_table(own)
    published = price_table({})
    stated = for_models(price_file(file), models, published, file)
    for warning in unit_warnings(stated, published):
        typer.echo(f"warning: {warning}", err=True)
    merged = own | {model: own.get(model, {}) | prices for model, prices in stated.items()}
    return price_table(merged, places=dict.fromkeys(stated, file.name))


def _peak() -> Decimal:
    from loadtester.schedule.calibration import WEEKDAY_BY_HOUR  # noqa: PLC0415

    return Decimal(str(max(WEEKDAY_BY_HOUR))).quantize(Decimal("0.01"))


def _bought(
    quoted: Quote, peak: Decimal, price: str | None, tokens_per_minute: int | None, model: str | None
) -> Provisioned | None:
    if price is None and tokens_per_minute is None and model is None:
        return None
    if price is None or tokens_per_minute is None:
        raise FmloadError(
            "provisioned throughput needs a price and what a unit does",
            remedy="give both --provisioned-price and --provisioned-tokens-per-minute",
            code=Exit.USAGE,
        )
    from loadtester.cost.provisioned import provisioned  # noqa: PLC0415

    return provisioned(
        quoted.combined.lines if quoted.combined else quoted.basis.lines,
        quoted.tariff,
        None if model is None else own_name(model, quoted.basis, quoted.tariff),
        messages_per_day=quoted.calendar.messages_per_day,
        peak=peak,
        usd_per_hour=amount("--provisioned-price", price),
        tokens_per_minute=tokens_per_minute,
    )


def _pairs(run: Run, region: str | None, endpoint_url: str | None) -> tuple[Pair, ...]:
    from loadtester.cost.reconcile import METRICS, counts, pairs, window  # noqa: PLC0415
    from loadtester.drivers.aws.cloudwatch import bedrock_sums  # noqa: PLC0415

    mine = counts(run.recording)
    at = region or run.manifest["scenario"]["target"].get("region")
    seen = asyncio.run(
        bedrock_sums(sorted(mine), METRICS, window(run.manifest, run.recording), region=at, endpoint_url=endpoint_url)
    )
    return pairs(mine, seen)


def _request(
    quoted: Quote, run: Run | None, peak: Decimal, region: str | None, *, is_modelled: bool, limit: int | None
) -> str:
    """The request; `limit` is the max_tokens of a what-if, before the run's own."""
    from loadtester.cost.quota_request import evidence, markdown, needs  # noqa: PLC0415

    scenario = {} if run is None else run.manifest["scenario"]
    lines = quoted.combined.lines if quoted.combined else quoted.basis.lines
    modelled = ("the peak is the busiest hour of a modelled weekday, not measured: --peak states another",)
    return markdown(
        needs(lines, quoted.calendar.messages_per_day, peak, limit or scenario.get("max_tokens")),
        region=region or scenario.get("target", {}).get("region"),
        growth=quoted.calendar.growth,
        messages_per_day=quoted.calendar.messages_per_day,
        peak=peak,
        evidence=evidence(quoted.basis, None if run is None else run.recording) + (modelled if is_modelled else ()),
    )


def _put(quoted: Quote, bought: Provisioned | None, pairs: tuple[Pair, ...], *, is_json: bool, is_csv: bool) -> None:
    from rich.console import Console  # noqa: PLC0415

    from loadtester.cli.cost_tables import pairs_table, print_quote  # noqa: PLC0415
    from loadtester.cost import export  # noqa: PLC0415

    if is_json:
        typer.echo(export.as_json(quoted, bought, pairs), nl=False)
    elif is_csv:
        typer.echo(export.as_csv(quoted, bought), nl=False)
    else:
        console = Console()
        print_quote(quoted, bought, console if console.is_terminal else Console(width=250))
        if pairs:
            console.print(pairs_table(pairs))
    for finding in (pair.finding for pair in pairs):
        if finding:
            typer.echo(f"finding: {finding}", err=is_json or is_csv)
