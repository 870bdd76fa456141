"""Where the time of an answer went, as samples."""

import gzip
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.model import Ending, Outcome, Request, Series
from loadtester.recorder import Probe, Recorder
from loadtester.recorder.split import Stages
from loadtester.rundir import hlog

REQUEST = Request(
    id=1, query="greeting", kind="ai", model="m", prompt="Hi", session="s", turn=1, max_tokens=10, language="en"
)
MS = 1_000_000


def split(*accounts, service_ns=1000 * MS):
    """Samples by metric, in ms, of answers with these accounts."""
    stages, samples = Stages(), {}
    for timing_s in accounts:
        stages.add(samples, timing_s, service_ns)
    return {metric: [round(value / MS, 3) for value in values] for metric, values in samples.items()}


TIMES = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 10)
ACCOUNTS = st.lists(
    st.tuples(st.fixed_dictionaries({"session": TIMES, "model": TIMES, "total": TIMES}), st.integers(0, 10**13)),
    min_size=1,
)
MIXED = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(["model", "total", "x"]), TIMES), st.integers(0, 10**13)), min_size=1
)


@given(ACCOUNTS | MIXED)
def test_many_at_once_are_as_each_alone(accounts):
    """Accounts that name the same stages are looked at together, and give the samples that each gives alone."""
    alone, together = {}, {}
    one, many = Stages(), Stages()
    for timing_s, service_ns in accounts:
        one.add(alone, timing_s, service_ns)
    many.add_each(together, accounts)
    assert accounts == []
    assert {metric: sorted(values) for metric, values in together.items()} == {
        metric: sorted(values) for metric, values in alone.items()
    }


def test_the_app_s_account_is_split_into_app_model_and_network():
    """Each stage as told; app is total less model, network the service time less total."""
    told = {"session": 0.01, "cache": 0.002, "model_ttft": 0.3, "model": 0.7, "total": 0.9}
    assert split(told) == {
        "stage.session": [10],
        "stage.cache": [2],
        "stage.model_ttft": [300],
        "stage.model": [700],
        "stage.total": [900],
        "app": [200],
        "network": [100],
    }


def test_bedrock_tells_of_the_model_only():
    """Without a total the rest of the service time is the network's, and nothing is said of an app."""
    assert split({"model": 0.75}) == {"stage.model": [750], "network": [250]}


def test_a_stage_that_had_nothing_to_do_is_left_out():
    """A percentile is over the answers that had the stage."""
    found = split({"retrieval": 0.0, "model": 0.0, "total": 0.5}, {"retrieval": 0.1, "total": 0.5})
    assert found == {"stage.total": [500, 500], "network": [500, 500], "app": [500], "stage.retrieval": [100]}


@pytest.mark.parametrize("nonsense", [-1.0, 1e300, math.inf, math.nan])
def test_what_is_no_time_is_no_sample(nonsense):
    """A target can say anything: what can't be a time is left out, with what would be reckoned from it."""
    assert split({"model": nonsense, "total": nonsense, "session": 0.01}) == {"stage.session": [10]}


def test_clocks_that_disagree_make_nothing_negative():
    """A target's account may be a little longer than what was measured here."""
    assert split({"model": 1.002, "total": 1.001}) == {
        "stage.model": [1002],
        "stage.total": [1001],
        "network": [0],
        "app": [0],
    }


def test_a_target_can_t_fill_the_memory_with_names():
    """Sixteen stages at most, those of the API always among them, however many names come first."""
    found = split(*({f"stage {number}": 0.1} for number in range(1000)), {"total": 0.5, "validation": 0.1})
    assert len([metric for metric in found if metric.startswith("stage.")]) == 9 + 2
    assert found["stage.total"] == [500]


def test_names_are_safe_in_the_log_of_histograms():
    """A tag's own signs can't be in a name, nor can a name be long; each line reads back as it was written."""
    recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
    probe = Probe(lambda: 0, 0)
    probe.launched()
    probe.done()
    timing_s = {"a|b=c,d\n": 0.1, "": 0.1, "x" * 999: 0.1}
    recorder.add(REQUEST, probe, Ending(Outcome.OK, timing_s=timing_s))
    interval, _ = recorder.flush(0, planned=1, sent=1, in_flight=0, stall_s=0.0)
    names = {series.metric for series in interval.counts if series.metric.startswith("stage.")}
    assert names == {"stage.a_b_c_d_", "stage.", "stage." + "x" * 32}
    text = "".join(hlog.log_line(0, series, counts) for series, counts in interval.counts.items())
    (batch,) = hlog.read_lines(text.encode().splitlines(keepends=True))
    assert set(batch.series) == set(interval.counts)


def test_the_split_is_kept_by_query_kind_model_and_outcome():
    """An answer's stages are under its own series; a failed one's are apart."""
    recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
    for outcome in (Outcome.OK, Outcome.TRUNCATED):
        probe = Probe(lambda: 5_000, 0)
        probe.launched()
        probe.done()
        recorder.add(REQUEST, probe, Ending(outcome, timing_s={"total": 0.5}))
    interval, _ = recorder.flush(0, planned=2, sent=2, in_flight=0, stall_s=0.0)
    for is_ok in (True, False):
        assert interval.counts[Series("stage.total", "greeting", "ai", "m", is_ok)].total == 1


def test_answers_from_the_target_s_cache_are_counted():
    """By layer, and in the rows."""
    recorder = Recorder(slo_s=1.0, price=lambda _model, _usage: None)
    for layer in ("exact", "exact", "semantic", None):
        probe = Probe(lambda: 0, 0)
        probe.launched()
        probe.done()
        recorder.add(REQUEST, probe, Ending(Outcome.OK, cache=layer))
    interval, rows = recorder.flush(0, planned=4, sent=4, in_flight=0, stall_s=0.0)
    (cell,) = interval.cells.values()
    assert (cell.count, cell.exact_hits, cell.semantic_hits) == (4, 2, 1)
    assert gzip.decompress(rows).decode().count(",exact,") == 2
