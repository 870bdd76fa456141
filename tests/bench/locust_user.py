"""Locust's FastHttpUser at the null server, for `locust -f`: POSTs, or streams with a parser, by FMLOAD_BENCH_PATH."""

from __future__ import annotations

import os
import time

from locust import FastHttpUser, constant, task  # type: ignore[import-not-found]  lives in an environment of its own

_BODY = b'{"request_id":"r-7","session_id":"s-3","message":"Do you have Attack on Titan volume 34 in stock?"}'
_PATH = os.environ["FMLOAD_BENCH_PATH"]


class Chat(FastHttpUser):  # type: ignore[misc]  see above
    """Asks again as soon as it has its answer."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        if "stream" not in _PATH:
            self.client.post(_PATH, data=_BODY, headers={"content-type": "application/json"})
            return
        gaps, last_s = [], time.perf_counter()
        for line in self.client.iter_lines(_PATH, method="POST", data=_BODY):
            if line.startswith("data:"):
                now_s = time.perf_counter()
                gaps.append(now_s - last_s)
                last_s = now_s
