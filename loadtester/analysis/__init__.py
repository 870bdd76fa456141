"""The judging arm: pure functions from a recording to a report."""

from loadtester.analysis.report import (
    Advice,
    Cost,
    Failure,
    Figures,
    Funnel,
    Rates,
    Reason,
    Report,
    Spread,
    Tokens,
    Validity,
)
from loadtester.analysis.summary import summarise

__all__ = [
    "Advice",
    "Cost",
    "Failure",
    "Figures",
    "Funnel",
    "Rates",
    "Reason",
    "Report",
    "Spread",
    "Tokens",
    "Validity",
    "summarise",
]
