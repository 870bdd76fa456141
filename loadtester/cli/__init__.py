"""The command line: flags, exit codes, one file a verb. Heavy imports happen inside the verbs."""

from loadtester.cli.app import main

__all__ = ["main"]
