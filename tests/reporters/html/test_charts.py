"""Charts as the page's script draws them, in a real browser."""

from math import floor, log10

import pytest

from loadtester.reporters.html.chart import Chart, Line, figure
from loadtester.reporters.html.markup import Markup, join, tag
from loadtester.reporters.html.page import _script_text, _style_text

#: Puts the words that each canvas is given in `canvas.said`.
_LISTEN = """
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  (this.canvas.said ??= []).push(text);
  return write.call(this, text, ...place);
};
"""
_SAID = "() => [...document.querySelectorAll('figure.chart')].map((one) => one.querySelector('canvas')?.said ?? [])"
_UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
#: From a digit to the next one, with what lies close to either, and all decades that a latency can lie in.
_LOWS = tuple(
    float(f"{digits}e{exponent}")
    for exponent in range(-6, 2)
    for digits in (1, 1.02, 1.1, 1.1875, 1.2, 1.2499, 1.25, 1.8, 2.5, 5.5, 9.96)
)


def _page(charts):
    parts = (
        tag("style", _style_text()),
        tag("main", map(figure, charts)),
        tag("script", Markup(_LISTEN)),
        tag("script", _script_text()),
    )
    return f"<!doctype html>{join(*parts)}".encode()


def _seconds(text):
    number, unit = text.split()
    return float(number) * _UNITS[unit]


@pytest.mark.parametrize("factor", [1.0, 1.3, 40.0])
def test_a_logarithmic_axis_begins_anywhere(open_page, factor):
    """Whatever the lowest value and the span are, all is drawn, and the axis is marked with whole 1 to 9 · 10^k."""
    charts = [
        Chart(
            f"{low:g}", "", (0, 1), (Line("from due", (low, low * factor), "accent"),), "s", x_unit="nines", is_log=True
        )
        for low in _LOWS
    ]
    page, said, _ = open_page(_page(charts), viewport={"width": 400, "height": 900})
    assert said == []
    shown = page.evaluate(_SAID)
    assert len(shown) == len(_LOWS)
    for low, words in zip(_LOWS, shown, strict=True):
        marks = [_seconds(word) for word in words if word and not word.startswith("p")]
        assert len(marks) > 1, low
        assert all(_is_whole(mark) for mark in marks), (low, marks)


def _is_whole(value):
    digits = value / 10 ** floor(log10(value) + 1e-9)
    return abs(digits - round(digits)) < 1e-6
