"""An index of all runs under a directory, made from their manifests and summaries; its file is only a cache."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from loadtester.errors import Exit, FmloadError
from loadtester.rundir.writer import SCHEMA

#: The cache beside the run directories; it can be deleted at any time.
CACHE: Final = "history.jsonl"
#: In the directory of a night, and of a search: they hold no run of their own.
NIGHT: Final = "night.json"
SEARCH: Final = "search.json"
#: Of the cache's lines; another one is made anew.
_LAYOUT: Final = 1
#: Larger than any summary; a file of this size is none of ours.
_MOST_BYTES: Final = 32 << 20

#: What decides which requests are sent, and to what: two runs that agree on it can be compared.
_WORKLOAD: Final = ("load", "target", "mix", "max_tokens", "judge")
#: What changes how a run is carried out or judged, but not what is asked of the target and counts as good.
_INSTRUMENT: Final = frozenset(
    {"workers", "is_stopped_when_saturated", "graceful_stop_s", "client", "headers", "ca_file", "daily_messages"}
    | {"thresholds", "is_aborting", "abort_delay_s", "is_strict"}
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One run as its manifest and summary tell of it. `figures` are by name, None where there was nothing to measure.

    `workload` is a digest of what was asked of which target; `stamp` tells whether the files have changed since.
    """

    directory: str
    name: str
    target: str
    started_at: datetime
    status: str
    verdict: str
    held: bool
    exit_code: int
    duration_s: float
    workload: str
    figures: dict[str, float | None]
    by_kind: dict[str, dict[str, float | None]]
    stamp: tuple[int, ...]

    @property
    def is_good(self) -> bool:
        """Whether it may be what later runs are compared with: valid, complete, and all its thresholds held."""
        return self.verdict == "valid" and self.status == "complete" and self.held


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that may have no summary yet: what it is called, when it began, and the digest of what it asked."""

    directory: str
    name: str
    workload: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Skipped:
    """A directory that is no run that could be read, and why."""

    directory: str
    reason: str


@dataclass(frozen=True, slots=True)
class History:
    """All runs under `root`, the oldest first, and what was left out."""

    root: Path
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]
    #: Why the cache could not be written; the history is whole all the same.
    cache_fault: str | None = None


def history(root: Path) -> History:
    """Read all run directories under `root`; what the cache knows, and nobody has touched, is taken from there.

    Raises FmloadError where there is no such directory. A directory that can't be read is skipped, with the reason.
    """
    directories = _directories(root)
    known = _cached(root / CACHE)
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for directory in directories:
        try:
            stamp = _stamp(directory)
            past = known.get(directory.name)
            entries.append(past if past is not None and past.stamp == stamp else entry_of(directory))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            skipped.append(Skipped(directory.name, _reason(directory, error)))
    entries.sort(key=lambda entry: (entry.started_at, entry.directory))
    fault = None if {entry.directory: entry for entry in entries} == known else _keep(root / CACHE, entries)
    return History(root, tuple(entries), tuple(skipped), fault)


def entry_of(directory: Path) -> Entry:
    """What a run directory tells. Raises OSError, ValueError, TypeError or KeyError where it tells no such thing."""
    stamp = _stamp(directory)
    manifest, summary = _object(directory / "manifest.json"), _object(directory / "summary.json")
    if manifest.get("schema") != SCHEMA:
        raise ValueError(f"manifest.json: schema {manifest.get('schema')!r} is not the one this version reads")
    codes = [int(code) for code in summary["run"]["exit_codes"]]
    verdicts = {str(one["verdict"]) for one in summary.get("thresholds") or ()}
    return Entry(
        directory=directory.name,
        name=str(manifest["name"]),
        target=str(manifest["target"]),
        started_at=_moment(manifest["started_at"]),
        status=str(manifest["status"]),
        verdict=str(summary["validity"]["verdict"]),
        held=Exit.THRESHOLD not in codes and not verdicts & {"fail", "no_data"},
        exit_code=int(summary["run"]["exit_code"]),
        duration_s=_number(summary["run"], "elapsed_s") or 0.0,
        workload=workload_of(manifest["scenario"]),
        figures=_figures(summary),
        by_kind={str(kind): _figures(part) for kind, part in summary["by"]["kind"].items()},
        stamp=stamp,
    )


def asked_of(directory: Path, manifest: Mapping[str, Any]) -> Asked:
    """What a run's manifest says that it asked. Raises KeyError, TypeError or ValueError where it doesn't say."""
    return Asked(
        directory.name,
        str(manifest["name"]),
        workload_of(manifest["scenario"]),
        _moment(manifest["started_at"]),
    )


def latest_good(entries: Iterable[Entry], like: Entry | Asked) -> Entry | None:
    """The last good run before `like` of the same name that asked the same of the same target."""
    good = [
        entry
        for entry in entries
        if entry.is_good
        and (entry.name, entry.workload) == (like.name, like.workload)
        and (entry.started_at, entry.directory) < (like.started_at, like.directory)
    ]
    return max(good, key=lambda entry: (entry.started_at, entry.directory), default=None)


def workload_of(scenario: Mapping[str, Any]) -> str:
    """A digest of what a manifest's scenario asks, and of what; how it is carried out is left out."""
    is_bundled = scenario["target"]["url"] is None and scenario["target"]["endpoint_url"] is None
    asked = {name: scenario[name] for name in (*_WORKLOAD, *(("bundled",) if is_bundled else ()))}
    plain = {
        name: {key: value for key, value in part.items() if key not in _INSTRUMENT} if isinstance(part, dict) else part
        for name, part in asked.items()
    }
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _directories(root: Path) -> list[Path]:
    try:
        with os.scandir(root) as found:
            names = sorted(entry.name for entry in found if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise FmloadError(
            f"{root} cannot be listed: {error.strerror or error}",
            remedy="name the directory that run directories go to (--out of `fmload run`), by default reports/",
        ) from error
    return [root / name for name in names if not any((root / name / own).exists() for own in (NIGHT, SEARCH))]


def _figures(part: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures that are followed from run to run; also of a part of the traffic."""
    return {
        "requests": _number(part, "funnel", "sent"),
        "latency_p50_s": _number(part, "latency_s", "p50"),
        "latency_p95_s": _number(part, "latency_s", "p95"),
        "ttft_p95_s": _number(part, "ttft_s", "p95"),
        "throttle_rate": _number(part, "rates", "throttle_rate"),
        "error_rate": _number(part, "rates", "error_rate"),
        "sla": _number(part, "rates", "sla"),
        "goodput_per_s": _number(part, "rates", "goodput_per_s"),
        "usd": _number(part, "cost_usd", "run"),
        "usd_per_good_answer": _number(part, "cost_usd", "per_good_answer"),
    }


def _number(values: Mapping[str, Any], *path: str) -> float | None:
    """The number at a path; None where there is none, or something else."""
    found: Any = values
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
    return float(found) if is_number else None


def _object(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{path.name} is larger than {_MOST_BYTES >> 20} MiB")
    try:
        found = json.loads(data)
    except ValueError as error:
        raise ValueError(f"{path.name} is not whole JSON") from error
    if not isinstance(found, dict):
        raise TypeError(f"{path.name} holds no object")
    return found


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _stamp(directory: Path) -> tuple[int, ...]:
    stats = [(directory / name).stat() for name in ("manifest.json", "summary.json")]
    return tuple(figure for stat in stats for figure in (stat.st_mtime_ns, stat.st_size))


def _reason(directory: Path, error: Exception) -> str:
    """Why a directory is left out, in words that say what can be done."""
    if isinstance(error, FileNotFoundError):
        if not (directory / "manifest.json").exists():
            return "no run directory: it has no manifest.json"
        return f"no summary yet: it still runs, or was killed (then `fmload report {directory}` makes one)"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    if isinstance(error, KeyError):
        return f"not written by this version of fmload: it has no {error.args[0]!r}"
    return str(error) or type(error).__name__


def _cached(path: Path) -> dict[str, Entry]:
    """What the cache holds, by directory; lines that were cut, or are of another layout, are passed over."""
    decoder = msgspec.json.Decoder(tuple[int, Entry])
    known: dict[str, Entry] = {}
    for line in _lines(path):
        with suppress(msgspec.DecodeError, ValueError, RecursionError):
            layout, entry = decoder.decode(line)
            if layout == _LAYOUT:
                known[entry.directory] = entry
    return known


def _lines(path: Path) -> Iterator[bytes]:
    try:
        yield from path.read_bytes().splitlines()
    except OSError:
        return


def _keep(path: Path, entries: Iterable[Entry]) -> str | None:
    """Put a new cache in the place of the old one, whole: of several writers the last one's stays. Why not, if not."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        beside.write_bytes(b"".join(msgspec.json.encode((_LAYOUT, entry)) + b"\n" for entry in entries))
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        return f"{path} cannot be written: {error.strerror or error}"
    return None
