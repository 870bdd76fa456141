"""`make bench`: what fmload costs, as a table. Prints, asserts nothing."""

from __future__ import annotations

import startup

for name, value in startup.rows():
    print(f"{name:<42}{value}")  # noqa: T201  a table is what it is for
