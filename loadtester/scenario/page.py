"""docs/scenarios.md, written from the table of fields; `python -m loadtester.scenario.page` prints it anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from loadtester.scenario.field import Field
from loadtester.scenario.fields import FIELDS, SECTIONS
from loadtester.scenario.named import named_scenarios

_HEAD: Final = """# Scenario files

This page is made from the table of fields in `loadtester/scenario/fields.py`, by `python -m loadtester.scenario.page`.

    fmload run -f spike                    a scenario that comes with fmload, by name
    fmload run -f mine.yaml -r 20/s        a file, with another rate

Each value comes from the command line, or else from `FMLOAD_*` in the environment, or else from the scenario file, or
else it is the default. An empty variable and a key without a value (`rate:`) say nothing. Headers, tags, prices and
kinds to redact are put together from all sources, name by name. `FMLOAD_SCENARIO` names a scenario where `-f` doesn't;
variables that hold several values split them by commas (stages, tags) or line ends (headers, kinds to redact).

All faults of a file are reported at once, as `file.yaml:LINE: key: what is wrong; fix: …`, and nothing is sent. The
exit code is 104 for files, 2 for the command line and the environment. `fmload schema` prints the JSON Schema; with
`# yaml-language-server: $schema=…` in the first line an editor checks and completes the file.
"""

_WRITING: Final = """## How values are written

| what | how |
|---|---|
| durations | `90s`, `2m`, `1h30m`, `500ms`, `1d`; a bare number is seconds |
| rates | `5/s`, `300/m`, `10/h`; a bare number is per second |
| stages | `DURATION:RATE`, such as `2m:20/s`: over the duration the rate moves in a line to the rate |
| stages of users | `DURATION:USERS`, such as `2m:20`: over the duration their number moves in a line to this |
| think time | `10s` or `lognormal:10s` (a median), `exponential:10s` (a mean), `constant:10s` |
| shares | `0.25` or `25%` |
| money | USD: `0.25` or `$0.25` |
| whole numbers | `1000000` or `1_000_000` |
| headers, tags, kinds to redact | a mapping, or a list of `Name: value`, `name=value` |
| input files | a relative path starts at the scenario file, on the command line at the working directory |
"""

_RULES: Final = """## What goes together

The shape of the traffic is a pattern with a rate, or stages, or users, or a trace: one of them. Where two sources name
different ones the weightier source wins, and what belongs to the other is left out. Within one source it is a fault,
and so is a rate for stages that say their own.

Of rate, duration and requests any two make the third; all three in one source are a fault. Where several sources give
all three, the lightest source's gives way; of two in it the duration does, or else the requests. A number of requests
alone keeps the default rate and makes the run as long as it takes. The mean rate is the rate for sustained, burst and
production, half of it for ramp, 2.8 times for spike.

Users make a closed run: `users` are there from the start, and `user_stages` go on from them, or from none. Stages of
rates and of users are two keys (`--stage`, `--user-stage`), because `2m:20` is a stage of either kind. A duration
stretches the stages of users, so `-d 36s` makes a profile of twelve minutes twenty times as short; the think time stays
unless it is given too. What a lighter source said of users or their stages gives way to a weightier one as a whole:
`-f stress -u 5` is five users all the time. Users say neither rate nor number of requests nor arrivals, and never have
more requests in flight than there are users.

A trace is replayed whole unless a duration or a number of requests ends it sooner.

The target's scheme decides the protocol: `ws://` and `wss://` speak ws, `http://` and `https://` rest,
`openai+https://` openai, `bedrock:REGION` bedrock; with http and https `--protocol` may choose sse, ws or openai.
Region and endpoint are for bedrock only. Without a target the bundled MangaAssist is started; it speaks ws, rest, sse
and bedrock. A user or password in a URL is refused, because command lines show in process lists: give a header.

## The mix

    mix: production                              # what MangaAssist's customers ask
    mix: my-mix.yaml                             # a file with one of the following
    mix:
      product_lookup: 60%                        # a built-in query type, just with its share
      refund:                                    # one of your own
        share: 40%
        model: anthropic.claude-3-haiku-20240307-v1:0
        kind: ai                                 # ai or crud; figures are kept apart by it
        language: en                             # en, ja or mixed
        prompts: ["Can I send volume 3 back?", "Where is my refund?"]

A list of entries with `name` does as well. Shares add up to 1. What a built-in type leaves out is as in the production
mix; a type of your own needs prompts, and a model unless `model` at the top gives one to all.

## Prices

    prices:
      my-model: {input: 0.80, output: 4.00, cache_read: 0.08, cache_write: 1.00}     # USD per 1M tokens

## Secrets

Values of headers are sent and nowhere shown or stored, but for a few that are public by nature (`Accept`, `User-Agent`
and the like). Parameters of URLs are hidden in the same way. Prompts of your own are stored as their number and hash.
Keep secrets out of scenario files: `FMLOAD_HEADER='Authorization: Bearer …'` sets a header from the environment.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD, _WRITING, _RULES, "## Scenarios that come with fmload\n\n" + "\n".join(_shipped()) + "\n"]
    sections = ("load", "target", "bundled", "quota", "safety", "output", "observe")
    parts += ["\n".join(lines) + "\n" for lines in map(_section, sections)]
    parts.insert(-2, "\n".join(_section("")) + "\n")
    parts.append("\n".join(_reasons()) + "\n")
    return "\n".join(parts)


def _shipped() -> Iterator[str]:
    yield "| name | what it asks |"
    yield "|---|---|"
    for name, description in named_scenarios():
        yield f"| `{name}` | {description} |"


def _section(name: str) -> list[str]:
    title = (
        f"## `{name}:`\n\n{SECTIONS[name]}\n"
        if name
        else "## Keys at the top\n\nThe questions, and what the run is judged by.\n"
    )
    lines = [title, "| key | command line | environment | default | what |", "|---|---|---|---|---|"]
    return lines + [_row(field) for field in FIELDS if field.path.rpartition(".")[0] == name]


def _row(field: Field) -> str:
    default = field.default
    usual = default.reason if default.text is None else f"`{default.text}`"
    cells = [
        f"`{field.path.rpartition('.')[2]}`",
        _code(field.flag),
        _code(field.variable),
        usual,
        field.help + _choices(field),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _choices(field: Field) -> str:
    names = field.kind.schema.get("enum")
    return f" One of {', '.join(f'`{name}`' for name in names)}." if names else ""


def _code(text: str | None) -> str:
    return f"`{text}`" if text else "–"


def _reasons() -> Iterator[str]:
    yield "## Why these defaults\n"
    for field in FIELDS:
        if field.default.text is not None:
            yield f"- `{field.path}: {field.default.text}`: {field.default.reason}"


if __name__ == "__main__":
    sys.stdout.write(page())
