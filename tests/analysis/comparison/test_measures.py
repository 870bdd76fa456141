"""Margins as users write them."""

import pytest

from loadtester.analysis.comparison.measures import MEASURES, SHARE_MARGIN, margins
from loadtester.errors import Exit, FmloadError

BY_NAME = {measure.name: measure for measure in MEASURES}


def test_without_a_word_shares_have_a_margin_of_their_own():
    """5 % of a time; of shares half a point."""
    found = margins([])
    assert found.of(BY_NAME["latency.p95"]) == 0.05
    assert found.of(BY_NAME["sla"]) == SHARE_MARGIN == 0.005


def test_the_nearest_name_wins():
    """A measure's own margin before its family's, and that before the one for all."""
    found = margins(["10%", "ttft=20%", "ttft.p99=0.3", "sla=1%"])
    assert found.of(BY_NAME["latency.p95"]) == 0.10
    assert found.of(BY_NAME["ttft.p50"]) == 0.20
    assert found.of(BY_NAME["ttft.p99"]) == 0.30
    assert found.of(BY_NAME["sla"]) == 0.01
    assert found.of(BY_NAME["error_rate"]) == SHARE_MARGIN


@pytest.mark.parametrize("text", ["", "five", "-1%", "101%", "nan", "ttft=", "1" * 100, "inf%"])
def test_what_is_no_margin(text):
    """It is refused, with how it is written."""
    with pytest.raises(FmloadError) as caught:
        margins([text])
    assert caught.value.code is Exit.USAGE
    assert "5%" in caught.value.remedy


def test_a_misspelt_name_gets_the_likeliest():
    """All faults at once, with what was probably meant."""
    with pytest.raises(FmloadError) as caught:
        margins(["latencyy=5%", "10%", "x"])
    assert "did you mean latency?" in caught.value.remedy
    assert "'x'" in caught.value.message
