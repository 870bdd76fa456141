"""Is this machine fit to measure with, and how well does it?"""

from loadtester.doctor.calibration import Calibration, known_calibration, save
from loadtester.doctor.check import Check, Level
from loadtester.doctor.machine import checks
from loadtester.doctor.selftest import calibrate

__all__ = ["Calibration", "Check", "Level", "calibrate", "checks", "known_calibration", "save"]
