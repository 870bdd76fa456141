"""`make bench`, or `python tests/bench [NAMES…]`: what fmload costs, as a table. Prints, asserts nothing.

NAMES are parts of it: startup, http (the transport and its drivers alone), ws (the same), load (the whole engine), live
(what watching costs it), app (the bundled MangaAssist), judge and report (of a million requests), and five that have to
be asked for: alarms, intervals, saturation and warmup (how well comparisons, reports and runs judge), and soak, which
takes minutes (soak.py).
"""

from __future__ import annotations

import sys

import alarms
import app
import http_path
import intervals
import judge
import live
import load
import report
import saturation
import soak
import startup
import warmup
import ws_path

PARTS = {
    "startup": startup.rows,
    "http": http_path.rows,
    "ws": ws_path.rows,
    "load": load.rows,
    "live": live.rows,
    "app": app.rows,
    "judge": judge.rows,
    "alarms": alarms.rows,
    "intervals": intervals.rows,
    "warmup": warmup.rows,
    "report": report.rows,
    "saturation": saturation.rows,
    "soak": soak.rows,
}

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(__doc__)
for part in sys.argv[1:] or [
    name for name in PARTS if name not in ("alarms", "soak", "intervals", "saturation", "warmup")
]:
    if part not in PARTS:
        sys.exit(f"{part} is no benchmark; there are {', '.join(PARTS)}")
    for name, value in PARTS[part]():
        print(f"{name:<60}{value}", flush=True)  # noqa: T201  a table is what it is for
