"""Where the time of an answer went, by the target's own account and by what that leaves over, as samples in ns."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: What the target names is measured under this and its name; `app` and `network` are reckoned.
PREFIX: Final = "stage."
APP: Final = "app"
NETWORK: Final = "network"

#: Those of docs/target-api.md always have a place, whatever else a target names first.
_KNOWN: Final = ("session", "cache", "retrieval", "model_ttft", "model", "validation", "total")
_MOST_STAGES: Final = 16
#: No stage takes longer than a day: what is beyond that is no time.
_MOST_S: Final = 86_400.0
#: Names stand in a tag of intervals.hlog, whose own signs they may not hold.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]")
_NAME_CHARS: Final = 32

#: What an answer told of its time, in seconds by stage, and how long it took as seen from here, in ns.
Account: TypeAlias = tuple[Mapping[str, float], int]
Samples: TypeAlias = "dict[str, array[int]]"  # arrays take no index before Python 3.12


class Stages:
    """The stages that one target names: the first ones, so that no target can fill the memory with names."""

    __slots__ = ("_metrics",)

    def __init__(self) -> None:
        self._metrics = {name: PREFIX + name for name in _KNOWN}

    def add(self, samples: Samples, timing_s: Mapping[str, float], service_ns: int) -> None:
        """Take an answer's account of its time. A stage that took none had nothing to do, and is left out.

        Without `total`, as of Bedrock itself, the model's time is all that the target tells of.
        """
        metrics = self._metrics
        for name, seconds in timing_s.items():
            if 0.0 < seconds <= _MOST_S:
                try:
                    samples[metrics[name]].append(int(seconds * 1e9))
                except KeyError:  # once a second and stage; a look-up before each would take longer
                    self._put_first(samples, name, int(seconds * 1e9))
        total_s, model_s = timing_s.get("total"), timing_s.get("model")
        told_s = model_s if total_s is None else total_s
        if told_s is None or not 0.0 <= told_s <= _MOST_S:
            return
        # Two clocks: neither difference is below zero by more than what they were rounded by.
        _put(samples, NETWORK, max(0, service_ns - int(told_s * 1e9)))
        if total_s is not None and model_s is not None and 0.0 <= model_s <= _MOST_S:
            _put(samples, APP, max(0, int((total_s - model_s) * 1e9)))

    def add_each(self, samples: Samples, accounts: list[Account]) -> None:
        """`add` of many at once, which empties the list: numpy takes a quarter of the time where they name the same."""
        names = tuple(accounts[0][0])
        if any(tuple(timing_s) != names for timing_s, _ in accounts):
            for timing_s, service_ns in accounts:
                self.add(samples, timing_s, service_ns)
            accounts.clear()
            return
        told_s = dict(zip(names, np.array([tuple(timing_s.values()) for timing_s, _ in accounts]).T, strict=True))
        took_ns = np.array([service_ns for _, service_ns in accounts])
        accounts.clear()
        with np.errstate(invalid="ignore"):
            for name, seconds in told_s.items():
                metric = self._metric(name)
                if metric is not None:
                    _put_each(samples, metric, _ns(seconds[(seconds > 0.0) & (seconds <= _MOST_S)]))
            total_s, model_s = told_s.get("total"), told_s.get("model")
            whole_s = model_s if total_s is None else total_s
            if whole_s is None:
                return
            is_time = (whole_s >= 0.0) & (whole_s <= _MOST_S)
            _put_each(samples, NETWORK, np.maximum(0, took_ns[is_time] - _ns(whole_s[is_time])))
            if total_s is not None and model_s is not None:
                both = is_time & (model_s >= 0.0) & (model_s <= _MOST_S)
                _put_each(samples, APP, np.maximum(0, _ns(np.maximum(total_s[both] - model_s[both], 0.0))))

    def _metric(self, name: str) -> str | None:
        """What a stage is measured under; its name is learnt if there is room for it."""
        metric = self._metrics.get(name)
        if metric is None and len(self._metrics) < _MOST_STAGES:
            metric = self._metrics[name] = PREFIX + _UNSAFE.sub("_", name)[:_NAME_CHARS]
        return metric

    def _put_first(self, samples: Samples, name: str, value_ns: int) -> None:
        """A stage's first value of the second."""
        metric = self._metric(name)
        if metric is not None:
            _put(samples, metric, value_ns)


def _put(samples: Samples, metric: str, value_ns: int) -> None:
    known = samples.get(metric)
    if known is None:
        samples[metric] = array("q", (value_ns,))
    else:
        known.append(value_ns)


def _ns(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return (seconds * 1e9).astype(np.int64)


def _put_each(samples: Samples, metric: str, values_ns: NDArray[np.int64]) -> None:
    if len(values_ns):
        known = samples.get(metric)
        if known is None:
            known = samples[metric] = array("q")
        known.frombytes(values_ns.tobytes())
