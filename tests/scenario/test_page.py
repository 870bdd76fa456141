"""docs/scenarios.md is what the table of fields says."""

from pathlib import Path

from loadtester.scenario.fields import FIELDS
from loadtester.scenario.page import page

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "scenarios.md"


def test_the_document_is_current():
    """The page in docs/ is the one that the table makes; `python -m loadtester.scenario.page` prints it anew."""
    assert DOCUMENT.read_text("utf-8") == page()


def test_the_document_names_everything():
    """Every key, flag and variable is on the page."""
    text = page()
    for field in FIELDS:
        for name in (field.path.rpartition(".")[2], field.flag, field.variable):
            assert name is None or f"`{name}`" in text
