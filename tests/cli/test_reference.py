"""docs/cli-reference.md is the command line's own account of itself."""

from __future__ import annotations

import re
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command

from loadtester.cli.app import app
from loadtester.cli.reference import page

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli-reference.md"


def test_the_page_is_the_command_line():
    """`python -m loadtester.cli.reference > docs/cli-reference.md` writes it anew."""
    assert _without_arguments(DOCUMENT.read_text("utf-8")) == _without_arguments(page())


def _without_arguments(text):
    """Without what is said of arguments: Typer 0.20 does not tell it."""
    return re.sub(r"(?<=^\| Arguments \| \|\n\|---\|---\|\n)(?:\|.*\n)+", "", text, flags=re.MULTILINE)


def test_every_verb_and_option_is_there():
    """Each verb has a heading, each of its options a row."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    text = page()
    for name, verb in root.commands.items():
        section = text.partition(f"\n## fmload {name}\n")[2].partition("\n## ")[0]
        assert section
        for param in verb.params:
            if param.param_type_name == "option":
                assert param.opts[-1] in section
