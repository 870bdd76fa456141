"""What the program does, from a scenario to a report."""

from loadtester.campaign.campaign import Watch, report, run

__all__ = ["Watch", "report", "run"]
