"""Limits on what a run measured, judged while it goes on and at its end."""
