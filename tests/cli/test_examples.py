"""Examples under the help are commands that the verbs take."""

from __future__ import annotations

import shlex

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from loadtester.cli.app import app
from loadtester.cli.examples import EXAMPLES


def test_every_verb_that_takes_anything_has_examples():
    """Only verbs without options or arguments have none."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    verbs = {name for name, verb in root.commands.items() if verb.params}
    assert set(EXAMPLES) == verbs


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_uses_flags_that_are_there(line):
    """Each word that begins with a dash is an option of that verb."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    program, verb, *words = shlex.split(line.partition(" > ")[0])
    known = {flag for param in root.commands[verb].params for flag in (*param.opts, *param.secondary_opts)}
    assert program == "fmload"
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("verb", list(EXAMPLES))
def test_help_shows_them(verb):
    """`fmload VERB --help` ends with the examples, whole."""
    shown = " ".join(CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [verb, "--help"]).output.split())
    for line in EXAMPLES[verb]:
        assert line in shown
