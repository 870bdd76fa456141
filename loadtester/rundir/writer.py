"""Writes a run directory as the run goes, so that a run killed at any moment can be read up to its last second."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from loadtester.errors import Exit, FmloadError
from loadtester.recorder import COLUMNS, Interval, packed
from loadtester.rundir import exchanges, hlog, timeline

SCHEMA = 1

#: Histograms encoded in one step; each takes some 60 µs.
_LINES_A_STEP: Final = 4

#: Of a run's name in its directory's: file systems take 255, and a time and a number are added.
_NAME_BYTES: Final = 200


class Writer:
    """The only writer of a run directory; owns its open files until `close`.

    Raises FmloadError where the directory can't be made or written.
    """

    def __init__(self, directory: Path, manifest: Mapping[str, Any], started_at: datetime) -> None:
        self.directory = directory
        self._manifest = dict(manifest)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._hlog = (directory / "intervals.hlog").open("wb", buffering=0)
            self._timeline = (directory / "timeline.ndjson").open("wb", buffering=0)
            self._exchanges: BinaryIO | None = None
            self._requests = (directory / "requests.csv.gz").open("wb", buffering=0)
            _write(self._hlog, hlog.header(started_at.timestamp(), started_at.isoformat()).encode())
            _write(self._requests, packed([",".join(COLUMNS)]))
            self.update_manifest(status="running")
        except OSError as error:
            raise _unwritable(directory, error) from error

    def write(self, interval: Interval, rows: bytes) -> None:
        """Append one second, its rows gzipped. The timeline's line comes last: it says that the second is whole."""
        for _ in self.steps(interval, rows):
            pass

    def steps(self, interval: Interval, rows: bytes) -> Iterator[None]:
        """As `write`, but in steps of a fraction of a millisecond; another second may begin when it is exhausted."""
        lines = []
        for number, (series, counts) in enumerate((interval.counts or {}).items(), start=1):
            lines.append(hlog.log_line(interval.second, series, counts))
            if number % _LINES_A_STEP == 0:
                yield
        try:
            _write(self._requests, rows)
            _write(self._hlog, "".join(lines).encode())
            self._keep(interval)
            yield
            _write(self._timeline, timeline.line(interval).encode())
        except OSError as error:
            raise _unwritable(self.directory, error) from error

    def _keep(self, interval: Interval) -> None:
        """Append the exchanges that are kept; a run without any has no file of them."""
        if interval.exchanges:
            if self._exchanges is None:
                self._exchanges = (self.directory / exchanges.NAME).open("wb", buffering=0)
            _write(self._exchanges, b"".join(map(exchanges.line, interval.exchanges)))

    def update_manifest(self, **changes: Any) -> None:
        """Set fields of the manifest and put it in place whole."""
        self._manifest.update(changes)
        self.put("manifest.json", json.dumps(self._manifest, indent=2, ensure_ascii=False) + "\n")

    def put(self, name: str, text: str) -> None:
        """Write a derived file whole: beside its place first, then moved there."""
        put(self.directory, name, text)

    def close(self) -> None:
        """Close the appended files; the directory stays."""
        for file in (self._requests, self._hlog, self._timeline, self._exchanges):
            if file is not None:
                file.close()


def put(directory: Path, name: str, text: str | bytes | Iterable[bytes]) -> None:
    """Write a derived file of a run directory whole, or not at all; text in UTF-8, or bytes, also piece by piece.

    A byte of the command line that is not UTF-8 becomes a "?": an escape of it would be, in JSON, what it was before.
    """
    beside = directory / f".{name}.part"
    try:
        with beside.open("wb") as file:
            whole = text.encode("utf-8", "replace") if isinstance(text, str) else text
            file.writelines([whole] if isinstance(whole, bytes) else whole)
        beside.replace(directory / name)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise _unwritable(directory, error) from error


def new_directory(root: Path, name: str, now: datetime) -> Path:
    """Make a directory under `root` that nobody else has: start time and the run's name, numbered where taken.

    Raises FmloadError where it can't be made.
    """
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    safe = safe.encode()[:_NAME_BYTES].decode(errors="ignore")
    stem = f"{now.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}-{safe}"
    path, number = root / stem, 1
    while not _made(path):
        number += 1
        path = root / f"{stem}-{number}"
    return path


def _made(path: Path) -> bool:
    """Whether it was made now; False where something of that name is there."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def require_writable(root: Path) -> None:
    """Make sure, before any load is sent, that run directories can be made under `root`."""
    probe = root / f".fmload-{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _unwritable(root, error) from error


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _unwritable(path: Path, error: OSError) -> FmloadError:
    return FmloadError(
        f"cannot write {path}: {error.strerror or error}",
        remedy="free space there or choose another place with --out DIR",
        code=Exit.BUDGET if error.errno == 28 else Exit.INPUT,  # noqa: PLR2004  ENOSPC stops a run like a limit does
    )
