"""Advice on the bill: the command that it names is run, and finds what was said."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from loadtester.analysis import summarise
from loadtester.cli.app import app
from loadtester.cost import price_table
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval, recording
from loadtester.rundir import SCHEMA, timeline
from loadtester.scenario.mix import HAIKU, SONNET

OK = Cell(count=90, sent=90, in_slo=90, input=9_000, output=9_000)
DEAR = Cell(count=10, sent=10, in_slo=10, input=1_000, output=5_000)


def _key(query, model, outcome=Outcome.OK):
    return CellKey(query, "ai", model, model, outcome)


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """The report of a run of ninety lookups and ten tales, which is kept where its advice says."""
    monkeypatch.chdir(tmp_path)

    def make(cells, *, daily_messages=1_000):
        sent = sum(cell.sent for cell in cells.values())
        manifest = {
            "schema": SCHEMA,
            "id": "night",
            "status": "complete",
            "started_at": "2026-11-21T07:30:05+00:00",
            "elapsed_s": 1.0,
            "plan": {"requests": sent, "duration_s": 1.0},
            "scenario": {
                "judge": {"slo_s": 3.0, "daily_messages": daily_messages},
                "mix": [{"name": "lookup", "share": 0.9}, {"name": "tale", "share": 0.1}],
                "max_tokens": 1024,
                "load": {"timeout_s": 30.0},
                "prices": {},
            },
        }
        second = Interval(0, planned=sent, sent=sent, cells=cells)
        directory = tmp_path / "reports" / "night"
        directory.mkdir(parents=True)
        (directory / "manifest.json").write_text(json.dumps(manifest))
        (directory / "timeline.ndjson").write_text(timeline.line(second))
        return summarise(manifest, recording([second]), price_table({}))

    return make


def _advice(report, code):
    return {advice.code: advice for advice in report.advice}[code]


def _checked(advice, *flags):
    words = shlex.split(advice.check)
    assert words[0] == "fmload"
    return CliRunner().invoke(app, [*words[1:], *flags])


@pytest.mark.parametrize(
    ("input_tokens", "daily_messages", "said"),
    [
        (9_000, 12_000_000, "answers of "),
        (9_000, 20_000_001, "answers of "),
        (900_000, 12_000_000, "prompts and answers"),
        (9_000, 1_000_000_000_000, "prompts and answers"),
    ],
)
def test_the_month_comes_under_the_limit(judged, input_tokens, daily_messages, said):
    """Shorter answers by what is really needed, prompts too where answers alone can't: the check passes, just."""
    cells = {
        _key("lookup", HAIKU): Cell(count=90, sent=90, in_slo=90, input=input_tokens, output=9_000),
        _key("tale", SONNET): DEAR,
    }
    report = judged(cells, daily_messages=daily_messages)
    advice = _advice(report, "bill")
    assert said in advice.change
    done = _checked(advice, "--json")
    assert done.exit_code == 0, done.exception
    month = float(json.loads(done.stdout)["combined"]["month_usd"]["usd"])
    assert 0.9 * 50_000 < month <= 50_000


def test_one_query_type_that_carries_the_bill(judged):
    """Its own tokens at the cheaper model's list price, and a check that moves that type alone and finds the same."""
    advice = _advice(judged({_key("lookup", HAIKU): OK, _key("tale", SONNET): DEAR}), "dear_query")
    assert advice.evidence["query"] == "tale"
    assert HAIKU in advice.change
    whole = json.loads(_checked(advice, "--json").stdout)
    saved = float(whole["combined"]["saves_month_usd"]) / float(whole["now"]["month_usd"]["usd"])
    assert saved == pytest.approx(advice.at_stake, rel=1e-9)
    now = 90 * (100 * 0.25 + 100 * 1.25) + 10 * (100 * 3 + 500 * 15)
    assert saved == pytest.approx(10 * (100 * 2.75 + 500 * 13.75) / now)


def test_a_type_whose_model_is_the_cheapest_is_left(judged):
    """Nothing is saved by the model that it has."""
    report = judged({_key("lookup", HAIKU): OK, _key("tale", HAIKU): Cell(count=10, sent=10, in_slo=10, output=50_000)})
    assert "dear_query" not in {advice.code for advice in report.advice}


def test_answers_that_nobody_could_use_were_paid_for(judged):
    """Part of the bill, in USD, and where to see it by outcome."""
    cut = Cell(count=100, sent=100, in_slo=0, input=10_000, output=90_000)
    advice = _advice(judged({_key("lookup", HAIKU): OK, _key("lookup", HAIKU, Outcome.FILTERED): cut}), "wasted")
    assert advice.at_stake > 0.3
    assert "reports/night" in advice.check


def test_no_good_answer_projects_nothing(judged):
    """A run whose answers all came late has a bill, but no day and no month."""
    cost = judged({_key("lookup", HAIKU): Cell(count=90, sent=90, input=9_000, output=9_000)}).total.cost
    assert cost.run
    assert (cost.daily, cost.monthly, cost.monthly_if_all_answered, cost.daily_messages) == (None, None, None, None)
