"""A run as a bill: the mix weighs, every message counts, and the interval is the seconds' own."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from loadtester.cost import levers
from loadtester.cost.basis import run_basis
from loadtester.cost.bill import CACHE, NOBODY, Tariff
from loadtester.cost.calendar import Calendar
from loadtester.cost.estimate import estimate
from loadtester.cost.lengths import Kept, bounded, counted
from loadtester.cost.quote import NO_GOOD_ANSWER, quote
from loadtester.errors import FmloadError
from loadtester.model import CellKey, Outcome
from loadtester.recorder import Cell, Interval, recording
from loadtester.scenario.mix import HAIKU, SONNET

MANIFEST = {
    "id": "r",
    "scenario": {
        "judge": {"daily_messages": 1_000_000},
        "mix": [{"name": "easy", "share": 0.7}, {"name": "hard", "share": 0.3}],
    },
}


def _kept(line, limit):
    return bounded(line.output, limit)


def _ok(query, model, count, *, good=None, outcome=Outcome.OK, tokens=(500, 200), answered=True):
    key = CellKey(query, "ai", model, model if answered else "", outcome)
    paid = count if answered else 0
    good = count if good is None else good
    return key, Cell(count=count, sent=count, in_slo=good, input=paid * tokens[0], output=paid * tokens[1])


def _second(second, *cells):
    return Interval(second, cells=dict(cells))


def _steady(seconds=60):
    return recording(_second(i, _ok("easy", HAIKU, 7), _ok("hard", SONNET, 1)) for i in range(seconds))


def test_the_mix_weighs_not_the_run(tariff):
    """70 % at $0.000375 and 30 % at $0.0045, however often the run asked each; an unvarying run has no spread."""
    basis = run_basis(MANIFEST, _steady(), tariff, _kept)
    now = estimate(basis.lines, basis, tariff, Calendar(1_000_000))
    assert now.day.usd == Decimal("1612.5")
    assert now.month.usd == 48_375
    assert float(now.day.low) == pytest.approx(1612.5)
    assert float(now.day.high) == pytest.approx(1612.5)


def test_every_planned_message_counts(tariff):
    """Throttled and dropped messages cost nothing and are part of the mean; what a stopped run never sent is not."""
    cells = [
        _ok("easy", HAIKU, 6),
        _ok("easy", HAIKU, 1, outcome=Outcome.THROTTLED, answered=False),
        _ok("easy", HAIKU, 2, answered=False),
        (CellKey("easy", "ai", HAIKU, "", Outcome.DROPPED), Cell(count=1)),
        (CellKey("easy", "ai", HAIKU, "", Outcome.CANCELLED), Cell(count=90, sent=0)),
        _ok("hard", SONNET, 10),
    ]
    basis = run_basis(MANIFEST, recording([_second(0, *cells)]), tariff, _kept)
    shares = {(line.query, line.model): line.share for line in basis.lines}
    assert shares == {
        ("easy", HAIKU): Decimal("0.42"),
        ("easy", CACHE): Decimal("0.14"),
        ("easy", NOBODY): Decimal("0.14"),
        ("hard", SONNET): Decimal("0.3"),
    }
    assert basis.replicates is None
    assert any("no intervals" in note for note in basis.notes)
    assert any("14.0% of the messages got no answer" in note for note in basis.notes)


def test_today_by_outcome(tariff):
    """Money by query, model and outcome adds up to the run's, good and useless apart; a good answer bears it all."""
    cells = [
        _ok("easy", HAIKU, 8, good=4),
        _ok("easy", HAIKU, 2, outcome=Outcome.TRUNCATED, good=0),
        _ok("hard", SONNET, 1, outcome=Outcome.TIMEOUT, good=0, answered=False),
    ]
    basis = run_basis(MANIFEST, recording([_second(0, *cells)]), tariff, _kept)
    assert {row.outcome: (row.group, row.messages, row.usd) for row in basis.today} == {
        "ok": ("good", 8, Decimal("0.003")),
        "truncated": ("useless", 2, Decimal("0.00075")),
        "timeout": ("failed", 1, Decimal(0)),
    }
    quoted = quote(basis, tariff, Calendar(1_000), [])
    assert quoted.spent_usd == Decimal("0.00375")
    assert quoted.per_good_answer_usd == Decimal("0.00375") / 4


def _beside(query, model, tokens):
    """Tokens of a model that was asked for answers of another one."""
    return CellKey(query, "ai", HAIKU, model, Outcome.OK), Cell(input=tokens[0], output=tokens[1])


def test_what_was_used_beside_the_answers_is_in_the_bill(tariff):
    """In its model's line where that answered too; else in today's bill, with a note that the projection lacks it."""
    hard = _ok("hard", SONNET, 1)
    with_line = recording([_second(0, _ok("easy", HAIKU, 8), hard, _beside("hard", SONNET, (500, 200)))])
    without = recording([_second(0, _ok("easy", HAIKU, 8), hard, _beside("easy", SONNET, (500, 200)))])
    plain = run_basis(MANIFEST, recording([_second(0, _ok("easy", HAIKU, 8), hard)]), tariff, _kept)
    spent = {}
    for name, run in (("line", with_line), ("note", without)):
        basis = run_basis(MANIFEST, run, tariff, _kept)
        spent[name] = sum(row.usd for row in basis.today) - sum(row.usd for row in plain.today)
        is_noted = any("never gave the answer: $0.0045" in note for note in basis.notes)
        assert is_noted is (name == "note")
    assert spent == {"line": Decimal("0.0045"), "note": Decimal("0.0045")}


def test_money_for_answers_that_were_not_given_is_kept_apart(tariff):
    """Of the same model as the answer or another, in calls and USD; good answers' money is without it."""
    key, cell = _ok("easy", HAIKU, 8)
    again = replace(
        cell, input=cell.input + 1000, also_calls=2, also_input=1000, output=cell.output + 400, also_output=400
    )
    other = _beside("easy", SONNET, (500, 200))
    run = recording(
        [_second(0, (key, again), (other[0], replace(other[1], also_calls=1, also_input=500, also_output=200)))]
    )
    rows = run_basis(MANIFEST, run, tariff, _kept).today
    assert {(row.model, row.messages, row.usd) for row in rows if row.group == "retried"} == {
        (HAIKU, 2, Decimal("0.00075")),
        (SONNET, 1, Decimal("0.0045")),
    }
    assert [(row.messages, row.usd) for row in rows if row.group == "good"] == [(8, Decimal("0.003"))]


def test_a_canned_answer_is_nobodys(tariff):
    """No model gave it, so none is priced; it counts as a message without an answer."""
    canned = CellKey("hard", "ai", SONNET, "canned", Outcome.UNAVAILABLE), Cell(count=1, sent=1)
    basis = run_basis(MANIFEST, recording([_second(0, _ok("easy", HAIKU, 8), canned)]), tariff, _kept)
    assert {line.query: line.model for line in basis.lines} == {"easy": HAIKU, "hard": "(nobody)"}


def test_no_good_answer_is_no_projection(tariff):
    """A run whose answers were all too late or useless projects nothing, and says so."""
    basis = run_basis(MANIFEST, recording([_second(0, _ok("easy", HAIKU, 8, good=0))]), tariff, _kept)
    quoted = quote(basis, tariff, Calendar(1_000), [])
    assert (quoted.now, quoted.final, quoted.swings) == (None, None, ())
    assert quoted.explanation() == (NO_GOOD_ANSWER,)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([_ok("easy", HAIKU, 5, tokens=(0, 0))], "no usage"),
        ([_ok("easy", HAIKU, 5, answered=False)], "no usage"),
        ([_ok("other", HAIKU, 5)], "no message of its mix"),
        ([_ok("easy", "nobody-has-priced-this", 5)], "no price"),
        ([], "no message of its mix"),
        ([_ok("easy", HAIKU, 5, tokens=(-500, 200))], "below 0"),
    ],
)
def test_nothing_to_price(cells, said, tariff):
    """A run without usage, outside its mix or of an unpriced model is an error: never a bill of 0."""
    with pytest.raises(FmloadError, match=said):
        run_basis(MANIFEST, recording([_second(0, *cells)]), tariff, _kept)


def test_the_interval_covers_the_truth(tariff):
    """On runs of ten minutes whose answers' lengths vary, the truth lies in at least 42 of 50 intervals."""
    truth = 1_000_000 * (0.7 * (500 * 0.25 + 200 * 1.25) + 0.3 * (500 * 3 + 200 * 15)) / 1e6
    covered = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        run = recording(
            _second(
                i,
                _ok("easy", HAIKU, 7, tokens=(500, int(rng.poisson(200)))),
                _ok("hard", SONNET, int(rng.integers(1, 5)), tokens=(500, int(rng.exponential(200)))),
            )
            for i in range(600)
        )
        basis = run_basis(MANIFEST, run, tariff, _kept, seed=seed)
        day = estimate(basis.lines, basis, tariff, Calendar(1_000_000)).day
        covered += float(day.low) <= truth <= float(day.high)
    assert covered >= 42


def test_levers_scale_the_interval(tariff):
    """Half the price halves the bounds; without Sonnet, what only Sonnet's answers varied by is gone."""
    rng = np.random.default_rng(7)
    run = recording(
        _second(i, _ok("easy", HAIKU, 7), _ok("hard", SONNET, 2, tokens=(500, int(rng.exponential(200)))))
        for i in range(120)
    )
    basis = run_basis(MANIFEST, run, tariff, _kept)
    now = estimate(basis.lines, basis, tariff, Calendar(1_000)).day
    flex = estimate(levers.tier("flex").apply(basis.lines), basis, tariff, Calendar(1_000)).day
    assert float(flex.low) == pytest.approx(float(now.low) / 2)
    assert float(flex.high) == pytest.approx(float(now.high) / 2)
    assert now.low < now.usd < now.high
    swapped = estimate(levers.swap(SONNET, HAIKU).apply(basis.lines), basis, tariff, Calendar(1_000)).day
    assert swapped.high - swapped.low == pytest.approx((now.high - now.low) / 12, rel=Decimal("1e-6"))


def test_combined_is_not_the_sum_of_the_levers(tariff):
    """Each lever is quoted alone, then all together, which leaves less for each to save."""
    basis = run_basis(MANIFEST, _steady(), tariff, _kept)
    quoted = quote(basis, tariff, Calendar(1_000_000), [levers.batch(Decimal("0.5")), levers.tier("flex")])
    assert [effect.saves_month_usd for effect in quoted.alone] == [Decimal("12093.75"), Decimal("24187.5")]
    assert quoted.combined.saves_month_usd == Decimal("24187.5")
    assert quoted.final is quoted.combined.estimate


def test_the_tornado_is_sorted_and_signed(tariff):
    """The lever that moves the month most comes first; ±10 % of the messages move it by 10 %."""
    basis = run_basis(MANIFEST, _steady(), tariff, _kept)
    swings = quote(basis, tariff, Calendar(1_000_000), []).swings
    widths = [swing.width_usd for swing in swings]
    assert widths == sorted(widths, reverse=True)
    by_name = {swing.lever: swing for swing in swings}
    assert (by_name["messages a day"].down_usd, by_name["messages a day"].up_usd) == (
        Decimal("-4837.5"),
        Decimal("4837.5"),
    )
    assert by_name["cache hits"].down_usd is None
    shift = by_name[f"share of {HAIKU} (from {SONNET})"]
    assert shift.up_usd == Decimal("-0.1") * (Decimal("0.0045") - Decimal("0.000375")) * 30_000_000
    assert swings[0] is shift


def test_corrections_scale_a_model(tariff):
    """A stated price per message is a factor on that model's list price."""
    basis = run_basis(MANIFEST, _steady(), tariff, _kept)
    doubled = Tariff(tariff.prices, {SONNET: Decimal(2)})
    usd = doubled.usd_per_message(basis.lines)
    assert usd == Decimal("0.7") * Decimal("0.000375") + Decimal("0.3") * Decimal("0.009")


def test_retries_are_known_of_runs_that_tell_what_became_of_throttled_requests(tariff):
    """Attempts after a first are counted; of older runs, which don't say, they are unknown, not 0."""
    key, cell = _ok("easy", HAIKU, 8)
    second = _second(0, (key, replace(cell, retried=2, retries=3)))
    told = {**MANIFEST, "scenario": {**MANIFEST["scenario"], "load": {"on_throttle": "backoff"}}}
    assert run_basis(told, recording([second]), tariff, _kept).retries == 3
    assert run_basis(MANIFEST, recording([second]), tariff, _kept).retries is None


def test_the_warm_up_is_in_the_bill_and_in_nothing_else(tariff):
    """Its money is a group of its own; a good answer, the projection and its interval are those of a run without it."""
    warm = dict([_ok("easy", HAIKU, 40, tokens=(5000, 2000)), _ok("odd", SONNET, 1)])
    cold = [Interval(i, planned=41, sent=41, warm_planned=41, warm_sent=41, warm=warm) for i in range(30)]
    measured = [
        replace(_second(30 + i, _ok("easy", HAIKU, 7 + i % 2), _ok("hard", SONNET, 1)), planned=9) for i in range(60)
    ]
    with_it, without = (run_basis(MANIFEST, recording(run), tariff, _kept) for run in ([*cold, *measured], measured))
    assert [row for row in with_it.today if row.group != "warmup"] == list(without.today)
    rows = {
        (row.query, row.model, row.outcome): (row.messages, row.usd) for row in with_it.today if row.group == "warmup"
    }
    assert rows == {
        ("easy", HAIKU, "ok"): (1200, 30 * 40 * Decimal("0.00375")),
        ("odd", SONNET, "ok"): (30, 30 * Decimal("0.0045")),
    }
    assert (with_it.lines, with_it.good, with_it.seconds, with_it.notes) == (
        without.lines, without.good, without.seconds, without.notes,
    )  # fmt: skip
    assert np.array_equal(with_it.replicates, without.replicates)
    quoted, plain = (quote(basis, tariff, Calendar(1_000), []) for basis in (with_it, without))
    assert (quoted.per_good_answer_usd, quoted.now) == (plain.per_good_answer_usd, plain.now)
    assert (quoted.warmup_usd, plain.warmup_usd) == (Decimal("4.635"), 0)
    assert quoted.spent_usd == plain.spent_usd + quoted.warmup_usd
    assert "(without the warm-up)" in quoted.explanation()[-1]


def _with_hits(query, model, count, hits):
    """Answers that name their model, `hits` of them from the target's cache: these used no tokens."""
    key, cell = _ok(query, model, count)
    paid = count - hits
    return key, replace(cell, input=paid * 500, output=paid * 200, exact_hits=hits - hits // 2, semantic_hits=hits // 2)


def test_a_hit_is_the_caches_though_it_names_its_model(tariff):
    """Hits are lines of the cache, and the model's tokens a message are those of the messages that it answered."""
    run = recording(
        _second(i, _with_hits("easy", HAIKU, 8, hits=8 if i % 2 else 6), _ok("hard", SONNET, 1)) for i in range(60)
    )
    basis = run_basis(MANIFEST, run, tariff, _kept)
    assert {(line.query, line.model): (line.share, line.input, line.output) for line in basis.lines} == {
        ("easy", CACHE): (Decimal("0.6125"), 0, 0),
        ("easy", HAIKU): (Decimal("0.0875"), 500, 200),
        ("hard", SONNET): (Decimal("0.3"), 500, 200),
    }
    rows = {(row.query, row.model): (row.messages, row.usd) for row in basis.today}
    assert rows == {
        ("easy", CACHE): (420, 0),
        ("easy", HAIKU): (60, 60 * Decimal("0.000375")),
        ("hard", SONNET): (60, 60 * Decimal("0.0045")),
    }
    day = estimate(basis.lines, basis, tariff, Calendar(1_000)).day
    assert float(day.low) == pytest.approx(float(day.usd)) == pytest.approx(float(day.high))
    without = levers.cache_hits(Decimal(0)).apply(basis.lines)
    then = Decimal("0.7") * Decimal("0.000375") + Decimal("0.3") * Decimal("0.0045")
    assert abs(tariff.usd_per_message(without) - then) < Decimal("1e-20")


def test_hits_of_one_type_only_are_in_each_resampled_mean(tariff):
    """Where a second had nothing but hits, its messages still count: the interval is around the bill."""
    run = recording(_second(i, _with_hits("easy", HAIKU, 10, hits=10 if i % 3 else 0)) for i in range(60))
    basis = run_basis(MANIFEST, run, tariff, _kept)
    day = estimate(basis.lines, basis, tariff, Calendar(1_000)).day
    assert float(day.usd) == pytest.approx(1_000 * 0.000375 / 3)
    assert float(day.low) <= float(day.usd) <= float(day.high) < 1_000 * 0.000375


def test_a_model_of_hits_alone_is_no_line(tariff):
    """Nobody asked it: it needs no price, and no quota."""
    run = recording([_second(0, _ok("easy", HAIKU, 8), _with_hits("hard", "unpriced", 4, hits=4))])
    basis = run_basis(MANIFEST, run, tariff, _kept)
    assert {line.query: line.model for line in basis.lines} == {"easy": HAIKU, "hard": CACHE}


def test_a_limit_is_of_answers_as_long_as_they_are_by_then(tariff):
    """Half of 200 and half of 600 tokens, all of them twice as long, under 500: 450 on average, and half cut."""
    cells = CellKey("easy", "ai", HAIKU, HAIKU, Outcome.OK), Cell(count=2, sent=2, input=1000, output=800, in_slo=2)
    rows = ["query,answered_by,output_tokens", f"easy,{HAIKU},200", f"easy,{HAIKU},600"]
    lengths = counted(rows)
    run = recording([_second(0, cells)])
    basis = run_basis(MANIFEST, run, tariff, lambda line, limit: lengths.left(line.query, line.model, limit))
    longer = levers.answer_tokens(Decimal(2))
    (line,) = longer.apply(basis.lines)
    assert (line.output, basis.kept(line, 500)) == (800, Kept(Decimal(450), Decimal("0.5")))
    limit = levers.max_tokens(500, basis.kept, (line,))
    assert limit.apply((line,))[0].output == 450
    assert limit.note == "50.0% of the answers would be cut"
    assert basis.kept(basis.lines[0], 1_000) == Kept(Decimal(400), Decimal(0))
    assert basis.kept(line, 1_000).cut == Decimal("0.5")
