"""Whether two runs measured the same thing: what differs in what was asked, and what else differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Sections of a scenario that say what is asked of a target, and what is made of its answers.
_COUNTING: Final = ("load", "target", "mix", "max_tokens", "judge", "prices")

#: Of `judge`, what figures rest on; its thresholds can be held against any run again.
_JUDGED: Final = frozenset({"judge.slo_s", "judge.daily_messages"})

#: Where a target is, and which one: comparing two deployments is what a comparison is for.
_PLACE: Final = frozenset({"target.url", "target.region", "target.endpoint_url", "target.headers", "target.ca_file"})
#: What leaves the traffic as it is, or as it would be drawn again.
_FREE: Final = _PLACE | {
    "load.seed",
    "load.workers",
    "load.graceful_stop_s",
    "load.max_in_flight",
    "load.is_stopped_when_saturated",
}

#: What follows from another target by itself, in an attribution.
_PROTOCOL: Final = frozenset({"target.protocol", "target.is_streaming", "target.client", "target.kind"})

#: Noted, as it may explain a difference.
_SURROUNDINGS: Final = ("host.system", "host.cores", "versions.fmload", "versions.python", "workers", "price_table")
_MISSING: Final = "(not said)"


@dataclass(frozen=True, slots=True)
class Unlike:
    """A field that differs, by its dotted path, with both values as they are in the manifests."""

    field: str
    base: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.base)} in BASE, {_shown(self.new)} in NEW"


@dataclass(frozen=True, slots=True)
class Likeness:
    """`unlike` is what makes a comparison meaningless, `noted` what may explain its result."""

    unlike: tuple[Unlike, ...]
    noted: tuple[Unlike, ...]


def likeness(base: Mapping[str, Any], new: Mapping[str, Any]) -> Likeness:
    """Of two manifests."""
    found = [*_differences(_scenario(base), _scenario(new))]
    unlike = tuple(one for one in found if _counts(one.field))
    noted = tuple(one for one in found if one.field in _FREE or one.field.startswith("bundled."))
    return Likeness(unlike, (*noted, *_surroundings(base, new)))


def attribution_likeness(app: Mapping[str, Any], model: Mapping[str, Any]) -> Likeness:
    """Of the manifests of a run through an app and one straight at its model: the same questions of the same models.

    The seed counts here, and where both ran against the bundled target, so do its clock and its models' luck.
    """
    found = [*_differences(_scenario(app), _scenario(model))]
    is_bundled = _kind(app) == _kind(model) == "bundled"
    strict = {"load.seed"} | ({"bundled.seed", "bundled.time_scale"} if is_bundled else set())
    unlike = tuple(one for one in found if one.field in strict or (_counts(one.field) and one.field not in _PROTOCOL))
    named = {one.field for one in unlike} | _PROTOCOL
    noted = tuple(
        one
        for one in found
        if one.field not in named and (one.field in _FREE or (is_bundled and one.field.startswith("bundled.")))
    )
    return Likeness(unlike, (*noted, *_surroundings(app, model)))


def _counts(name: str) -> bool:
    if name.startswith("judge."):
        return name in _JUDGED
    return name.partition(".")[0] in _COUNTING and name not in _FREE


def _kind(manifest: Mapping[str, Any]) -> str:
    target = manifest["scenario"]["target"]
    return "bundled" if not any(target.get(key) for key in ("url", "region", "endpoint_url")) else "remote"


def _scenario(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario's fields by dotted path, the query types of its mix by name."""
    scenario = manifest["scenario"]
    mix = {query["name"]: {key: value for key, value in query.items() if key != "name"} for query in scenario["mix"]}
    flat = dict(_flat("", {**scenario, "mix": mix, "origins": {}}))
    flat["target.kind"] = _kind(manifest)
    if _kind(manifest) != "bundled":
        flat = {name: value for name, value in flat.items() if not name.startswith("bundled.")}
    return flat


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    name = prefix.removesuffix(".")
    if isinstance(value, Mapping) and name not in _FREE:
        for key, entry in value.items():
            yield from _flat(f"{prefix}{key}.", entry)
    else:
        yield name, value


def _differences(base: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Unlike]:
    """Fields that differ. One that only a newer version's run has is no difference where it asks for nothing."""
    for name in dict.fromkeys([*base, *new]):
        one, other = base.get(name), new.get(name)
        is_new = (name in base) != (name in new) and not (one or other)
        if one != other and not is_new:
            yield Unlike(name, one, other)


def _surroundings(base: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Unlike]:
    for name in _SURROUNDINGS:
        one, other = _at(base, name), _at(new, name)
        if one != other:
            yield Unlike(name, one, other)


def _at(manifest: Mapping[str, Any], name: str) -> Any:
    value: Any = manifest
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    return _MISSING if value is None else str(value)
