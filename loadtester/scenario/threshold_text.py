"""Thresholds as people write them, `METRIC[{tag=value,…}][:AGG][[WINDOW]] OP VALUE`, taken apart and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar, cast

from loadtester.scenario import threshold as nouns
from loadtester.scenario import units
from loadtester.scenario.redact import quoted
from loadtester.scenario.suggestion import meant, one_of
from loadtester.scenario.threshold import Aggregate, Operator, Threshold, Unit
from loadtester.scenario.units import UnfitError

T = TypeVar("T")

EXAMPLE: Final = "latency:p(95)<3s"

_SHAPE: Final = re.compile(
    r"""(?P<metric>[^\s{}:\[\]<>=!]+)\s*
    (?P<tags>\{(?:"[^"]*"|'[^']*'|[^}"'])*\})?\s*
    (?::(?P<aggregate>[^\[\]<>=!]*))?
    (?P<window>\[[^\]]*\])?\s*
    (?P<operator>[<>=!]+)\s*
    (?P<limit>.*)""",
    re.VERBOSE | re.DOTALL,
)
_TAG: Final = re.compile(r"""\s*([^=,\s"']*)\s*(=?)\s*("[^"]*"|'[^']*'|[^,"']*?)\s*(?:,|$)""")
_PERCENTILE: Final = re.compile(r"p\(\s*([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*\)")
_ALMOST_PERCENTILE: Final = re.compile(
    r"(?:p|perc|percentile|quantile)[\s_(]*([0-9]{1,2}(?:\.[0-9]{1,6})?)\)?", re.IGNORECASE
)
_OPERATORS: Final = ("<", "<=", ">", ">=", "==", "!=")
_OTHER_OPERATORS: Final = {"=": "==", "=<": "<=", "=>": ">=", "<>": "!=", "===": "=="}
_AGGREGATES: Final = ("avg", "min", "max", "med", "p(95)", "count")
_OTHER_AGGREGATES: Final = {"mean": "avg", "average": "avg", "median": "med", "maximum": "max", "minimum": "min"}
#: What other tools call it.
_OTHER_METRICS: Final = {
    "http_req_duration": "latency",
    "http_req_waiting": "ttft",
    "http_req_failed": "error_rate",
    "http_reqs": "requests",
    "duration": "latency",
    "response_time": "latency",
    "errors": "error_rate",
    "error": "error_rate",
    "rps": "throughput",
    "cost": "cost.run",
    "tokens": "tokens.output",
}
_WANTED: Final[Mapping[Unit, str]] = {
    "s": "a duration with its unit, such as 3s or 500ms",
    "share": "a share, such as 1% or 0.01",
    "per_s": "a rate, such as 40/s or 300/m",
    "usd": "USD, such as 50000 or $0.25",
    "count": "a whole number, such as 100 or 1_000",
}
_READ: Final[Mapping[Unit, Callable[[str], object]]] = {
    "s": units.duration_s,
    "share": units.share,
    "per_s": units.rate_per_s,
    "usd": units.money_usd,
    "count": units.count,
}
_MOST_CHARS: Final = 500
_LONGEST_WINDOW_S: Final = 86_400
#: The outcomes by which the values of a distribution are kept apart.
_OK_OR_NOT: Final = ("ok", "other")


def parse(text: str) -> tuple[Threshold | None, tuple[UnfitError, ...]]:
    """The threshold of a text; None, and everything that is wrong with the text, where it is none."""
    expression = " ".join(text.split())
    shape = _SHAPE.fullmatch(expression) if len(expression) <= _MOST_CHARS else None
    if shape is None:
        fault = UnfitError(f"{quoted(text)} is not a threshold", f"write METRIC:AGGREGATE<VALUE, such as {EXAMPLE}")
        return None, (fault,)
    faults: list[UnfitError] = []
    metric = _tried(faults, lambda: _metric(shape["metric"], shape["aggregate"]))
    sign = _tried(faults, lambda: _operator(shape["operator"], metric))
    tags = _tags(shape["tags"], metric, faults)
    aggregate, percent = _tried(faults, lambda: _aggregate(shape["aggregate"], metric)) or (None, None)
    window_s = _tried(faults, lambda: _window_s(shape["window"], metric, tags))
    unit = _unit(metric, aggregate)
    limit = _tried(faults, lambda: _limit(shape["limit"].strip(), unit, metric))
    if faults or metric is None or sign is None or unit is None or limit is None:
        return None, tuple(faults)
    return Threshold(expression, metric, tags, aggregate, percent, window_s, sign, limit, unit), ()


def _tried(faults: list[UnfitError], read: Callable[[], T]) -> T | None:
    """What `read` gives; None, with the fault noted, where it raises one."""
    try:
        return read()
    except UnfitError as fault:
        faults.append(fault)
        return None


def _metric(name: str, aggregate: str | None) -> str:
    if name in nouns.METRICS:
        return name
    other = _OTHER_METRICS.get(name.lower())
    likely = other or meant(name, nouns.METRICS)
    example = "" if aggregate is not None or likely not in nouns.SPREADS else f", with an aggregate: {likely}:p(95)"
    fix = f"did you mean {likely}{example}?" if likely else f"metrics are {', '.join(_main_metrics())}"
    raise UnfitError(f"there is no metric {quoted(name)}", fix)


def _main_metrics() -> list[str]:
    """The metrics, those of single outcomes by an example."""
    single = {*nouns.OUTCOMES, *(f"{name}_rate" for name in nouns.OUTCOMES)}
    return [name for name in nouns.METRICS if name not in single] + ["timeout, timeout_rate and so by outcome"]


def _operator(sign: str, metric: str | None) -> Operator:
    if sign not in _OPERATORS:
        likely = _OTHER_OPERATORS.get(sign)
        fix = f"did you mean {likely}?" if likely else f"write one of {', '.join(_OPERATORS)}"
        raise UnfitError(f"{quoted(sign)} is not a comparison", fix)
    if metric == "validity" and sign not in ("==", "!="):
        raise UnfitError(f"a verdict can't be compared by {sign}", "write validity==valid or validity!=invalid")
    return cast("Operator", sign)


def _tags(text: str | None, metric: str | None, faults: list[UnfitError]) -> tuple[tuple[str, str], ...]:
    if text is None:
        return ()
    inner, at, found = text[1:-1].strip(), 0, dict[str, str]()
    if not inner:
        faults.append(UnfitError("the braces are empty", "write {query=recommendation}, or leave them out"))
    while at < len(inner):
        match = _TAG.match(inner, at)
        if match is None:
            faults.append(
                UnfitError(f"{quoted(inner[at:])} is not a tag", 'write tag=value, or tag="value" with what is special')
            )
            break
        at = match.end()
        name, sign, value = match.groups()
        pair = _tried(faults, lambda n=name, s=sign, v=value: _tag(n, s, v, metric))  # type: ignore[misc]  # bound per turn
        if pair is not None and pair[0] in found:
            faults.append(UnfitError(f"the tag {pair[0]} is given twice", "keep one of the two"))
        elif pair is not None:
            found[pair[0]] = pair[1]
    return tuple(found.items())


def _tag(name: str, sign: str, value: str, metric: str | None) -> tuple[str, str]:
    value = value[1:-1] if value[:1] in ("'", '"') else value
    if not sign or not value or not name:
        raise UnfitError(f"{quoted(name + sign + value)} is not a tag", "write tag=value, such as query=recommendation")
    if name not in nouns.TAGS:
        raise UnfitError(f"there is no tag {quoted(name)}", one_of(name, nouns.TAGS))
    if metric in nouns.WHOLE:
        raise UnfitError(f"{metric} is of the whole run, not of a part of it", "leave the tags out")
    if name == "outcome" and metric is not None:
        if metric not in nouns.BY_OUTCOME:
            raise UnfitError(f"{metric} can't be told by outcome", "leave the tag out, or count one: timeout_rate<1%")
        known = _OK_OR_NOT if metric in nouns.SPREADS else nouns.OUTCOMES
        if value not in known:
            raise UnfitError(f"{metric} is not kept for the outcome {quoted(value)}", one_of(value, known))
    return name, value


def _aggregate(text: str | None, metric: str | None) -> tuple[Aggregate | None, float | None]:
    word = None if text is None else text.strip()
    unit = nouns.METRICS.get(metric or "")
    if metric is not None and metric not in nouns.SPREADS:
        if word is None or (unit == "count" and word == "count"):
            return None, None
        raise UnfitError(f"{metric} is one number, and takes no aggregate", f"leave {quoted(word)} out")
    if word is None:
        if metric is None:
            return None, None
        raise UnfitError(f"{metric} is a distribution, and needs an aggregate", f"write {metric}:p(95) or {metric}:avg")
    percentile = _PERCENTILE.fullmatch(word)
    if percentile is not None:
        percent = float(percentile[1])
        if not 0 < percent < 100:  # noqa: PLR2004  per cent
            raise UnfitError(f"there is no percentile {percentile[1]}", "write one between 0 and 100, or min or max")
        return "p", percent
    if word in _AGGREGATES and word != "p(95)":
        return cast("Aggregate", word), None
    almost = _ALMOST_PERCENTILE.fullmatch(word)
    likely = f"p({almost[1]})" if almost else _OTHER_AGGREGATES.get(word.lower())
    fix = f"did you mean {likely}?" if likely else one_of(word, _AGGREGATES)
    raise UnfitError(f"{quoted(word)} is not an aggregate", fix)


def _window_s(text: str | None, metric: str | None, tags: tuple[tuple[str, str], ...]) -> int | None:
    if text is None:
        return None
    seconds = units.duration_s(text[1:-1])
    if seconds != int(seconds) or not 1 <= seconds <= _LONGEST_WINDOW_S:
        raise UnfitError(f"{quoted(text)} can't be a window", "write whole seconds, at least one, such as [60s]")
    if metric in nouns.WHOLE:
        raise UnfitError(f"{metric} is of the whole run, not of a window", "leave the window out")
    if metric in nouns.DEPARTURES and tags:
        raise UnfitError(f"by tag {metric} is known only at the end", "leave the window out, or the tags")
    return int(seconds)


def _unit(metric: str | None, aggregate: Aggregate | None) -> Unit | None:
    return "count" if aggregate == "count" else nouns.METRICS.get(metric or "")


def _limit(text: str, unit: Unit | None, metric: str | None) -> float | None:
    if unit is None:
        return None if text else _raise_empty()
    if not text:
        _raise_empty()
    if unit == "verdict":
        if text not in nouns.VERDICTS:
            raise UnfitError(f"{quoted(text)} is not a verdict", one_of(text, nouns.VERDICTS))
        return float(nouns.VERDICTS.index(text))
    try:
        limit = float(cast("float", _READ[unit](text)))
    except UnfitError as fault:
        if fault.fix.startswith(("write digits", "write a ")) or not fault.fix.startswith("write "):
            raise
        likely = fault.fix.partition(" ")[2]
        is_guess = not any(char in likely for char in ", ")
        fix = f"did you mean {likely}?" if is_guess else f"write {_WANTED[unit]}"
        raise UnfitError(f"{quoted(text)} is no limit of {metric}: {fault.what}", fix) from fault
    if unit == "s" and limit and not text[-1:].isalpha():
        raise UnfitError(f"the limit {quoted(text)} has no unit", f"did you mean {text}ms or {text}s?")
    return limit


def _raise_empty() -> float:
    raise UnfitError("the limit is missing", f"write a value after the comparison, such as {EXAMPLE}")
