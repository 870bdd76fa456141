"""From flags, environment, scenario file and defaults to a checked Scenario, or to all that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtester.scenario import named, shape, sources
from loadtester.scenario.address import Address
from loadtester.scenario.call import CRUD
from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.fields import BY_PATH
from loadtester.scenario.queries import Asked
from loadtester.scenario.scenario import (
    Bundled,
    Judge,
    Load,
    Observe,
    Output,
    Protocol,
    QueryType,
    Quota,
    Safety,
    Scenario,
    Target,
)
from loadtester.scenario.sources import DEFAULT, ENVIRONMENT, Given, Layer
from loadtester.scenario.threshold_mix import settle_thresholds


def resolve(
    flags: Mapping[str, object],
    *,
    file: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    suite: Callable[[Faults], Layer] | None = None,
) -> Scenario:
    """The scenario that the user means: each value from the command line, FMLOAD_*, the file or a default.

    `flags` holds texts, numbers, booleans and lists of texts by the dotted keys of a scenario file (`load.rate`); None
    says nothing. `file` is a scenario's path or name, by default FMLOAD_SCENARIO of `environ`. What a `suite` says of
    the scenario weighs more than its file.

    Raises FmloadError with all faults at once: USAGE for flags, variables and unknown names, INPUT for files.
    """
    faults = Faults()
    variables = environ or {}
    path = _scenario_path(file, variables, faults)
    layers = (
        sources.from_file(path, faults, shown=named.shown(path)) if path is not None else {},
        suite(faults) if suite is not None else {},
        sources.from_environment(variables, faults),
        sources.from_flags(flags, faults),
    )
    usual = sources.defaults(faults)
    settled = shape.settle(sources.merged(usual, *layers), usual)
    _settle_target(settled)
    _settle_mix(settled)
    _check_otel(settled)
    settle_thresholds(settled)
    faults.raise_if_any()
    if "output.name" not in settled:
        settled["output.name"] = _name(settled, path)
    if "output.keep" not in settled:
        settled["output.keep"] = _kept(settled)
    return _scenario(settled)


def _scenario_path(file: str | Path | None, environ: Mapping[str, str], faults: Faults) -> Path | None:
    spot = Spot(faults, "--scenario")
    if file is None:
        file = environ.get(sources.SCENARIO_VARIABLE, "").strip() or None
        spot = Spot(faults, sources.SCENARIO_VARIABLE)
    return None if file is None else named.find(file, spot)


def _settle_target(settled: Layer) -> None:
    """Take the address apart, and agree on a protocol and a region; what an older target needed gives way."""
    url, asked = settled.get("target.url"), settled.get("target.protocol")
    if (url is not None and url.value is None) or (asked is not None and asked.value is None):
        return
    where: Address | None = url.value if url is not None else None
    if asked is not None and url is not None and where is not None and asked.value not in where.protocols:
        if asked.rank >= url.rank:
            spoken = " or ".join(where.protocols)
            asked.fault(f"{asked.value} can't be spoken to this target", f"this target speaks {spoken}")
            return
        asked = None
    if asked is None:
        protocol: Protocol = where.protocols[0] if where is not None else "ws"
        asked = _computed(protocol, "default" if where is None else "the target's scheme", url)
    settled["target.protocol"] = asked
    if url is not None and where is not None:
        settled["target.url"] = replace(url, value=where.url)
    _settle_bedrock(settled, asked, where)


def _settle_bedrock(settled: Layer, protocol: Given, where: Address | None) -> None:
    rank = max(protocol.rank, settled["target.url"].rank if where is not None else DEFAULT)
    for path in ("target.region", "target.endpoint_url"):
        one = settled.get(path)
        if one is not None and protocol.value != "bedrock":
            if one.rank >= rank:
                what = f"is only for bedrock, and this target speaks {protocol.value}"
                one.fault(what, "name the target bedrock:REGION, or leave it out")
            del settled[path]
    region = settled.get("target.region")
    if where is None or where.region is None:
        return
    if region is not None and region.value not in (where.region, None) and region.rank >= rank:
        region.fault(f"is {region.value}, but the target is in {where.region}", "keep one of the two")
    settled["target.region"] = replace(settled["target.url"], value=where.region)


def _check_otel(settled: Layer) -> None:
    """What is to be in spans says nothing where none are sent; a variable may stand for the runs that do send some."""
    otel, endpoint = settled.get("observe.otel"), settled.get("observe.otel_endpoint")
    if endpoint is not None or (otel is not None and otel.value is not False):
        return
    for path in ("observe.otel_sample", "observe.otel_content"):
        one = settled.get(path)
        if one is not None and one.value not in (None, False) and one.rank not in (DEFAULT, ENVIRONMENT):
            is_flag = one.spot.file is None
            what = "--otel" if is_flag else "otel: true"
            one.fault(f"needs {what}", f"add {what} or the collector's address, or leave it out")


def _settle_mix(settled: Layer) -> None:
    """Give each query type its model, and turn the mix into plain query types."""
    mix, model = settled["mix"], settled.get("model")
    if mix.value is None or (model is not None and model.value is None):
        return
    queries: list[QueryType] = []
    for asked in mix.value:
        query = asked.query
        if query.kind != CRUD:
            query = query if model is None else replace(query, model=model.value)
            if not query.model:
                _modelless(asked)
        queries.append(query)
    settled["mix"] = replace(mix, value=tuple(queries))


def _modelless(asked: Asked) -> None:
    if asked.spot is not None:
        name = asked.query.name
        asked.spot.fault(asked.line, f"{name} has no model", "write model: and its id, here or for all at the top")


def _scenario(settled: Layer) -> Scenario:
    groups: dict[str, dict[str, Any]] = {
        group: {} for group in ("load", "target", "bundled", "quota", "safety", "judge", "output", "observe", "")
    }
    origins: dict[str, str] = {}
    for path, field in BY_PATH.items():
        if not field.attribute:
            continue
        group, _, name = field.attribute.rpartition(".")
        given = settled.get(path)
        groups[group][name] = given.value if given is not None else _NOTHING.get(path)
        origins[field.attribute] = given.origin if given is not None else "default"
    if "model" not in settled:
        del origins["model"]
    return Scenario(
        load=Load(**groups["load"]),
        target=Target(**groups["target"]),
        bundled=Bundled(**groups["bundled"]),
        quota=Quota(**groups["quota"]),
        safety=Safety(**groups["safety"]),
        judge=Judge(**groups["judge"]),
        output=Output(**groups["output"]),
        observe=Observe(**groups["observe"]),
        mix=groups[""]["mix"],
        max_tokens=groups[""]["max_tokens"],
        prices=groups[""]["prices"],
        origins=origins,
    )


#: What stands for a field that nobody gave and that has no default; None for all others.
_NOTHING: Mapping[str, Any] = {
    "load.stages": (),
    "load.user_stages": (),
    "thresholds": (),
    "target.headers": {},
    "prices": {},
    "output.tags": {},
    "output.redact": {},
}


#: Failing exchanges that are kept of the bundled target.
_KEPT = 20


def _kept(settled: Layer) -> Given:
    """What is said to a target that isn't ours is kept only where somebody asked for it."""
    where = ("target.url", "target.endpoint_url", "target.region")
    is_bundled = all(path not in settled or settled[path].value is None for path in where)
    return _computed(_KEPT if is_bundled else 0, "the bundled target" if is_bundled else "default", None)


def _name(settled: Layer, path: Path | None) -> Given:
    if path is not None:
        return _computed(path.stem, "the scenario's name", None)
    return _computed(settled["load.pattern"].value, "the pattern", None)


def _computed(value: Any, origin: str, model: Given | None) -> Given:
    if model is not None:
        return replace(model, value=value, origin=origin)
    return Given(value, origin, DEFAULT, Spot(Faults(), origin))
