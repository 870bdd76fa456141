"""summary.json: stable names, SI units, rates as fractions; null where there is nothing to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from loadtester.analysis import Cost, Figures, Report, Spread
from loadtester.analysis.comparison.found import Compared
from loadtester.analysis.concurrency import concurrent
from loadtester.analysis.quotas.quota import Quota
from loadtester.errors import PRECEDENCE
from loadtester.reporters.comparison import comparison_fields
from loadtester.reporters.predicted import predicted

SCHEMA = 1


def summary(report: Report) -> dict[str, Any]:
    """The report as JSON-ready values; docs/cli.md lists the fields."""
    total = report.total
    return {
        "schema": SCHEMA,
        "run": _run(report),
        "validity": {
            "verdict": report.validity.verdict,
            "reasons": [
                {"code": reason.code, "message": reason.message, "evidence": dict(reason.evidence)}
                for reason in report.validity.reasons
            ],
        },
        "warmup": asdict(report.warmup) if report.warmup is not None else None,
        "funnel": asdict(total.funnel),
        "rates": asdict(total.rates),
        **{f"{name}_s": _spread(getattr(total, name)) for name in _SPREADS},
        "concurrent": concurrent(total, report),
        "held": total.held,
        "reconnects": total.reconnects,
        "degraded": total.degraded,
        "attempts": asdict(total.attempts) if total.attempts is not None else None,
        "split": asdict(total.split) if total.split is not None else None,
        "fallbacks": [asdict(fallback) for fallback in total.fallbacks],
        "cache": asdict(total.cache) if total.cache is not None else None,
        "tokens": asdict(total.tokens),
        "cost_usd": _cost(total.cost),
        "budget": report.manifest.get("budget"),
        "by": {
            dimension: {name: _part(part, report) for name, part in parts.items()}
            for dimension, parts in report.by.items()
        },
        "quota": _quota(report.quota),
        "predicted": predicted(report),
        "failures": [asdict(failure) for failure in report.failures],
        "exchanges": {"file": "exchanges.ndjson", "kept": dict(report.kept)} if report.kept else None,
        "thresholds": [asdict(result) for result in report.thresholds],
        "comparison": _comparison(report.against),
        "advice": [asdict(advice) for advice in report.advice],
        "calibration": report.manifest.get("calibration"),
    }


def summary_text(report: Report) -> str:
    """summary.json's text."""
    return json.dumps(summary(report), indent=2, ensure_ascii=False, default=_plain) + "\n"


def exit_code(report: Report) -> int:
    """The process's exit code: the first in order of precedence of those that hold."""
    return next((int(code) for code in PRECEDENCE if code in report.exit_codes), 0)


_COST_OF_PART = ("run", "good", "wasted", "per_good_answer", "warmup", "ci95")
_SPREADS_OF_PART = ("latency", "service", "ttft", "tpot", "failed_latency")
_SPREADS = ("latency", "service", "lag", "ttft", "itl", "tpot", "connect", "failed_latency")


def _run(report: Report) -> dict[str, Any]:
    manifest = report.manifest
    return {
        **{key: manifest.get(key) for key in ("id", "name", "target", "protocol", "pattern", "seed", "started_at")},
        "duration_s": manifest["plan"]["duration_s"],
        "elapsed_s": report.elapsed_s,
        "workers": manifest.get("workers"),
        "status": manifest.get("status"),
        "stopped_by": manifest.get("stopped_by"),
        "stop": manifest.get("stop"),
        "exit_code": exit_code(report),
        "exit_codes": list(report.exit_codes),
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return asdict(spread)


def _cost(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "unpriced_models": list(cost.unpriced_models)}


def _part(part: Figures, report: Report) -> dict[str, Any]:
    return {
        "funnel": asdict(part.funnel),
        "rates": asdict(part.rates),
        "concurrent": concurrent(part, report),
        **{f"{name}_s": _spread(getattr(part, name)) for name in _SPREADS_OF_PART},
        "split": asdict(part.split) if part.split is not None else None,
        "tokens": asdict(part.tokens),
        "cost_usd": {name: getattr(part.cost, name) for name in _COST_OF_PART},
    }


def _quota(quota: Quota | None) -> dict[str, Any] | None:
    if quota is None:
        return None
    knees = quota.knees
    return {
        "met": knees.met,
        "verdict": knees.words,
        "quota_knee": asdict(knees.quota) if knees.quota else None,
        "latency_knee": asdict(knees.latency) if knees.latency else None,
        "slowness": knees.slowness,
        "by_model": {model: asdict(one) for model, one in quota.by_model.items()},
    }


def _comparison(against: Compared | None) -> dict[str, Any] | None:
    """The verdict and the rows; the quantiles of both runs are in `fmload compare --summary json`."""
    if against is None:
        return None
    found = against.comparison
    if found is None:
        return {"baseline": against.baseline, "verdict": None, "why_not": against.why_not}
    fields = comparison_fields(found)
    del fields["shift"]
    return {"baseline": against.baseline, "why_not": "", **fields}


def _plain(value: object) -> Any:
    """Money as a JSON number with all its digits would need a string; readers of summaries want numbers."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
