"""Recorded arrivals: a CSV file in the layout of the Azure LLM inference traces."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from loadtester.errors import FmloadError
from loadtester.schedule.arrivals import Arrivals

TIME: Final = "TIMESTAMP"
INPUT_TOKENS: Final = "ContextTokens"
OUTPUT_TOKENS: Final = "GeneratedTokens"
_COLUMNS: Final = (TIME, INPUT_TOKENS, OUTPUT_TOKENS)

#: Date from 1970 on, time to the second, up to nine decimals, and an offset from UTC, which is assumed without one.
_MOMENT: Final = re.compile(
    r"((?:19[7-9]\d|2[01]\d\d)-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
#: A model that reads more tokens than nine digits hold is not in any trace yet.
_TOKENS: Final = re.compile(r"0*[1-9]\d{0,8}", re.ASCII)

_FAULTS_SHOWN: Final = 10
#: So much of a wrong value is shown.
_SHOWN: Final = 40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: A trace that is all one instant still has a length, so that it has rates.
_SHORTEST_S: Final = 1.0
#: A replay longer than a year is a slip, in the speed or in one row's date.
_LONGEST_S: Final = 366 * 86400.0
_SPEED_MIN: Final = 1e-6
_SPEED_MAX: Final = 1e6


class Reader(Iterator[list[str]], Protocol):
    """What csv.reader gives; its own type has no public name."""

    line_num: int


class _Row(NamedTuple):
    at_ns: int
    input_tokens: int
    output_tokens: int


def read_trace(path: Path, *, speed: float, duration_s: float | None, requests: int | None) -> Arrivals:
    """The arrivals of a recorded trace, the first at 0, each a conversation of its own numbered in order of time.

    Args:
        path: CSV with the columns TIMESTAMP, ContextTokens and GeneratedTokens, in any order and among others. Rows
            may be out of order, as where several servers' logs were put together; they are sorted, and rows of one
            instant keep the file's order.
        speed: times are divided by it; 2 replays in half the time.
        duration_s: arrivals from then on, in seconds of the run, are left out.
        requests: so many arrivals at most.

    Returns:
        Arrivals with token counts. Their `duration_s` is the one given where the trace goes on after it, else the
        time of the last arrival (at least 1 s).

    Raises:
        FmloadError: the file can't be read or is no such trace; all bad rows together, up to ten, by line.
    """
    _require_sound(speed, duration_s, requests)
    rows = np.array(_rows(path), dtype=np.int64)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    past_s = (rows[:, 0] - rows[0, 0]) / (speed * 1e9)
    kept, length_s = len(rows), None
    if duration_s is not None and past_s[-1] >= duration_s:
        kept, length_s = int(np.searchsorted(past_s, duration_s, side="left")), duration_s
    if requests is not None and requests < kept:
        kept, length_s = requests, None
    _require_a_year_at_most(path, past_s[:kept])
    due_ns = np.rint((rows[:kept, 0] - rows[0, 0]) / speed).astype(np.int64)
    return _arrivals(due_ns, rows[:kept], length_s)


def _require_sound(speed: float, duration_s: float | None, requests: int | None) -> None:
    if not _SPEED_MIN <= speed <= _SPEED_MAX:
        raise FmloadError(f"trace speed is {speed}", remedy="Give a speed above 0, such as 1 or 2.")
    if duration_s is not None and not duration_s > 0:
        raise FmloadError(f"duration is {duration_s} s", remedy="Give a duration above 0, or none.")
    if requests is not None and requests < 0:
        raise FmloadError(f"requests is {requests}", remedy="Give a number of requests of 0 or more, or none.")


def _require_a_year_at_most(path: Path, past_s: NDArray[np.float64]) -> None:
    if len(past_s) and past_s[-1] > _LONGEST_S:
        raise FmloadError(
            f"trace {path} would take {past_s[-1] / 86400:,.0f} days",
            remedy="Raise the speed, give a duration, or look for a row with a wrong date.",
        )


def _arrivals(due_ns: NDArray[np.int64], rows: NDArray[np.int64], length_s: float | None) -> Arrivals:
    ids = np.arange(len(due_ns))
    last_s = float(due_ns[-1]) / 1e9 if len(due_ns) else 0.0
    return Arrivals(
        id=ids,
        due_ns=due_ns,
        session=ids,
        turn=np.ones(len(ids), dtype=np.int32),
        duration_s=max(last_s, _SHORTEST_S) if length_s is None else length_s,
        input_tokens=rows[:, 1].copy(),
        output_tokens=rows[:, 2].copy(),
    )


def _rows(path: Path) -> list[_Row]:
    """All rows of the file, of which there is at least one."""
    try:
        # A byte order mark is what spreadsheets put before UTF-8.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _sound(path, csv.reader(file, strict=True))
    except OSError as error:
        raise FmloadError(
            f"trace {path} can't be read: {error.strerror or error}", remedy="Check the path and its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise FmloadError(
            f"trace {path} is not UTF-8 text", remedy="Save it as plain CSV in UTF-8, not compressed."
        ) from error
    if not rows:
        raise FmloadError(
            f"trace {path} has no requests", remedy="Give a trace with at least one row below its header."
        )
    return rows


def _sound(path: Path, reader: Reader) -> list[_Row]:
    """All rows; raises one FmloadError for all that can't be read."""
    rows: list[_Row] = []
    faults: list[str] = []
    try:
        header = _header(path, next(reader, []))
        for fields in reader:
            if not fields:
                continue
            try:
                rows.append(_row(header, fields))
            except ValueError as error:
                faults.append(f"line {reader.line_num}: {error}")
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: not CSV from here on ({error})")
    if faults:
        raise _unreadable(path, faults)
    return rows


def _header(path: Path, names: list[str]) -> list[str]:
    header = [name.strip() for name in names]
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise FmloadError(
            f"trace {path}, line 1: no column {', '.join(missing)}; found {', '.join(header) or 'nothing'}",
            remedy=f"Begin the file with a header that names {', '.join(_COLUMNS)}.",
        )
    return header


def _row(header: list[str], fields: list[str]) -> _Row:
    if len(fields) != len(header):
        raise ValueError(f"{len(fields)} columns where the header has {len(header)}")
    cells = dict(zip(header, map(str.strip, fields), strict=True))
    return _Row(_moment_ns(cells[TIME]), _tokens(cells, INPUT_TOKENS), _tokens(cells, OUTPUT_TOKENS))


def _moment_ns(text: str) -> int:
    """Nanoseconds from 1970 on, exact."""
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)  # noqa: TRY301  the same fault as a 31st of June, below
        day, time, decimals, offset = match.groups(default="")
        second = datetime.fromisoformat(f"{day}T{time}{offset or 'Z'}")
    except ValueError:
        raise ValueError(f"{TIME} is {_shown(text)}, not a time like 2023-11-16 18:15:46.6805900") from None
    return (second - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int(decimals.ljust(9, "0"))


def _tokens(cells: Mapping[str, str], name: str) -> int:
    if _TOKENS.fullmatch(cells[name]) is None:
        raise ValueError(f"{name} is {_shown(cells[name])}, not a whole number from 1")
    return int(cells[name])


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _unreadable(path: Path, faults: list[str]) -> FmloadError:
    lines = faults[:_FAULTS_SHOWN]
    if len(faults) > _FAULTS_SHOWN:
        lines.append(f"and {len(faults) - _FAULTS_SHOWN:,} more")
    return FmloadError(
        "\n    ".join([f"trace {path}: rows that can't be read", *lines]),
        remedy="Mend these lines, or leave them out.",
    )
