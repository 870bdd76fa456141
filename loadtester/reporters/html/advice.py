"""What to do about it: findings, each with the command that can prove it wrong."""

from __future__ import annotations

from loadtester.analysis import Advice, Report
from loadtester.reporters.html.markup import Markup, section, tag


def advice(report: Report) -> Markup | None:
    """The findings, what is most at stake first as the report has them; nothing where there are none."""
    if not report.advice:
        return None
    return section("advice", "What to do", tag("ol", (_finding(one) for one in report.advice), class_="advice"))


def _finding(one: Advice) -> Markup:
    return tag(
        "li",
        tag("p", tag("strong", one.message)),
        tag("p", f"{one.change}: {one.effect}"),
        tag("p", "Check it: ", tag("code", one.check), class_="quiet"),
    )
