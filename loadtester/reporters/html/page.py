"""report.html: one file that needs nothing else, put together from its sections."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from loadtester.analysis import Report
from loadtester.analysis.curve import Curve
from loadtester.analysis.over_time import OverTime
from loadtester.cost.what_if import WhatIf
from loadtester.recorder import Exchange
from loadtester.reporters.html.advice import advice
from loadtester.reporters.html.comparison import comparison
from loadtester.reporters.html.course import course
from loadtester.reporters.html.environment import environment
from loadtester.reporters.html.exchanges import exchanges
from loadtester.reporters.html.funnel import funnel
from loadtester.reporters.html.heat import heat
from loadtester.reporters.html.latency import latency
from loadtester.reporters.html.markup import Markup, join, tag
from loadtester.reporters.html.money import money
from loadtester.reporters.html.parts import parts
from loadtester.reporters.html.quota import quota
from loadtester.reporters.html.split import split
from loadtester.reporters.html.thresholds import thresholds
from loadtester.reporters.html.verdict import header, verdict

#: Each section's name, and what the way to it is called.
_NAMES: Final = {
    "verdict": "Verdict",
    "funnel": "Funnel",
    "thresholds": "Thresholds",
    "latency": "Latency",
    "time": "Over time",
    "heat": "Heat map",
    "parts": "Parts",
    "split": "App or model",
    "cost": "Cost",
    "quota": "Quota",
    "advice": "What to do",
    "exchanges": "Exchanges",
    "comparison": "Baseline",
    "environment": "Environment",
}
_STYLES: Final = ("uPlot.min.css", "page.css")
_SCRIPTS: Final = ("uPlot.iife.min.js", "charts.js", "what_if.js")


def html_page(
    report: Report,
    seen: OverTime,
    corrected: Curve,
    uncorrected: Curve,
    levers: WhatIf | None = None,
    kept: Sequence[Exchange] = (),
) -> bytes:
    """The page, in UTF-8. `corrected` is latency from due, `uncorrected` from sent."""
    sections = {
        "verdict": verdict(report),
        "funnel": funnel(report),
        "thresholds": thresholds(report),
        "latency": latency(report, corrected, uncorrected),
        "time": course(seen),
        "heat": heat(seen),
        "parts": parts(report),
        "split": split(report),
        "cost": money(report, levers),
        "quota": quota(report),
        "advice": advice(report),
        "exchanges": exchanges(kept),
        "comparison": comparison(report.against),
        "environment": environment(report),
    }
    shown = {name: one for name, one in sections.items() if one is not None}
    body = tag(
        "body",
        tag("a", "To the verdict", href="#verdict", class_="skip"),
        header(report),
        tag("nav", tag("ul", (_way(name) for name in shown)), aria_label="Sections"),
        tag("main", shown.values()),
        tag(
            "footer",
            tag("p", f"fmload {(report.manifest.get('versions') or {}).get('fmload', '')} · {report.manifest['id']}"),
        ),
        _script(),
    )
    title = tag("title", f"{report.manifest['name']}: {report.validity.verdict} · fmload")
    return ("<!doctype html>\n" + tag("html", _head(title), body, lang="en") + "\n").encode("utf-8")


def _way(name: str) -> Markup:
    return tag("li", tag("a", _NAMES[name], href=f"#{name}"))


def _head(title: Markup) -> Markup:
    style, script = _style_text(), _script_text()
    # Nothing but this script and this style runs, and nothing is fetched, whatever a name in the data tries.
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        title,
        tag("style", style),
    )


def _script() -> Markup:
    return tag("script", _script_text())


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _style_text() -> Markup:
    return join(*map(_asset, _STYLES))


@cache
def _script_text() -> Markup:
    return Markup("\n".join(map(_asset, _SCRIPTS)))


def _asset(name: str) -> Markup:
    return Markup((files(__package__) / "assets" / name).read_text("utf-8"))
