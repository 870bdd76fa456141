"""Runs held against each other: two, or many over time."""
