"""Where the figures come from: machine, versions, seed, and the command that makes the same requests again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from loadtester.analysis import Report
from loadtester.reporters.html import amounts
from loadtester.reporters.html.markup import Markup, section, table, tag

#: What a scenario's flags are called, where the manifest has its values, and what need not be said.
_FLAGS: Final = (
    ("load", "rate_per_s", "--rate", "{:g}/s", None),
    ("load", "duration_s", "--duration", "{:g}s", None),
    ("load", "requests", "--requests", "{}", None),
    ("load", "users", "--users", "{}", None),
    ("load", "ai_users", "--ai-users", "{:g}", 1.0),
    ("load", "trace", "--trace", "{}", None),
    ("load", "speed", "--speed", "{:g}", 1.0),
    ("load", "arrivals", "--arrivals", "{}", "uniform"),
    ("load", "seed", "--seed", "{}", None),
    ("load", "timeout_s", "--timeout", "{:g}s", 30.0),
    ("load", "max_in_flight", "--max-in-flight", "{}", 10_000),
    ("load", "warmup_s", "--warmup", "{:g}s", 0.0),
    ("load", "on_throttle", "--on-throttle", "{}", "record"),
    ("target", "protocol", "--protocol", "{}", None),
    ("target", "endpoint_url", "--endpoint-url", "{}", None),
    ("target", "is_streaming", "--no-stream", "", True),
    ("target", "client", "--client", "{}", "fast"),
    ("bundled", "time_scale", "--time-scale", "{:g}", 1.0),
    ("bundled", "tokens_per_minute", "--tokens-per-minute", "{}", None),
    ("bundled", "model_connections", "--model-connections", "{}", 200),
    ("judge", "slo_s", "--slo", "{:g}s", None),
)
_CRUD: Final = "crud"
_MAX_TOKENS: Final = 1024
#: Patterns that have no name on the command line: other flags make them.
_UNNAMED: Final = ("stages", "trace", "users")
_AS_TYPED: Final = (
    "As it was typed, with its seed, which settles what is asked, and when; secrets are shown as ***. What FMLOAD_* in "
    "the environment and a scenario file said is not in it, and a file may have changed since: manifest.json has the "
    "settled values, without their secrets."
)
_BY_FLAGS: Final = (
    "The seed settles what is asked, and when. What is not said here, such as a mix of your own, prices and the "
    "values of headers, stands in manifest.json, without its secrets."
)


def environment(report: Report) -> Markup:
    """The table of facts, and the command."""
    manifest = report.manifest
    return section(
        "environment",
        "How it was measured",
        table("Environment", ("", ""), _facts(report)),
        tag("h3", "The same requests again"),
        tag("p", tag("code", command(manifest)), class_="command"),
        tag(
            "p",
            (_AS_TYPED if manifest.get("command") is not None else _BY_FLAGS),
            class_="quiet",
        ),
    )


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    manifest = report.manifest
    yield "run", str(manifest["id"])
    yield "started", str(manifest["started_at"])
    yield "took", f"{report.elapsed_s:,.1f} s"
    yield "seed", str(manifest["seed"])
    yield "processes that sent", str(manifest.get("workers") or 1)
    yield "clock", str(manifest.get("clock", amounts.NOTHING))
    yield "versions", ", ".join(f"{name} {value}" for name, value in (manifest.get("versions") or {}).items())
    yield from ((name, str(value)) for name, value in (manifest.get("host") or {}).items())
    known = manifest.get("calibration")
    if known:
        step = known["steps"][-1]
        at = f"{known['measured_at'][:10]}: at {step['rate_per_s']:,}/s"
        lag, trip = amounts.seconds(step["lag_p99_s"]), amounts.seconds(step["round_trip_p99_s"])
        yield "calibrated here", f"{at} lag p99 {lag}, round trip p99 {trip}"


def command(manifest: Mapping[str, Any]) -> str:
    """The command line of the run: as it was typed where that is kept, or as far as flags can say it.

    None of it is a secret, for the manifest holds none.
    """
    typed = manifest.get("command")
    return shlex.join(["fmload", "run", *(_typed(manifest, typed) if typed is not None else _by_flags(manifest))])


def _typed(manifest: Mapping[str, Any], words: Iterable[object]) -> Iterator[str]:
    """The words, and the seed where none of them names it."""
    known = [str(word) for word in words]
    yield from known
    if not any(word.partition("=")[0] == "--seed" for word in known):
        yield from ("--seed", str(manifest["seed"]))


def _by_flags(manifest: Mapping[str, Any]) -> list[str]:
    scenario = manifest["scenario"]
    load, target = scenario.get("load") or {}, scenario.get("target") or {}
    words = []
    if target.get("url") or target.get("region"):
        words.append(str(target.get("url") or f"bedrock:{target['region']}"))
    is_bundled = not words and not target.get("endpoint_url")
    if target.get("url") and target.get("region"):
        words += ["--region", str(target["region"])]
    is_named = load.get("pattern") not in (None, *_UNNAMED)
    if is_named:
        words += ["--pattern", str(load["pattern"])]
    for stage in load.get("stages") or ():
        words += ["--stage", f"{stage['duration_s']:g}s:{stage['rate_per_s']:g}/s"]
    for stage in load.get("user_stages") or ():
        words += ["--user-stage", f"{stage['duration_s']:g}s:{stage['users']}"]
    for part, name, flag, form, usual in _FLAGS:
        value = (scenario.get(part) or {}).get(name)
        is_said = is_named or name != "rate_per_s"
        if value not in (None, usual) and is_said and (part != "bundled" or is_bundled):
            words += [flag, form.format(value)] if form else [flag]
    return [*words, *_asked(scenario)]


def _asked(scenario: Mapping[str, Any]) -> Iterator[str]:
    """What users and models do: think time of users, the one model of all query types, and the limit of answers."""
    load = scenario.get("load") or {}
    think = load.get("think_time") or {}
    if think and (load.get("users") or load.get("user_stages")):
        yield from ("--think-time", f"{think['distribution']}:{think['scale_s']:g}s")
    models = {query.get("model") for query in scenario.get("mix") or () if query.get("kind") != _CRUD}
    if len(models) == 1 and None not in models:
        yield from ("--model", str(*models))
    if scenario.get("max_tokens") not in (None, _MAX_TOKENS):
        yield from ("--max-tokens", str(scenario["max_tokens"]))
