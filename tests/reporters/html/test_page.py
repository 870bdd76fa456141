"""report.html, in a real browser."""

import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loadtester.analysis import ThresholdResult, summarise
from loadtester.analysis.comparison.found import Row
from loadtester.analysis.comparison.measures import MEASURES
from loadtester.analysis.curve import curve
from loadtester.analysis.over_time import over_time
from loadtester.analysis.quotas.calls import call_log
from loadtester.cli.app import app
from loadtester.cost import price_table
from loadtester.model import Outcome
from loadtester.recorder import Recording
from loadtester.reporters.html import html_page
from loadtester.reporters.html.comparison import _row
from loadtester.reporters.html.quota import quota
from loadtester.rundir import read, request_lines

EXAMPLE = Path(__file__).parents[3] / "reports" / "example"
EVIL = """"><script>document.title='evil'</script><!--</script>'&"""

#: How many figures there are, and in how many of them something is drawn.
DRAWN = """() => [...document.querySelectorAll("figure.chart canvas")].map((canvas) =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0))"""

#: Texts whose contrast to what lies behind them is under 4.5 (WCAG 2.2, 1.4.3).
FAINT = r"""() => {
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *:not(script)")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!says || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(element instanceof SVGElement ? style.fill : style.color), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(`${element.tagName} ${element.className} ${contrast.toFixed(2)}`);
  }
  return faint;
}"""

#: What is wrong with headings, landmarks, names and labels.
FAULTS = """() => {
  const faults = [];
  const levels = [...document.querySelectorAll("h1,h2,h3,h4")].map((one) => Number(one.tagName[1]));
  levels.forEach((level, i) => { if (level > (levels[i - 1] ?? 0) + 1) faults.push(`heading ${i} skips`); });
  if (levels.filter((level) => level === 1).length !== 1) faults.push("not one h1");
  for (const landmark of ["header", "nav", "main", "footer"])
    if (document.querySelectorAll(`body > ${landmark}`).length !== 1) faults.push(`not one ${landmark}`);
  for (const input of document.querySelectorAll("input"))
    if (!document.querySelector(`label[for="${input.id}"]`)) faults.push(`no label: ${input.id}`);
  for (const image of document.querySelectorAll("[role=img]"))
    if (!image.getAttribute("aria-label")) faults.push("an image without words");
  for (const figure of document.querySelectorAll("figure"))
    if (!figure.querySelector("details table")) faults.push("a figure without a table");
  for (const table of document.querySelectorAll("main table:not(.u-legend)"))
    if (!table.caption?.textContent) faults.push("a table without a caption");
  for (const scroll of document.querySelectorAll(".scroll"))
    if (scroll.tabIndex !== 0) faults.push("a frame that the keyboard can't scroll");
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  for (const link of document.querySelectorAll("a[href^='#']"))
    if (!document.getElementById(link.hash.slice(1))) faults.push(`nothing at ${link.hash}`);
  if (!document.documentElement.lang) faults.push("no language");
  return faults;
}"""


def _page(manifest, run, levers=None, calls=None, **changes):
    report = replace(summarise(manifest, run, price_table({}), calls), **changes)
    return html_page(report, over_time(run), curve(run, "latency"), curve(run, "service"), levers)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example run, reported by the command line."""
    directory = tmp_path_factory.mktemp("reports") / "example"
    shutil.copytree(EXAMPLE, directory)
    assert CliRunner().invoke(app, ["report", str(directory), "--summary", "none"]).exit_code == 0
    return directory


def _changes(page, expression, before):
    """Wait until it is another; the page's own policy lets no script of ours wait there."""
    for _ in range(200):
        if page.evaluate(expression) != before:
            return
        page.wait_for_timeout(25)
    raise AssertionError("it stayed as it was")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_example_is_drawn_and_can_be_read_by_all(example, open_page, scheme):
    """No error, nothing fetched, each chart drawn, contrast of 4.5, order in headings; light and dark."""
    page, said, asked = open_page((example / "report.html").read_bytes(), color_scheme=scheme)
    assert said == []
    assert asked == []
    drawn = page.evaluate(DRAWN)
    assert len(drawn) == page.locator("figure.chart").count() >= 8
    assert all(drawn)
    assert page.evaluate(FAINT) == []
    assert page.evaluate(FAULTS) == []


def test_schemes_differ_and_charts_follow(example, open_page):
    """A page that is open follows when the reader goes dark: ground, and the lines of its charts."""
    page, said, _ = open_page((example / "report.html").read_bytes(), color_scheme="light")
    pixels = "document.querySelector('figure.chart canvas').toDataURL()"
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(pixels), page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    _changes(page, pixels, before[0])
    assert page.evaluate(ground) != before[1]
    assert said == []


def test_a_phone_scrolls_down_only(example, open_page):
    """At 360 px nothing is wider than the window, and charts fit it."""
    page, said, _ = open_page((example / "report.html").read_bytes(), viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("Math.max(...[...document.querySelectorAll('canvas')].map((one) => one.clientWidth))") <= 360
    assert said == []


def test_paper(example, open_page):
    """It prints: light, without the ways around the page."""
    page, said, _ = open_page((example / "report.html").read_bytes(), color_scheme="dark")
    assert page.pdf(format="A4", print_background=True).startswith(b"%PDF")
    pixels = "document.querySelector('figure.chart canvas').toDataURL()"
    before = page.evaluate(pixels)
    page.emulate_media(media="print")
    _changes(page, pixels, before)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert said == []


def test_the_page_is_small_and_whole(example):
    """One file under 1.5 MB that names no other address but in text."""
    content = (example / "report.html").read_text("utf-8")
    assert len(content.encode()) < 1_500_000
    assert not re.search(r"""(?:src|href)="(?!#)|url\(|@import""", content)


def test_sliders_say_what_the_command_line_says(example, open_page):
    """Wherever the sliders are, day and month are those of the command that stands below, as it stands, to the cent.

    The run was copied: its commands name the copy.
    """
    page, said, _ = open_page((example / "report.html").read_bytes())

    def put(name, value):
        page.locator(f"#what-if-{name}").evaluate(
            "(one, value) => { one.value = value; one.dispatchEvent(new Event('input', {bubbles: true})); }", str(value)
        )

    def agrees():
        words = shlex.split(page.locator("#what-if-command").inner_text())
        assert words[:3] == ["fmload", "cost", str(example)]
        ran = CliRunner().invoke(app, [*words[1:], "--json"])
        assert ran.exit_code == 0, ran.stderr
        quoted = json.loads(ran.stdout)
        final = quoted["combined"] or quoted["now"]
        for period in ("day", "month"):
            shown = page.locator(f"#what-if-{period}").inner_text()
            assert shown == f"${float(final[f'{period}_usd']['usd']):,.2f}"
        return words

    assert len(agrees()) == 5
    for moves in (
        {"messages": 6.3},
        {"share": 80},
        {"share": 20},
        {"hits": 50},
        {"limit": 6},
        {"messages": 5.5, "share": 95, "hits": 32, "limit": 4},
        {"share": 0, "hits": 90},
        {"share": 100, "limit": 0},
    ):
        page.get_by_role("button", name="As measured").click()
        for name, value in moves.items():
            put(name, value)
        assert len(agrees()) == 5 + 2 * len(set(moves) - {"messages"})
    assert said == []


def test_names_are_text(mix, seconds, open_page):
    """Whatever a query type, model, tag, scenario or failure is called, it is shown, and runs nothing."""
    manifest = mix(EVIL, "easy") | {"name": EVIL, "target": EVIL, "pattern": EVIL}
    manifest["scenario"] = manifest["scenario"] | {"output": {"name": EVIL, "tags": {EVIL: EVIL}}}
    run = seconds(names=(EVIL, "easy"), models=(EVIL, EVIL + "2"))
    failed = replace(run.intervals[0], failures={(Outcome.BROKEN, EVIL): 3})
    run = Recording((failed, *run.intervals[1:]))
    limit = ThresholdResult(EVIL, 1.0, None, 2.0, 0.5, "pass")
    page, said, _ = open_page(_page(manifest, run, thresholds=(limit,)))
    assert said == []
    assert page.title().startswith(EVIL)
    assert page.locator("script:not([type])").count() == 1
    assert page.locator("h1").inner_text() == EVIL
    assert page.locator("#parts th", has_text=EVIL).count() == 1
    assert page.locator("#thresholds code").inner_text() == EVIL
    assert all(page.evaluate(DRAWN))


@pytest.mark.parametrize("kind", ["nothing", "one", "failures", "cut", "closed", "unpriced"])
def test_any_run_has_a_page(kind, mix, seconds, open_page):
    """A run of nothing, of one second, of failures only, killed, of users, without prices: no error, no empty chart."""
    manifest = mix("easy", "hard")
    run = seconds()
    if kind == "nothing":
        run = Recording()
    elif kind == "one":
        run = seconds(1)
    elif kind == "failures":
        run = seconds(outcome=Outcome.TIMEOUT)
    elif kind == "cut":
        manifest |= {"status": "running"}
        run = seconds(7)
    elif kind == "closed":
        manifest |= {"model": "closed", "plan": manifest["plan"] | {"requests": None, "users": 20}}
    else:
        run = seconds(models=("nobody/knows", "this/one"))
    page, said, _ = open_page(_page(manifest, run))
    assert said == []
    assert all(page.evaluate(DRAWN))
    assert page.evaluate(FAULTS) == []
    words = {
        "nothing": "none was sent",
        "one": "Valid measurement",
        "failures": "No request was answered ok",
        "cut": "killed, or is still running",
        "closed": "latency is uncorrected",
        "unpriced": "No price is known for nobody/knows, this/one",
    }
    if kind != "one":
        assert words[kind] in page.locator("main").inner_text()


def test_commands_name_the_run_that_was_read(example):
    """In the terminal and on the page; the run was made elsewhere, and copied."""
    ran = CliRunner().invoke(app, ["report", str(example)])
    named = set(re.findall(r"fmload (?:cost|report) (\S+)", ran.stderr)) - {"-"}
    assert named == {str(example)}
    assert ran.stderr.splitlines()[:2] == [str(example), f"report: {example / 'report.html'}"]


def test_the_page_is_named_unless_nothing_is_to_be_said(example):
    """`--summary none` keeps the terminal clean."""
    ran = CliRunner().invoke(app, ["report", str(example), "--summary", "none"])
    assert ran.output == ""


def test_a_band_is_one_thing_and_ends_with_the_run(seconds, mix, open_page):
    """The legend names the interval once, with both bounds; beyond what the run is long enough for there is none."""
    page, said, _ = open_page(_page(mix("easy", "hard"), seconds()))
    figure = page.locator("#latency figure")
    names = [one.inner_text() for one in figure.locator(".u-legend .u-label").all() if one.is_visible()]
    assert names == ["percentile", "95 % interval", "from sent (uncorrected)", "from due (corrected)"]
    assert "Beyond p90 the run is too short for a 95 % interval." in page.locator("#latency").inner_text()
    assert said == []


def test_the_keyboard_reads_a_chart(seconds, mix, open_page):
    """A plot can be reached, and arrow keys move its cursor from point to point, as far as there are any."""
    page, said, _ = open_page(_page(mix("easy", "hard"), seconds()))
    plot = page.locator("#latency figure .plot")
    plot.focus()
    at = plot.locator(".u-legend .u-series:visible .u-value")
    read = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "End", "ArrowRight"):
        page.keyboard.press(key)
        read.append(at.first.inner_text())
    assert read[0] == read[2] == read[3] == "p0"
    assert read[1] == "p10.8749"
    assert read[4] == read[5]
    assert "–" in at.nth(1).inner_text()
    page.keyboard.press("Home")
    assert at.nth(1).inner_text() == "–"  # the least of all has no interval
    page.keyboard.press("ArrowRight")
    assert re.fullmatch(r".+ m?s – .+ m?s", at.nth(1).inner_text())
    assert said == []


def test_more_than_a_limit_is_explained(example):
    """A bar can't be longer than whole: that a minute's use can be more is said below it."""
    past = read(example)
    report = summarise(past.manifest, past.recording, price_table({}), call_log(request_lines(example)))
    name, model = next((name, one) for name, one in report.quota.by_model.items() if one.headroom is not None)
    for headroom, is_said in ((0.1, False), (-0.72, True)):
        found = replace(report.quota, by_model={name: replace(model, headroom=headroom)})
        assert ("More than 100 %" in quota(replace(report, quota=found))) is is_said


def test_shares_differ_by_points(row):
    """A difference of shares is no share; signs are those of the terminal."""
    measure = next(one for one in MEASURES if one.unit == "share")
    cells = _row(replace(row, measure=measure, difference=-0.0028, difference_ci95=(-0.005, 0.001), relative=-0.1))
    assert cells[4:] == ("-0.28 pt", "-0.50 pt to +0.10 pt", "-10.0%")


@pytest.fixture
def row():
    """A row of a comparison."""
    return Row(MEASURES[0], 0.9, 0.9, 0.0, (0.0, 0.0), 0.0, (0.0, 0.0), 0.05, "worse")


def test_quotas_of_the_example(example):
    """What was used of each limit stands in the page, from the lines of the requests."""
    past = read(example)
    page = _page(past.manifest, past.recording, calls=call_log(request_lines(example))).decode()
    assert 'id="quota"' in page
    assert "You hit the quota" in page
