"""docs/cli-reference.md: every verb with its arguments, options and examples, read off the command line itself.

`python -m loadtester.cli.reference` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from loadtester.cli.app import app
from loadtester.cli.examples import EXAMPLES

_HEAD = """# Command line reference

Made from the command line itself by `python -m loadtester.cli.reference`; `fmload VERB --help` says the same.
What exit codes and the files of a run mean is in [cli.md](cli.md), scenario files are in [scenarios.md](scenarios.md).
"""
_OPTIONS = "Options"


def page() -> str:
    """The page, as Markdown."""
    root = typer.main.get_command(app)
    if not isinstance(root, TyperGroup):
        raise TypeError("the command line is a group of verbs")
    lines = [_HEAD]
    for name, verb in root.commands.items():
        if isinstance(verb, TyperCommand) and not verb.hidden:
            lines += _verb(f"fmload {name}", verb)
    return "\n".join(lines)


def _verb(name: str, verb: TyperCommand) -> Iterator[str]:
    arguments = [param for param in verb.params if isinstance(param, TyperArgument)]
    places = "".join(f" [{_place(param)}]" if not param.required else f" {_place(param)}" for param in arguments)
    yield f"## {name}\n"
    yield f"{(verb.help or '').strip()}\n"
    yield f"```\n{name} [OPTIONS]{places}\n```\n"
    examples = EXAMPLES.get(name.removeprefix("fmload "), ())
    if examples:
        yield "\n".join(("```", *examples, "```\n"))
    rows = [("", _place(param), getattr(param, "help", None)) for param in arguments]
    rows += [
        (getattr(param, "rich_help_panel", None) or _OPTIONS, _flags(param), param.help)
        for param in verb.params
        if isinstance(param, TyperOption) and not param.hidden
    ]
    panels = dict.fromkeys(panel for panel, _flag, _help in rows)
    for panel in panels:
        yield f"| {panel or 'Arguments'} | |\n|---|---|"
        yield from (f"| `{_cell(flag)}` | {_cell(words or '')} |" for other, flag, words in rows if other == panel)
        yield ""


def _place(param: TyperArgument) -> str:
    return param.metavar or (param.name or "").upper()


def _flags(param: TyperOption) -> str:
    names = ", ".join(param.opts) + "".join(f" / {name}" for name in param.secondary_opts)
    if param.is_flag:
        return names
    choices = type(param.default) if isinstance(param.default, Enum) else ()
    return f"{names} {param.metavar or '|'.join(str(choice.value) for choice in choices) or 'TEXT'}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
