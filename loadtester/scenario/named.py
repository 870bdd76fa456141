"""The scenarios that come with fmload, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from loadtester.errors import Exit
from loadtester.scenario.document import read
from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.redact import quoted
from loadtester.scenario.suggestion import one_of

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def scenarios_directory() -> Path:
    """Where they lie: in the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "scenarios"
    return installed if installed.is_dir() else _PACKAGE.parent / "scenarios"


def names() -> list[str]:
    """Their names, sorted."""
    return sorted(path.stem for path in scenarios_directory().glob("*.yaml"))


def named_scenarios() -> list[tuple[str, str]]:
    """Name and one-line description of each, sorted by name."""
    return [(name, _description(scenario_path(name))) for name in names()]


def scenario_path(name: str) -> Path:
    """The file of the scenario of that name, whether there is one or not."""
    return scenarios_directory() / f"{name}.yaml"


def shown(path: Path) -> str:
    """A scenario's file as messages and origins call it: its name alone where it came with fmload."""
    return path.name if path.parent == scenarios_directory() else str(path)


def find(given: str | Path, spot: Spot) -> Path | None:
    """The file that a scenario's name or path means; None, with the fault recorded, where a name means none.

    A bare word is the name of a scenario, or else a file of the working directory; anything with a folder or a YAML
    suffix is a path, which is there or not.
    """
    path = Path(given).expanduser()
    word = str(given)
    if isinstance(given, Path) or path.name != word or path.suffix in (".yaml", ".yml"):
        return path
    if word in names():
        return scenario_path(word)
    if path.is_file():
        return path
    spot.fault(0, f"there is no scenario {quoted(word)}", one_of(word, names()) + ", or name a file", Exit.USAGE)
    return None


def _description(path: Path) -> str:
    faults = Faults()
    root = read(path, faults)
    faults.raise_if_any()
    entry = root.data.get("description") if root is not None and isinstance(root.data, dict) else None
    return entry.data if entry is not None and isinstance(entry.data, str) else ""
