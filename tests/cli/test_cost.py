"""`fmload cost` as a person runs it."""

import csv
import gzip
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loadtester.cli.app import app
from loadtester.errors import Exit, FmloadError
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval
from loadtester.rundir import SCHEMA, timeline
from loadtester.scenario.mix import HAIKU, SONNET

ASSUMED = Path(__file__).parents[2] / "scenarios" / "assumptions" / "mangaassist.yaml"


def _cell(query, model, outcome, count, in_slo):
    key = CellKey(query, "ai", model, model, outcome)
    return key, Cell(count=count, sent=count, in_slo=in_slo, input=500 * count, output=200 * count)


def _run_directory(path, *, in_slo=1, seconds=60):
    path.mkdir()
    manifest = {
        "schema": SCHEMA,
        "id": "r",
        "started_at": "2026-11-21T07:30:05+00:00",
        "scenario": {
            "judge": {"daily_messages": 1_000_000},
            "mix": [{"name": "easy", "share": 0.7}, {"name": "hard", "share": 0.3}],
            "max_tokens": 1024,
            "prices": {},
            "target": {"region": "ap-northeast-1"},
        },
    }
    (path / "manifest.json").write_text(json.dumps(manifest))
    cells = dict([_cell("easy", HAIKU, Outcome.OK, 7, 7 * in_slo), _cell("hard", SONNET, Outcome.OK, 3, 3 * in_slo)])
    (path / "timeline.ndjson").write_text(
        "".join(timeline.line(Interval(second, planned=10, sent=10, cells=cells)) for second in range(seconds))
    )
    rows = ["query,answered_by,output_tokens", f"easy,{HAIKU},200", f"hard,{SONNET},100", f"hard,{SONNET},300"]
    (path / "requests.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    return path


@pytest.fixture
def directory(tmp_path):
    """A run of 60 s: 7 answers of Haiku and 3 of Sonnet a second, 500 tokens in and 200 out."""
    return _run_directory(tmp_path / "run")


def _cost(*args):
    return CliRunner().invoke(app, ["cost", *map(str, args)])


def _refused(*args):
    done = _cost(*args)
    assert isinstance(done.exception, FmloadError), done.output
    return done.exception


def test_json(directory):
    """Every figure as a decimal string: $1,612.50 a day, and $0.0016125 for each good answer."""
    whole = json.loads(_cost(directory, "--json", "--share", f"{HAIKU}=80%", "--batch", "20%").stdout)
    assert whole["now"]["day_usd"]["usd"] == "1612.5"
    assert whole["now"]["month_usd"]["usd"] == "48375"
    assert Decimal(whole["per_good_answer_usd"]) == Decimal("0.0016125")
    assert len(whole["what_if"]) == 2
    shifted = 1_000_000 * (Decimal("0.8") * Decimal("0.000375") + Decimal("0.2") * Decimal("0.0045"))
    assert Decimal(whole["what_if"][0]["day_usd"]["usd"]) == shifted
    assert Decimal(whole["combined"]["day_usd"]["usd"]) == shifted * Decimal("0.9")
    assert whole["price_table"].startswith("genai-prices ")
    assert whole["interval"]["seconds"] == 60


def test_csv(directory):
    """One line a figure, and the columns say the unit: the bill, the projection, and what moves it."""
    every = list(csv.DictReader(_cost(directory, "--csv", "--tier", "flex").stdout.splitlines()))
    rows = [row for row in every if row["part"] in ("now", "what_if", "combined")]
    assert [row["part"] for row in rows] == ["now", "what_if", "combined"]
    bill = [row for row in every if row["part"] == "bill"]
    assert [(row["name"], row["model"], row["outcome"], row["group"], row["messages"], row["usd"]) for row in bill] == [
        ("hard", SONNET, "ok", "good", "180", "0.81"),
        ("easy", HAIKU, "ok", "good", "420", "0.1575"),
    ]
    swings = {row["name"]: row for row in every if row["part"] == "sensitivity"}
    assert swings["messages a day"]["down_month_usd"] == "-4837.5"
    assert swings["messages a day"]["up_month_usd"] == "4837.5"
    assert (rows[0]["day_usd"], rows[1]["day_usd"], rows[1]["saves_month_usd"]) == ("1612.5", "806.25", "24187.5")


def test_table_and_explanation(directory):
    """The table has the bill by outcome, the projection and the sensitivity; --explain the arithmetic."""
    done = _cost(directory, "--explain", "--messages-per-day", 1_000)
    assert done.exit_code == 0, done.output
    for text in ("not on record", "48.38", "what moves the month", "genai-prices"):
        assert text in done.stdout
    assert f"hard · {SONNET}: 1,000 × 0.3 × (500 in × $3 + 200 out × $15) / 1M = $1.35" in done.stdout
    assert "a month: $1.61 × 30 weekdays' worth = $48.38" in done.stdout


def test_max_tokens_uses_the_run_s_lengths(directory):
    """Of Sonnet's answers of 100 and 300 tokens, 200 leaves 150: a quarter of its output."""
    whole = json.loads(_cost(directory, "--json", "--max-tokens", 200).stdout)
    assert Decimal(whole["what_if"][0]["day_usd"]["usd"]) == Decimal("1612.5") - 300_000 * 50 * 15 / Decimal(1_000_000)
    (directory / "requests.csv.gz").unlink()
    assert "requests.csv.gz" in _refused(directory, "--max-tokens", 200).message


def test_own_prices(directory, tmp_path):
    """A price file wins; a price per 1K tokens draws a warning."""
    prices = tmp_path / "prices.yaml"
    prices.write_text(f'"{SONNET}": {{input: 0.003, output: 0.015}}\n')
    done = _cost(directory, "--json", "--prices", prices)
    assert "1,000 times below" in done.stderr
    expected = 700_000 * Decimal("0.000375") + 300_000 * Decimal("0.0000045")
    whole = json.loads(done.stdout)
    assert Decimal(whole["now"]["day_usd"]["usd"]) == expected
    assert whole["price_table"].endswith(f"; {SONNET} as stated in prices.yaml")
    prices.write_text(f'"jp.{SONNET}": {{input: 0.003, output: 0.015}}\n')
    assert json.loads(_cost(directory, "--json", "--prices", prices).stdout)["now"] == whole["now"]


@pytest.mark.parametrize("source", ["run", "assumptions"])
def test_a_price_that_nobody_asks_for(directory, tmp_path, source):
    """A model that neither the run or file nor a what-if has is an error with near ones; one of a what-if is priced."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("anthropic.claude-3-haiku-2024: {input: 1, output: 2}\n")
    what = (directory,) if source == "run" else ("--assume", ASSUMED)
    error = _refused(*what, "--prices", prices)
    assert "no message goes to anthropic.claude-3-haiku-2024" in error.message
    assert HAIKU in error.remedy
    prices.write_text("mine: {input: 1, output: 2}\n")
    assert _cost(*what, "--prices", prices, "--swap", f"{HAIKU}=mine").exit_code == 0


def test_prices_of_one_model_by_two_names(directory, tmp_path):
    """Which of them would hold is not guessed."""
    prices = tmp_path / "prices.yaml"
    prices.write_text(f'"jp.{SONNET}": {{input: 1, output: 2}}\n"us.{SONNET}": {{input: 2, output: 2}}\n')
    assert "another name" in _refused(directory, "--prices", prices).message


@pytest.mark.parametrize("named", [ASSUMED, "mangaassist"])
def test_the_worked_example(named):
    """The file that is shipped, by path or name, gives the stated figures beside exact ones."""
    done = _cost("--assume", named, "--explain")
    assert done.exit_code == 0, done.output
    assert "stated bill: $2,385.00 a day; exactly $2,274.60" in done.stdout
    assert "$57,450.00 a month" in done.stdout


def test_quota_request(directory):
    """Markdown with the region, the need of each model, growth and evidence."""
    done = _cost(directory, "--quota-request", "--peak", 3, "--growth", "5%", "--messages-per-day", 1_440_000)
    assert "Region: ap-northeast-1" in done.stdout
    assert f"| {SONNET} | 300 | 900 | 210,000 | 630,000 | 500 | 200 |" in done.stdout
    assert "Growth: 5.0% a month" in done.stdout
    assert "sent 600 requests" in done.stdout


def test_provisioned(directory):
    """The user's own price beside on-demand, with the break-even."""
    flags = ("--provisioned-price", 10, "--provisioned-tokens-per-minute", 100_000, "--peak", 1)
    bought = json.loads(_cost(directory, "--json", *flags).stdout)["provisioned"]
    assert (bought["model"], bought["units"], bought["day_usd"]) == (SONNET, 2, "480")
    assert "both" in _refused(directory, "--provisioned-price", 10).remedy


def test_provisioned_is_a_row_like_the_others(directory):
    """Day, month, year and what it saves, beside the what-ifs; in JSON and CSV with its break-even utilisation."""
    flags = ("--provisioned-price", 10, "--provisioned-tokens-per-minute", 100_000, "--peak", 1)
    whole = json.loads(_cost(directory, "--json", *flags).stdout)
    bought, now = whole["provisioned"], whole["now"]
    bill = {name: Decimal(usd) for name, usd in bought["bill_usd"].items()}
    change = Decimal(bought["day_usd"]) - Decimal(bought["on_demand_day_usd"])
    assert bill["day_usd"] == Decimal(now["day_usd"]["usd"]) + change
    assert bill["month_usd"] == Decimal(now["month_usd"]["usd"]) + 30 * change
    assert bill["year_usd"] == Decimal(now["year_usd"]["usd"]) + 365 * change
    assert bill["saves_month_usd"] == -30 * change
    rows = list(csv.DictReader(_cost(directory, "--csv", *flags).stdout.splitlines()))
    (row,) = [row for row in rows if row["part"] == "provisioned"]
    assert (row["units"], Decimal(row["month_usd"])) == ("2", bill["month_usd"])
    assert Decimal(row["break_even_utilisation"]) == Decimal(bought["break_even"])
    assert f"2 provisioned units of {SONNET}" in _cost(directory, *flags).stdout


def test_a_threshold_on_the_month(directory, tmp_path):
    """--max-month passes and fails by the month, and without a good answer it fails: 99."""
    assert _cost(directory, "--max-month", 48_375).exit_code == 0
    assert _refused(directory, "--max-month", 48_374).code is Exit.THRESHOLD
    bad = _run_directory(tmp_path / "bad", in_slo=0)
    assert _cost(bad).exit_code == 0
    assert "no good answer to project from" in _cost(bad).stdout
    assert _refused(bad, "--max-month", 48_375).code is Exit.THRESHOLD


def test_the_threshold_is_on_the_bill_with_the_units_that_were_priced(directory):
    """Units that are dearer than the tokens fail it, and the figure is the one of the table."""
    flags = ("--provisioned-price", 100, "--provisioned-tokens-per-minute", 100_000, "--peak", 1)
    bill = json.loads(_cost(directory, "--json", *flags).stdout)["provisioned"]["bill_usd"]
    assert Decimal(bill["month_usd"]) > 48_375
    error = _refused(directory, *flags, "--max-month", 48_375)
    assert error.code is Exit.THRESHOLD
    assert f"${Decimal(bill['month_usd']):,.2f}" in error.message
    assert _cost(directory, *flags, "--max-month", bill["month_usd"]).exit_code == 0


def test_longer_answers_are_cut_where_the_limit_finds_them(directory):
    """Half of 100 and half of 300 tokens, twice as long, under 300: 250 on average, which is what is paid."""
    whole = json.loads(_cost(directory, "--json", "--answer-tokens", "200%", "--max-tokens", 300).stdout)
    # Haiku's 200 become 400, of which 300 are left.
    tokens_usd = 700_000 * 300 * Decimal("1.25") + 300_000 * 250 * Decimal(15)
    prompts_usd = 700_000 * 500 * Decimal("0.25") + 300_000 * 500 * Decimal(3)
    assert Decimal(whole["combined"]["day_usd"]["usd"]) == (tokens_usd + prompts_usd) / 1_000_000
    assert whole["what_if"][1]["note"] == "85.0% of the answers would be cut"


def test_a_name_in_the_csv_is_no_formula(directory):
    """A spreadsheet doesn't run the name of a query type; a negative number stays one."""
    file = directory / "timeline.ndjson"
    file.write_text(file.read_text().replace('"easy"', '"=easy"'))
    manifest = directory / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"easy"', '"=easy"'))
    rows = list(csv.DictReader(_cost(directory, "--csv").stdout.splitlines()))
    assert {row["name"] for row in rows if row["part"] == "bill"} == {"'=easy", "hard"}
    assert any(row["down_month_usd"].startswith("-") for row in rows)


def test_no_usage_and_a_threshold(directory):
    """A run that can't be priced is an error, and where a threshold hangs on it, code 99."""
    throttled = {CellKey("easy", "ai", HAIKU, "", Outcome.THROTTLED): Cell(count=9, sent=9)}
    line = timeline.line(Interval(0, planned=9, sent=9, cells=throttled))
    (directory / "timeline.ndjson").write_text(line)
    assert _refused(directory).code is Exit.INPUT
    error = _refused(directory, "--max-month", 1)
    assert error.code is Exit.THRESHOLD
    assert "no usage" in error.message


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--share", f"{HAIKU}=130%"), "--share"),
        (("--share", HAIKU), "--share"),
        (("--swap", "one"), "--swap"),
        (("--weekend-share", "x"), "--weekend-share"),
        (("--messages-per-day", "0"), "--messages-per-day"),
        (("--messages-per-day", "1000000000001"), "--messages-per-day"),
        (("--month", "2026-13"), "--month"),
        (("--json", "--csv"), "--json"),
        (("--semantic-hits", "20%"), "--question-tokens"),
        (("--semantic-hits", "20%", "--question-tokens", "-30"), "--question-tokens is -30"),
        (("--semantic-hits", "20%", "--question-tokens", "0"), "--question-tokens is 0"),
        (("--cached-prefix", "100"), "--reuses"),
        (("--tier", "gold"), "--tier"),
        (("--peak", "NaN"), "--peak"),
        (("--peak", "0.9", "--quota-request"), "--peak"),
        (("--query-model", "easy"), "--query-model"),
        (("--query-model", f"none={HAIKU}"), "--query-model"),
        (("--cached-prefix", "501", "--reuses", "9"), "--cached-prefix"),
        (("--reuses", "9"), "--reuses does nothing without --cached-prefix"),
        (("--hour-cache",), "--hour-cache does nothing without --cached-prefix"),
        (("--question-tokens", "30", "--exact-hits", "9%"), "--question-tokens does nothing without --semantic-hits"),
        (("--embedding-model", "x"), "--embedding-model does nothing without --semantic-hits"),
        (("--provisioned-model", HAIKU), "provisioned throughput needs"),
    ],
)
def test_wrong_flags(directory, flags, said):
    """Code 2, and the flag is named."""
    error = _refused(directory, *flags)
    assert error.code is Exit.USAGE
    assert said in error.message


@pytest.mark.parametrize("alias", [f"jp.{HAIKU}", f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"])
def test_a_model_by_another_name(directory, alias):
    """A model of the run may go by another of its names: the bill is that of its own."""
    for flag, own, other in (
        ("--share", f"{HAIKU}=80%", f"{alias}=80%"),
        ("--swap", f"{HAIKU}={SONNET}", f"{alias}={SONNET}"),
    ):
        by_name, by_alias = (_cost(directory, "--json", flag, text).stdout for text in (own, other))
        assert by_name == by_alias != ""
    error = _refused(directory, "--share", f"{HAIKU}=40%", "--share", f"{alias}=40%")
    assert error.code is Exit.USAGE


def test_a_model_by_another_provider_s_name(directory):
    """What the vendor calls a model of the run is refused, and the run's name for it is told."""
    for flags in (("--share", "claude-3-haiku=80%"), ("--swap", f"claude-3-haiku={SONNET}")):
        error = _refused(directory, *flags)
        assert error.code is Exit.USAGE
        assert HAIKU in error.message


def test_a_run_or_assumptions(directory):
    """One of the two, not both, not none; CloudWatch needs a run."""
    for args in ((), (directory, "--assume", ASSUMED), ("--assume", ASSUMED, "--reconcile")):
        assert _refused(*args).code is Exit.USAGE


def _edit(directory, change):
    manifest = json.loads((directory / "manifest.json").read_text())
    change(manifest)
    (directory / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.pop("scenario"),
        lambda manifest: manifest["scenario"].pop("judge"),
        lambda manifest: manifest["scenario"].update(mix=3),
        lambda manifest: manifest["scenario"].update(mix=[{"name": "easy", "share": "lots"}]),
        lambda manifest: manifest["scenario"]["judge"].update(daily_messages="many"),
        lambda manifest: manifest.update(scenario=[]),
    ],
)
def test_edited_manifests(directory, change):
    """A manifest that lacks what a bill needs is an input error that says where, not a traceback."""
    _edit(directory, change)
    error = _refused(directory)
    assert error.code is Exit.INPUT
    assert "manifest.json" in error.message


def test_cut_timelines(directory):
    """A last line that is cut short is left out; a broken line before it is named."""
    path = directory / "timeline.ndjson"
    whole = path.read_text()
    path.write_text(whole[:-20])
    assert json.loads(_cost(directory, "--json").stdout)["interval"]["seconds"] == 59
    path.write_text(whole.replace('"input": 3500', '"input": "x"', 1))
    assert "line 1" in _refused(directory).message
    path.write_text("")
    assert _refused(directory).code is Exit.INPUT


def test_no_run_there(tmp_path):
    """A directory that is no run says so, as a person sees it: a message, a remedy, 104."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtester", "cost", tmp_path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == Exit.INPUT
    assert "is not a run directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_warm_up_has_a_line_of_its_own(directory):
    """In the table, as JSON and as CSV: a part of the run's bill, and of no other figure."""
    plain = json.loads(_cost(directory, "--json").stdout)
    key, cell = _cell("easy", HAIKU, Outcome.OK, 4, 4)
    file = directory / "timeline.ndjson"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    cold = timeline.line(Interval(0, planned=4, sent=4, warm_planned=4, warm_sent=4, warm={key: cell}))
    for line in lines:
        line["second"] += 1
    file.write_text(cold + "".join(json.dumps(line) + "\n" for line in lines))
    told = json.loads(_cost(directory, "--json").stdout)
    assert (plain["warmup_usd"], told["warmup_usd"]) == ("0", "0.0015")
    assert Decimal(told["run_usd"]) == Decimal(plain["run_usd"]) + Decimal("0.0015")
    assert [told[name] == plain[name] for name in ("now", "per_good_answer_usd", "good_answers")] == [True] * 3
    table = _cost(directory).stdout.splitlines()
    assert [line.split() for line in table if line.startswith("all") and "warmup" in line] == [
        ["all", "warmup", "4", "0.001500"]
    ]
    rows = csv.DictReader(_cost(directory, "--csv").stdout.splitlines())
    assert [(row["messages"], row["usd"]) for row in rows if row["group"] == "warmup"] == [("4", "0.0015")]


def test_lengths_of_the_warm_up_are_not_projected(directory):
    """Of Sonnet's answers of 100 and, in the warm-up, 900 tokens, 200 leaves 100: half of its output."""
    rows = ["query,answered_by,output_tokens,warmup", f"hard,{SONNET},100,0", f"hard,{SONNET},900,1"]
    (directory / "requests.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    whole = json.loads(_cost(directory, "--json", "--max-tokens", 200).stdout)
    assert Decimal(whole["what_if"][0]["day_usd"]["usd"]) == Decimal("1612.5") - 300_000 * 100 * 15 / Decimal(1_000_000)
