"""The search for a rate: what to try next, what a step showed, and what was found."""
