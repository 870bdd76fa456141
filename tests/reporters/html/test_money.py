"""The what-ifs of the page, in a real browser: amounts to the cent that `fmload cost` says."""

from decimal import Decimal
from pathlib import Path

import pytest

from loadtester.analysis import summarise
from loadtester.cost import price_table
from loadtester.cost.basis import Basis
from loadtester.cost.bill import Line, Tariff, numbered
from loadtester.cost.lengths import bounded
from loadtester.cost.what_if import what_if
from loadtester.reporters.html.markup import join, tag
from loadtester.reporters.html.money import money
from loadtester.reporters.html.page import _script_text
from loadtester.rundir import read
from loadtester.scenario.mix import HAIKU

TARIFF = Tariff(price_table({}))
MESSAGES = 1_000_000
#: Of every place of the slider: the messages, and the amounts of a day and a month.
_PLACES = """() => {
  const slider = document.getElementById("what-if-messages");
  const text = (name) => document.getElementById(`what-if-${name}`).textContent;
  const places = [];
  for (let at = Number(slider.min); at <= Number(slider.max); at += Number(slider.step)) {
    slider.value = at;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    places.push([text("messages-value"), text("day"), text("month")]);
  }
  return places;
}"""


@pytest.fixture(scope="module")
def report():
    run = read(Path(__file__).parents[3] / "reports" / "example")
    return summarise(run.manifest, run.recording, price_table({}))


@pytest.fixture
def sliders(open_page, report):
    """The page of a bill, and what a message of it costs."""

    def of(*shares, input_tokens):
        lines = numbered(Line(f"of {share}", HAIKU, share, input=input_tokens) for share in shares)
        basis = Basis("test", lines, MESSAGES, lambda line, limit: bounded(line.output, limit), good=1)
        parts = money(report, what_if(basis, TARIFF, None)), tag("script", _script_text())
        page, said, _ = open_page(f"<!doctype html>{join(*parts)}".encode())
        assert said == []
        return page, TARIFF.usd_per_message(lines)

    return of


def _usd(amount):
    return f"${amount:,.2f}"


@pytest.mark.parametrize("day_usd", ["222.125", "222.135", "222.145", "2.675", "1.005", "8123456.785"])
@pytest.mark.parametrize("parts", [1, 3])
def test_half_a_cent_at_rest_is_the_command_lines(sliders, day_usd, parts):
    """Half a cent goes to the even one; where thirds in decimals lie just beside it, to the nearer one."""
    price = TARIFF.rates(HAIKU)["input"]
    shares = [Decimal(1) / parts] * parts
    page, message_usd = sliders(*shares, input_tokens=Decimal(day_usd) / price)
    said = [page.locator(f"#what-if-{name}").inner_text() for name in ("day", "month", "saved")]
    assert said == [_usd(message_usd * MESSAGES), _usd(message_usd * MESSAGES * 30), "$0.00"]


def test_half_a_cent_is_the_command_lines_wherever_the_slider_is(sliders):
    """Of all the slider's places, at several of which an amount lies in the middle of two cents."""
    page, message_usd = sliders(Decimal(1), input_tokens=Decimal("888.5"))
    places = page.evaluate(_PLACES)
    assert len(places) > 300
    halves = 0
    for messages, *said in places:
        day_usd = message_usd * int(messages.replace(",", ""))
        assert said == [_usd(day_usd), _usd(day_usd * 30)], messages
        halves += (day_usd * 1000) % 10 == 5
    assert halves > 3
