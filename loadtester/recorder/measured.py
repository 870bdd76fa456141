"""What was measured of a second's requests, a number a request, and the histograms that come of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtester.model import Ending, Outcome, Series
from loadtester.recorder.histogram import MANY, Counts, count_each_ns, count_ns
from loadtester.recorder.probe import Probe
from loadtester.recorder.split import Account, Samples

#: What is measured of a request (docs/measurement.md), besides the stages that the target names.
METRICS: Final = ("latency", "service", "lag", "connect", "ttft", "ttft_service", "itl", "tpot")


class Measured:
    """What was measured of requests that are alike, in ns, one array a metric; stages and the like are in `split`."""

    __slots__ = (*METRICS, "accounts", "split")

    def __init__(self) -> None:
        self.latency = array("q")
        self.service = array("q")
        self.lag = array("q")
        self.connect = array("q")
        self.ttft = array("q")
        self.ttft_service = array("q")
        self.itl = array("q")
        self.tpot = array("q")
        self.accounts: list[Account] = []
        self.split: Samples = {}

    def add(self, probe: Probe, ending: Ending) -> None:
        """Measure a request that is done."""
        done_ns, sent_ns, due_ns = probe.done_ns, probe.sent_ns, probe.due_ns
        if done_ns is None or sent_ns is None or ending.outcome is Outcome.CANCELLED:
            return  # what the user stopped says nothing of the target
        self.latency.append(done_ns - due_ns)
        self.service.append(done_ns - sent_ns)
        connect_ns = probe.connect_ns or 0
        if not probe.is_held:
            # Opening a connection is the target's time and the network's; one opened ahead took none of this request's.
            self.lag.append(max(probe.launched_ns - due_ns, sent_ns - due_ns - connect_ns))
        if connect_ns:
            self.connect.append(connect_ns)
        first_ns = probe.first_ns
        if first_ns is None:
            return
        self.ttft.append(first_ns - due_ns)
        self.ttft_service.append(first_ns - sent_ns)
        if probe.gaps_ns is not None:
            self.itl.extend(probe.gaps_ns)
        usage = ending.usage
        if usage is not None and usage.output > 1 and probe.n_chunks > 1:
            self.tpot.append((done_ns - first_ns) // (usage.output - 1))

    def each(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Metrics of which there is a value, each with its values."""
        for metric in METRICS:
            values: array[int] = getattr(self, metric)
            if values:
                yield metric, np.frombuffer(values, dtype=np.int64)
        for metric, values in self.split.items():
            yield metric, np.frombuffer(values, dtype=np.int64)


def counts_of(measured: Iterable[tuple[tuple[str, str, str], bool, Measured]]) -> dict[Series, Counts]:
    """Histograms of what was measured of each query type, kind and model, and of whether those requests were ok."""
    series = {Series(metric, *names, is_ok): values for names, is_ok, one in measured for metric, values in one.each()}
    many = {key: values for key, values in series.items() if len(values) >= MANY}
    few = {key: values for key, values in series.items() if len(values) < MANY}
    return {key: count_ns(values) for key, values in many.items()} | dict(
        zip(few, count_each_ns(list(few.values())), strict=True)
    )
