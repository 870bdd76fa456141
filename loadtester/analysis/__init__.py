"""The judging arm: pure functions from a recording to a report."""

from loadtester.analysis.report import (
    Advice,
    CacheHits,
    Cost,
    Failure,
    Fallback,
    Figures,
    Funnel,
    Rates,
    Reason,
    Report,
    Split,
    Spread,
    Stage,
    ThresholdResult,
    Tokens,
    Validity,
)
from loadtester.analysis.summary import summarise

__all__ = [
    "Advice",
    "CacheHits",
    "Cost",
    "Failure",
    "Fallback",
    "Figures",
    "Funnel",
    "Rates",
    "Reason",
    "Report",
    "Split",
    "Spread",
    "Stage",
    "ThresholdResult",
    "Tokens",
    "Validity",
    "summarise",
]
