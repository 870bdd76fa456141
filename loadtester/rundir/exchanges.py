"""exchanges.ndjson: the exchanges that a run kept, one a line, as they ended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from loadtester.errors import FmloadError
from loadtester.recorder.exchanges import Exchange, chosen

NAME: Final = "exchanges.ndjson"

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Exchange)


def line(exchange: Exchange) -> bytes:
    """The line of one exchange, with its line end."""
    return _ENCODER.encode(exchange) + b"\n"


def read_exchanges(directory: Path, manifest: Mapping[str, Any]) -> tuple[Exchange, ...]:
    """The exchanges of a run, in order of when they were due; nothing where none were kept.

    Each worker keeps as many as the run was to keep: what is over is left out here, and so is a last line cut short.
    Raises FmloadError naming a line that is broken before that.
    """
    path, found = directory / NAME, []
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    for number, one in enumerate(raw.splitlines(keepends=True), start=1):
        if one.endswith(b"\n"):
            try:
                found.append(_DECODER.decode(one))
            except ValueError as error:
                raise _broken(path, f"line {number}: {error}") from error
    return chosen(found, keep_of(manifest))


def keep_of(manifest: Mapping[str, Any]) -> int:
    """How many failing exchanges a run was to keep; runs of earlier versions kept none."""
    return int(manifest["scenario"].get("output", {}).get("keep") or 0)


def _broken(path: Path, reason: str) -> FmloadError:
    return FmloadError(f"{path} cannot be read: {reason}", remedy="was it edited or copied in part?")
