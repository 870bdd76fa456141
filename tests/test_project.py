"""The project keeps its own rules: what the tools can't see."""

import io
import re
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from loadtester.analysis import summarise
from loadtester.analysis.quotas.calls import call_log
from loadtester.cost import price_table
from loadtester.reporters import print_summary
from loadtester.rundir import read, request_lines

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("loadtester/**/*.py"), *ROOT.glob("target_app/**/*.py")])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_noun(path):
    """No file is longer than 400 lines, and none has a name that says nothing."""
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def test_every_document_that_is_linked_is_there():
    """Links between the project's pages lead somewhere."""
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_nothing_points_outside_the_project():
    """No tracked file names a place that only one machine has."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    here = Path(__file__).name
    for name in filter(None, files):
        path = ROOT / name
        if path.is_file() and path.name != here and path.suffix not in {".gz", ".hlog"}:
            text = path.read_text("utf-8", "replace")
            assert "../shared" not in text, name
            assert not re.search(r"(?<![\w.$])/(work|root|home/\w+)/", text), name


def test_the_docs_show_the_example_run():
    """The summary in docs/example.md is what `fmload report reports/example` prints, but for the prices' version."""
    run = read(ROOT / "reports" / "example")
    out = io.StringIO()
    report = summarise(
        run.manifest,
        run.recording,
        price_table({}),
        call_log(request_lines(run.directory)),
        directory="reports/example",
    )
    print_summary(report, Console(file=out, width=80, no_color=True))
    shown = re.search(r"<!-- sample -->\n```\n(.*?)```", (ROOT / "docs" / "example.md").read_text(), re.DOTALL).group(1)

    def lines(text):
        return [line for line in text.splitlines() if "prices:" not in line and "price change" not in line]

    assert lines(shown) == lines(out.getvalue())
