"""One row of the table of everything that can be set."""

from __future__ import annotations

from dataclasses import dataclass

from loadtester.scenario.defaults import DEFAULTS, Default
from loadtester.scenario.kinds import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can be set.

    `path` is its key in a scenario file, dotted through the section, and what `resolve` takes for flags. `attribute` is
    the place in Scenario that it ends up at, "" where it has none. `flag` is how the command line calls it, `variable`
    the environment; None where they can't set it.
    """

    path: str
    kind: Kind
    help: str
    attribute: str
    flag: str | None = None
    variable: str | None = None

    @property
    def default(self) -> Default:
        """What holds where nothing is said."""
        return DEFAULTS[self.path]

    @property
    def label(self) -> str:
        """What a message calls the field on the command line."""
        return self.flag or self.path


def field(path: str, kind: Kind, words: str, *, flag: str | None = None, attribute: str | None = None) -> Field:
    """A row; its variable is FMLOAD_ and the flag's name, or the key's where there is no flag."""
    plain = (flag or path).removeprefix("--").replace("-", "_").replace(".", "_").upper()
    return Field(path, kind, words, attribute or path, flag, f"FMLOAD_{plain}")
