"""The commands on the project's pages are ones that fmload takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from loadtester.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def _commands(page):
    """The words of each line of code that calls fmload, without comments, pipes and redirections."""
    for block in re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("fmload "):
                yield re.split(r"\s{3,}|\s[|>#]\s", line)[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_uses_verbs_and_flags_that_are_there(page):
    """A page that names a flag which is gone, or never was, is mended with it."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    own = {"--version", "--help", "-h", "--install-completion", "--show-completion"}
    for line in _commands(page):
        _program, verb, *words = shlex.split(line)
        if verb in own:
            continue
        known = {flag for param in root.commands[verb].params for flag in (*param.opts, *param.secondary_opts)}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known | own, line
