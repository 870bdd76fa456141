"""The app's own share of the latency, from two runs."""

import pytest

from loadtester.analysis import summarise
from loadtester.analysis.comparison.attribution import PERCENTS, attribute
from loadtester.analysis.comparison.sample import Sample
from loadtester.cost import price_table


@pytest.fixture
def sample(made_run):
    """A made run as a sample; `draw` is the seed of its bootstrap."""
    prices = price_table({})

    def make(draw, **shape):
        manifest, recording = made_run(**shape)
        return Sample(manifest, recording, summarise(manifest, recording, prices), prices, seed=draw)

    return make


def test_the_share_is_the_difference_over_the_whole(sample):
    """An app that makes every answer a quarter longer has a fifth of the latency, at each percentile."""
    found = attribute(sample(1, seed=1, seconds=600, scale=1.25), sample(2, seed=2, seconds=600))
    assert [row.percent for row in found.total] == list(PERCENTS)
    for row in found.total:
        assert row.own_s == pytest.approx(row.app_s - row.model_s)
        assert row.share == pytest.approx(row.own_s / row.app_s)
        assert row.share_ci95[0] < 0.2 < row.share_ci95[1]
    assert [row.app_s for row in found.by_query["greeting"]] == [row.app_s for row in found.total]


def test_too_few_answers_have_no_share(sample):
    """A percentile that either run can't tell has a note in place of a figure; a short run no interval."""
    found = attribute(sample(1, seed=1, seconds=10), sample(2, seed=2, seconds=40))
    p50, *_, p99 = found.total
    assert (p50.share is not None, p50.share_ci95) == (True, None)
    assert (p99.share, p99.own_s) == (None, None)
    assert "app: 100 answers, needs 299" in p99.note
    assert found.notes == ("APP_RUN is too short for intervals",)


def test_no_answers_at_all(sample):
    """It is said, not a crash."""
    found = attribute(sample(1, seed=1, seconds=40, ok=False), sample(2, seed=2, seconds=40))
    assert all(row.share is None and row.note == "app: no answer" for row in found.total)
    assert found.account == {}
