"""A suite: scenarios that are run one after another, each as it is or with other values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from loadtester.errors import PRECEDENCE, Exit, FmloadError
from loadtester.scenario import kinds, named, sources
from loadtester.scenario.document import Value, read
from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.fields import BY_PATH, SECTIONS
from loadtester.scenario.redact import quoted
from loadtester.scenario.resolve import resolve
from loadtester.scenario.scenario import Scenario
from loadtester.scenario.sources import Layer
from loadtester.scenario.suggestion import one_of

#: Keys of an entry that are not those of a scenario file.
_OWN: Final = ("scenario", "name", "gate")
_KEYS: Final = ("description", "scenarios")
_GATE: Final = kinds.boolean()
_REMEDY: Final = "docs/nightly.md shows how a suite is written; nothing was sent"


@dataclass(frozen=True, slots=True)
class Entry:
    """One scenario of a suite, ready to run. Where it is no `gate`, thresholds that fail don't fail the suite."""

    scenario: Scenario
    is_gate: bool

    @property
    def name(self) -> str:
        """What its run is called."""
        return self.scenario.output.name


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite by its name; every entry's name is its own."""

    name: str
    entries: tuple[Entry, ...]


def suites_directory() -> Path:
    """Where the suites lie that come with fmload."""
    return named.scenarios_directory() / "suites"


def suite_names() -> list[str]:
    """Their names, sorted."""
    return sorted(path.stem for path in suites_directory().glob("*.yaml"))


def read_suite(given: str, flags: Mapping[str, object], environ: Mapping[str, str]) -> Suite:
    """The suite of that name, or in that file; `flags` and `environ` hold for all of its scenarios.

    Raises FmloadError with all faults of the suite and of its scenarios at once: INPUT for files, USAGE for the rest.
    """
    faults = Faults()
    path = _find(given, faults)
    if path is None:
        faults.raise_if_any()
        raise AssertionError("a suite that is not found is a fault")
    shown = path.name if path.parent == suites_directory() else str(path)
    drafts = _drafts(path, shown, faults)
    # A scenario named by FMLOAD_SCENARIO is not one of the suite.
    variables = {name: text for name, text in environ.items() if name != sources.SCENARIO_VARIABLE}
    errors: list[FmloadError] = []
    entries = []
    for draft in drafts:
        try:
            entries.append(draft.entry(flags, variables))
        except FmloadError as error:
            errors.append(error)
    _raise_all(faults, errors)
    return Suite(path.stem, tuple(entries))


@dataclass(slots=True)
class _Draft:
    """An entry as it is written: the file of its scenario, and what the suite says of it."""

    path: Path
    name: str
    is_gate: bool
    spot: Spot
    line: int
    said: Mapping[str, Value] = field(default_factory=dict)

    def entry(self, flags: Mapping[str, object], environ: Mapping[str, str]) -> Entry:
        """Resolve it. Raises FmloadError with all of its faults."""
        scenario = resolve(flags, file=self.path, environ=environ, suite=self._layer)
        return Entry(replace(scenario, output=replace(scenario.output, name=self.name)), self.is_gate)

    def _layer(self, faults: Faults) -> Layer:
        return sources.from_suite(self.said, replace(self.spot, faults=faults))


def _find(given: str, faults: Faults) -> Path | None:
    path = Path(given).expanduser()
    if path.name != given or path.suffix in (".yaml", ".yml") or (given not in suite_names() and path.is_file()):
        return path
    if given in suite_names():
        return suites_directory() / f"{given}.yaml"
    fix = one_of(given, suite_names()) + ", or name a file"
    Spot(faults, "SUITE").fault(0, f"there is no suite {quoted(given)}", fix)
    return None


def _drafts(path: Path, shown: str, faults: Faults) -> list[_Draft]:
    root = read(path, faults, shown=shown)
    if root is None:
        return []
    spot = Spot(faults, "", shown, path.parent)
    table = kinds.mapping(root, spot, "`scenarios:` at the start of a line")
    if table is None:
        return []
    kinds.unknown_keys(table, _KEYS, spot)
    listed = table.get("scenarios")
    if listed is None or not isinstance(listed.data, list) or not listed.data:
        line = root.line if listed is None else listed.line
        spot.inside(".scenarios").fault(line, "a suite needs scenarios", "list at least one: `scenarios: [smoke]`")
        return []
    return list(_distinct(_draft(value, spot.inside(f".scenarios[{i}]")) for i, value in enumerate(listed.data)))


def _draft(value: Value, spot: Spot) -> _Draft | None:
    """One entry: a scenario's name or file, or a mapping with `scenario:` and what is to be otherwise."""
    table = {"scenario": value} if isinstance(value.data, str) else value.data
    if not isinstance(table, Mapping):
        spot.fault(value.line, f"is {value.noun()}", "write a scenario's name, or a mapping with `scenario:`")
        return None
    own, said = _parted(table, spot)
    base = own.get("scenario")
    if base is None or not isinstance(base.data, str):
        spot.fault(value.line, "does not say which scenario", "write `scenario:` and its name or file")
        return None
    gate = own.get("gate")
    is_gate = True if gate is None else _GATE.read(gate, spot.inside(".gate"))
    path = _scenario_path(base, spot)
    given = own.get("name")
    if given is not None and not isinstance(given.data, str):
        spot.inside(".name").fault(given.line, f"is {given.noun()}", "write a name, such as load-short")
        return None
    if path is None or is_gate is None:
        return None
    name = str(given.data) if given is not None else path.stem
    return _Draft(path, name, is_gate, spot, value.line, said)


def _parted(table: Mapping[str, Value], spot: Spot) -> tuple[dict[str, Value], dict[str, Value]]:
    """What is the entry's own, and what is a scenario's; a key that is neither is put on record."""
    own = {key: entry for key, entry in table.items() if key in _OWN}
    tops = {path for path in BY_PATH if "." not in path and path != "description"}
    said = {key: entry for key, entry in table.items() if key in tops or key in SECTIONS}
    for key, entry in table.items():
        if key not in own and key not in said:
            spot.inside(f".{key}").fault(entry.line, "unknown key", one_of(key, [*_OWN, *SECTIONS, *sorted(tops)]))
    return own, said


def _scenario_path(base: Value, spot: Spot) -> Path | None:
    """The file of a scenario; a path starts at the suite's folder."""
    word = str(base.data)
    path = Path(word).expanduser()
    if path.name == word and path.suffix not in (".yaml", ".yml"):
        if word in named.names():
            return named.scenario_path(word)
        fix = one_of(word, named.names()) + ", or name a file"
        spot.fault(base.line, f"there is no scenario {quoted(word)}", fix, Exit.INPUT)
        return None
    return spot.base / path


def _distinct(drafts: Iterator[_Draft | None]) -> Iterator[_Draft]:
    """Those that can be read; a name that is there already is put on record."""
    first: dict[str, _Draft] = {}
    for draft in drafts:
        if draft is None:
            continue
        if draft.name in first:
            what = f"the name {quoted(draft.name)} is taken (line {first[draft.name].line})"
            draft.spot.fault(draft.line, what, "give this one another `name:`, by which its runs are followed")
        first.setdefault(draft.name, draft)
        yield draft


def _raise_all(faults: Faults, errors: list[FmloadError]) -> None:
    """Raise one error of all that was found, each fault once: scenarios share the environment and the flags."""
    codes = [code for code, _ in faults.found] + [error.code for error in errors]
    if not codes:
        return
    lines = [text for _, text in faults.found]
    for error in errors:
        lines += [line for line in error.message.splitlines() if not line.endswith(" faults:")]
    lines = list(dict.fromkeys(lines))
    code = min(codes, key=PRECEDENCE.index)
    raise FmloadError(
        lines[0] if len(lines) == 1 else f"{len(lines)} faults:\n" + "\n".join(lines), remedy=_REMEDY, code=code
    )
