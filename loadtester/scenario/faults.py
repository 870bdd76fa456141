"""Everything that is wrong with what the user gave, collected, so that it is said all at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtester.errors import PRECEDENCE, Exit, FmloadError
from loadtester.scenario.redact import mask

_REMEDY = "`fmload schema` describes every key of a scenario file; nothing was sent"


@dataclass(slots=True)
class Faults:
    """The faults found so far; owned by one call of `resolve`."""

    found: list[tuple[Exit, str]] = field(default_factory=list)

    def add(self, text: str, code: Exit) -> None:
        """Put a fault on record, once."""
        fault = (code, mask(text))
        if fault not in self.found:
            self.found.append(fault)

    def raise_if_any(self) -> None:
        """Raise one FmloadError that lists every fault; its code is the weightiest of theirs."""
        if not self.found:
            return
        code = min((code for code, _ in self.found), key=PRECEDENCE.index)
        lines = [text for _, text in self.found]
        raise FmloadError(
            lines[0] if len(lines) == 1 else f"{len(lines)} faults:\n" + "\n".join(lines),
            remedy=_REMEDY if any(code is Exit.INPUT for code, _ in self.found) else "",
            code=code,
        )


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that a value comes from: `name` is a key of `file`, or a flag or environment variable where file is None.

    `base` is where relative paths of input files start.
    """

    faults: Faults
    name: str
    file: str | None = None
    base: Path = Path()

    def inside(self, step: str) -> Spot:
        """The spot of a part: `.key` or `[index]`. Flags and variables quote the part instead."""
        return self if self.file is None else replace(self, name=f"{self.name}{step}".lstrip("."))

    def fault(self, line: int, what: str, fix: str, code: Exit | None = None) -> None:
        """Record `place: what; fix: …`; the code is INPUT for a file and USAGE otherwise, unless given."""
        place = self.name if self.file is None else f"{self.file}:{line}: {self.name}"
        usual = Exit.USAGE if self.file is None else Exit.INPUT
        self.faults.add(f"{place.removesuffix(': ')}: {what}; fix: {fix}", code or usual)
