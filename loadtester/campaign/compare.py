"""`fmload compare`: run directories in, comparisons or a refusal with all its reasons out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtester.analysis import summarise
from loadtester.analysis.comparison.attribution import attribute
from loadtester.analysis.comparison.compare import compare
from loadtester.analysis.comparison.found import Attribution, Comparison
from loadtester.analysis.comparison.likeness import Likeness, attribution_likeness, likeness
from loadtester.analysis.comparison.measures import Margins
from loadtester.analysis.comparison.sample import Sample
from loadtester.campaign.edited import judgeable
from loadtester.cost import price_table
from loadtester.errors import FmloadError
from loadtester.rundir import read

#: A reason not to compare, and what to do about it.
_Reason = tuple[str, str]

_FORCE = "--force compares all the same, and says so in the result"
_AGAIN = "run it again, to its end"


def compare_runs(
    base: Path, others: Sequence[Path], margins: Margins, *, by: str = "query", is_forced: bool = False
) -> list[Comparison]:
    """Each of `others` against `base`. Raises FmloadError with every reason not to, unless forced."""
    samples = _samples([base, *others])
    first, *rest = samples
    alike = [likeness(first.manifest, one.manifest) for one in rest]
    reasons = [
        *_all_faults(samples),
        *(reason for one, found in zip(rest, alike, strict=True) for reason in _unlike(one, found)),
    ]
    _require(reasons, is_forced=is_forced)
    return [
        compare(
            first,
            one,
            margins,
            by=by,
            forced=_forced([*_faults(first), *_faults(one), *_unlike(one, found)]),
            noted=found.noted,
        )
        for one, found in zip(rest, alike, strict=True)
    ]


def attribute_runs(app: Path, model: Path, *, is_forced: bool = False) -> Attribution:
    """The app's own share of the latency. Raises FmloadError with every reason not to, unless forced."""
    through, straight = _samples([app, model])
    alike = attribution_likeness(through.manifest, straight.manifest)
    reasons = [*_all_faults([through, straight]), *_protocols(through, straight), *_unlike(straight, alike)]
    _require(reasons, is_forced=is_forced)
    return attribute(through, straight, forced=_forced(reasons), noted=alike.noted)


def _samples(directories: Sequence[Path]) -> list[Sample]:
    """All runs, read and judged; where several can't be, one error names them all."""
    _require_distinct(directories)
    samples, errors = [], []
    for seed, directory in enumerate(directories, start=1):
        try:
            samples.append(_sample(directory, seed))
        except FmloadError as error:
            errors.append(error)
    if errors:
        raise FmloadError(
            "\n".join(error.message for error in errors),
            remedy="\n  ".join(dict.fromkeys(error.remedy for error in errors if error.remedy)),
            code=errors[0].code,
        )
    return samples


def _require_distinct(directories: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for directory in directories:
        place = directory.resolve()
        if place in seen:
            raise FmloadError(
                f"{directory} is named twice: a run is no different from itself",
                remedy="name each run directory once: fmload compare BASE NEW…",
            )
        seen.add(place)


def _sample(directory: Path, seed: int) -> Sample:
    if not directory.is_dir():
        what = "is a file, not a run directory" if directory.exists() else "does not exist"
        raise FmloadError(
            f"{directory} {what}", remedy="name directories that `fmload run` wrote; `ls reports` lists them"
        )
    run = read(directory)
    with judgeable(directory, what="a comparison"):
        prices = price_table(run.manifest["scenario"].get("prices") or {})
        report = summarise(run.manifest, run.recording, prices)
        likeness(run.manifest, run.manifest)  # reads what a comparison needs of a manifest
        return Sample(run.manifest, run.recording, report, prices, seed=seed, directory=str(directory))


def _all_faults(samples: Sequence[Sample]) -> Iterator[_Reason]:
    for sample in samples:
        yield from _faults(sample)


def _faults(sample: Sample) -> Iterator[_Reason]:
    """Why a run is not to be compared with any other."""
    name, status = sample.directory, sample.manifest.get("status")
    if status == "running":
        yield f"{name} was cut short: killed, or it still runs", _AGAIN
    elif status != "complete":
        yield f"{name} is not complete: {status}", _AGAIN
    if not sample.report.total.funnel.sent:
        yield f"{name} sent no request", _AGAIN
    validity = sample.report.validity
    if validity.verdict == "invalid":
        for reason in validity.reasons:
            if reason.verdict == "invalid":
                yield f"{name} is invalid: {reason.message}", "mend what it names and run it again"


def _unlike(other: Sample, found: Likeness) -> Iterator[_Reason]:
    for one in found.unlike:
        yield f"{other.directory} asked something else: {one}", "run both with the same scenario and flags"


def _protocols(app: Sample, model: Sample) -> Iterator[_Reason]:
    """An attribution is of an app against a model; the wrong way round it would be negative."""
    through, straight = (str(one.manifest["scenario"]["target"]["protocol"]) for one in (app, model))
    fix = "fmload compare --attribute APP_RUN MODEL_RUN: first --protocol ws, rest or sse, then bedrock or openai"
    if through not in ("ws", "rest", "sse"):
        yield f"{app.directory} ran with protocol {through}: straight at a model, not through an app", fix
    if straight not in ("bedrock", "openai"):
        yield f"{model.directory} ran with protocol {straight}: through an app, not straight at a model", fix


def _require(reasons: Sequence[_Reason], *, is_forced: bool) -> None:
    if not reasons or is_forced:
        return
    said = "\n".join(f"  - {message}" for message, _ in reasons)
    remedies = [*dict.fromkeys(remedy for _, remedy in reasons), _FORCE]
    raise FmloadError(f"these runs can't be compared:\n{said}", remedy="\n  ".join(remedies))


def _forced(reasons: Sequence[_Reason]) -> tuple[str, ...]:
    return tuple(message for message, _ in reasons)
