"""Outcomes in, recordings out: columns, HdrHistograms and per-second counters."""

from loadtester.recorder.columns import Column, OneSecond, together
from loadtester.recorder.exchanges import Exchange, chosen
from loadtester.recorder.gatherer import Batch, Gatherer
from loadtester.recorder.histogram import Counts, Histogram, count_ns
from loadtester.recorder.keeper import Keeper
from loadtester.recorder.keeping_probe import KeepingProbe
from loadtester.recorder.meter import Meter
from loadtester.recorder.probe import Probe
from loadtester.recorder.recorder import FIRST_ATTEMPT, Price, Recorder
from loadtester.recorder.recording import Cell, Interval, Recording, measured, recording
from loadtester.recorder.rows import COLUMNS, packed
from loadtester.recorder.split import APP, NETWORK, PREFIX
from loadtester.recorder.tick import Quantiles, Tick

__all__ = [
    "APP",
    "COLUMNS",
    "FIRST_ATTEMPT",
    "NETWORK",
    "PREFIX",
    "Batch",
    "Cell",
    "Column",
    "Counts",
    "Exchange",
    "Gatherer",
    "Histogram",
    "Interval",
    "Keeper",
    "KeepingProbe",
    "Meter",
    "OneSecond",
    "Price",
    "Probe",
    "Quantiles",
    "Recorder",
    "Recording",
    "Tick",
    "chosen",
    "count_ns",
    "measured",
    "packed",
    "recording",
    "together",
]
