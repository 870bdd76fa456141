"""A browser, and runs to report on."""

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from loadtester.campaign.exports import Judged, levers
from loadtester.model import CellKey, Outcome, Series
from loadtester.recorder import Cell, Interval, count_ns, recording
from loadtester.rundir import SCHEMA

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"
EXAMPLE = Path(__file__).parents[3] / "reports" / "example"


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, headless; in CI a missing one fails the run, as every skip does.

    Gone with its tests: Playwright keeps an event loop running, in which those of others could not begin.
    """
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that a container's root has not; the page is our own.
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens a page in a window of its own; with it all that it said on the console and asked of the network."""
    contexts = []

    def opened(content, **options):
        path = tmp_path / "report.html"
        path.write_bytes(content)
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page, said, [url for url in asked if url != path.as_uri()]

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def manifest():
    """Of a run of 60 s, 10 requests a second, of two query types."""
    return json.loads((EXAMPLE / "manifest.json").read_text()) | {
        "schema": SCHEMA,
        "calibration": None,
        "plan": {"requests": 600, "users": None, "duration_s": 60.0, "sha256": "", "prediction": None},
    }


@pytest.fixture
def seconds():
    """Recordings of so many seconds: `names` are query types, one of Haiku's and one of Sonnet's."""

    def make(count=60, *, names=("easy", "hard"), models=(HAIKU, SONNET), outcome=Outcome.OK):
        rng = np.random.default_rng(1)
        intervals = []
        for second in range(count):
            cells, counts = {}, {}
            for name, model in zip(names, models, strict=True):
                cells[CellKey(name, "ai", model, model if outcome is Outcome.OK else "", outcome)] = Cell(
                    count=5, sent=5, in_slo=5, input=2_000, output=500 + second, usd=Decimal("0.001")
                )
                took_ns = (rng.lognormal(0.0, 0.5, 5) * 1e9).astype(np.int64)
                for metric in ("latency", "service", "ttft", "lag"):
                    counts[Series(metric, name, "ai", model, outcome is Outcome.OK)] = count_ns(took_ns)
            intervals.append(Interval(second, planned=10, sent=10, in_flight=8, cells=cells, counts=counts))
        return recording(intervals)

    return make


@pytest.fixture
def mix(manifest):
    """The manifest with a mix of these query types."""

    def mixed(*names):
        entries = [{"name": name, "share": 1 / len(names), "model": HAIKU, "kind": "ai"} for name in names]
        return manifest | {"scenario": manifest["scenario"] | {"mix": entries}}

    return mixed


@pytest.fixture
def levers_of():
    """The bill's coefficients of a judged run that lies in a directory."""

    def of(directory, run, report):
        return levers(replace(Judged(Path(), run, report), directory=directory))

    return of
