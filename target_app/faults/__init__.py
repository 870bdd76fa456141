"""Faults that the target is told to have: a plan of them, and the seeded draw of which request gets which."""
