"""Reports as text: each reporter is a pure function of a Report."""

from loadtester.reporters.summary_json import exit_code, summary, summary_text
from loadtester.reporters.terminal import print_summary

__all__ = ["exit_code", "print_summary", "summary", "summary_text"]
