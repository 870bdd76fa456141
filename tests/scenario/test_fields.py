"""The table of fields is sound: one place for each thing that can be set."""

import ast
import dataclasses
from pathlib import Path
from typing import get_type_hints

import pytest

from loadtester.scenario import scenario as nouns
from loadtester.scenario.defaults import DEFAULTS
from loadtester.scenario.document import Value
from loadtester.scenario.faults import Faults, Spot
from loadtester.scenario.fields import BY_PATH, FIELDS, SECTIONS

RUN = Path(__file__).parent.parent.parent / "loadtester" / "cli" / "run.py"


def test_names_are_unique():
    """No two rows share a path, a flag, a variable or an attribute."""
    for names in (
        [field.path for field in FIELDS],
        [field.flag for field in FIELDS if field.flag],
        [field.variable for field in FIELDS if field.variable],
        [field.attribute for field in FIELDS if field.attribute],
    ):
        assert len(set(names)) == len(names)


def test_every_attribute_of_a_scenario_has_a_row():
    """What a Scenario holds can be set, and what can be set is held."""
    held = set()
    for name, kind in get_type_hints(nouns.Scenario).items():
        parts = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
        held |= {f"{name}.{part.name}" for part in parts} or {name}
    assert {field.attribute for field in FIELDS} - {"", "model"} == held - {"origins"}


@pytest.mark.parametrize("path", DEFAULTS)
def test_every_default_is_fit_and_argued(path):
    """A default is read by its own field without a fault, and has a reason."""
    text, reason = DEFAULTS[path]
    assert reason
    if text is not None:
        faults = Faults()
        assert BY_PATH[path].kind.read(Value(text), Spot(faults, path)) is not None
        assert not faults.found


def test_every_field_has_its_default_and_section():
    """Rows, defaults and sections are the same set."""
    assert set(DEFAULTS) == set(BY_PATH)
    assert {path.rpartition(".")[0] for path in BY_PATH} == {*SECTIONS, ""}


def test_the_run_commands_flags_are_rows():
    """Every path that `fmload run` hands over is a field's."""
    paths = {
        key.value
        for node in ast.walk(ast.parse(RUN.read_text("utf-8")))
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict) and ast.unparse(node.target) == "flags"
        for key in node.value.keys
    }
    assert len(paths) > 20
    assert paths <= set(BY_PATH)
