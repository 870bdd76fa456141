"""A page of a run with a warm-up: no figure has it in it, and where money and requests are added up it stands apart."""

import re
from dataclasses import replace

import pytest

from loadtester.analysis import summarise
from loadtester.analysis.over_time import over_time
from loadtester.cost import price_table
from loadtester.recorder import recording
from loadtester.reporters.html.course import course
from loadtester.reporters.html.funnel import funnel
from loadtester.reporters.html.money import money
from loadtester.reporters.html.parts import parts

BILL = ("of it for good answers", "wasted on others", "the warm-up, in no other figure", "this run")


@pytest.fixture
def run(seconds):
    """60 s of 10 requests, the first 20 s of them a warm-up."""
    return recording(
        replace(one, cells=None, counts=None, warm=one.cells, warm_planned=10, warm_sent=10) if one.second < 20 else one
        for one in seconds().intervals
    )


@pytest.fixture
def report(mix, run):
    manifest = mix("easy", "hard")
    manifest["scenario"]["load"]["warmup_s"] = 20.0
    return summarise(manifest, run, price_table({}))


def _rows(markup):
    """Each row's texts by its first one."""
    rows = re.findall(r"<tr>(.*?)</tr>", str(markup), re.DOTALL)
    texts = [[re.sub("<.*?>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]
    return {row[0]: row[1:] for row in texts if row}


def test_the_course_begins_after_it(run):
    """The caption's sums are those of the report, and say that there was a warm-up."""
    text = str(course(over_time(run)))
    assert "400 requests were planned and 400 sent" in text
    assert "Not the 200 of the warm-up." in text
    assert "those of the warm-up included" in text


def test_it_is_the_first_stage_and_no_failure(report):
    """The funnel begins with it, muted."""
    text = str(funnel(report))
    assert list(_rows(text))[1:3] == ["warm-up, in no figure below", "planned"]
    assert _rows(text)["warm-up, in no figure below"][:2] == ["200", ""]
    assert _rows(text)["planned"][:2] == ["400", "100.0%"]
    assert "fill-failed" not in text


def test_the_bill_adds_up(report):
    """This run is good answers, others and the warm-up; query types add up to what was measured."""
    first = {name: cells[0] for name, cells in _rows(money(report, None)).items()}
    usd = {name: float(first[name].removeprefix("$")) for name in BILL}
    good, wasted, warm_up, whole = usd.values()
    assert warm_up == pytest.approx(float(report.warmup.usd), abs=1e-4)
    assert whole == pytest.approx(good + wasted + warm_up, abs=2e-4)
    rows = _rows(parts(report))
    by_query = sum(float(rows[name][-1].removeprefix("$")) for name in ("easy", "hard"))
    assert by_query == pytest.approx(whole - warm_up, abs=2e-4)


def test_without_one_nothing_is_said_of_it(mix, seconds):
    """No row, and no word in the captions."""
    report = summarise(mix("easy", "hard"), seconds(), price_table({}))
    text = "".join(str(one) for one in (funnel(report), money(report, None), course(over_time(seconds()))))
    assert "warm" not in text
