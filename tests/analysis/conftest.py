"""Calls to a model whose quota is known: a reference that decides one call after another."""

import heapq
from dataclasses import dataclass

import numpy as np
import pytest

from loadtester.analysis.quotas.calls import Calls


@dataclass
class Bucket:
    """Full at first; refills evenly."""

    per_minute: float
    level: float = None
    at_s: float = 0.0

    def take(self, amount, now_s):
        self.give(0.0, now_s, now_s)
        if amount > self.level:
            return False
        self.level -= amount
        return True

    def give(self, amount, taken_s, now_s):  # noqa: ARG002  a bucket forgets when
        level = self.per_minute if self.level is None else self.level
        level = min(level + (now_s - self.at_s) * self.per_minute / 60, self.per_minute)
        self.level, self.at_s = min(level + amount, self.per_minute), now_s


@dataclass
class Minute:
    """All is there again `turn_s` after the run's start, and each minute from there."""

    per_minute: float
    turn_s: float
    minute: int = -1
    used: float = 0.0

    def take(self, amount, now_s):
        minute = int((now_s - self.turn_s) // 60)
        if minute != self.minute:
            self.minute, self.used = minute, 0.0
        if self.used + amount > self.per_minute:
            return False
        self.used += amount
        return True

    def give(self, amount, taken_s, now_s):
        if (taken_s - self.turn_s) // 60 == (now_s - self.turn_s) // 60 == self.minute:
            self.used -= amount


@pytest.fixture
def calls_under():
    """Calls of `rate` a second for `duration_s`, as a quota lets them in; answers take 0.4 s and more."""

    def make(quota, *, rate, duration_s, seed=1, max_tokens=500, unit="tokens", slow_from_s=None, quiet_until_s=0.0):
        rng = np.random.default_rng(seed)
        n = int(rate * duration_s)
        start_s = np.sort(rng.uniform(0, duration_s, n))
        start_s = start_s[(start_s >= quiet_until_s) | (np.arange(n) % 20 == 0)]
        n = len(start_s)
        prompt = rng.integers(20, 60, n).astype(float)
        output = np.minimum(np.rint(80 * np.exp(0.35 * rng.standard_normal(n))), max_tokens)
        took_s = 0.4 + output * 0.002
        if slow_from_s is not None:
            took_s = np.where(start_s >= slow_from_s, took_s * 3, took_s)
        admitted = np.zeros(n, dtype=bool)
        ends = []
        for row in range(n):
            while ends and ends[0][0] <= start_s[row]:
                end_s, ended = heapq.heappop(ends)
                if unit == "tokens":
                    quota.give(max_tokens - output[ended], start_s[ended], end_s)
            admitted[row] = quota.take(prompt[row] + max_tokens if unit == "tokens" else 1, start_s[row])
            if admitted[row]:
                heapq.heappush(ends, (start_s[row] + took_s[row], row))
        seen = np.where(admitted, prompt, prompt[admitted].mean())
        return Calls(
            due_s=start_s,
            sent_s=start_s,
            done_s=np.where(admitted, start_s + took_s, start_s + 0.002),
            query=np.zeros(n, dtype=np.int32),
            is_ok=admitted,
            is_admitted=admitted,
            is_refused=~admitted,
            is_retried=np.zeros(n, dtype=bool),
            output=np.where(admitted, output, 0.0),
            held=seen + max_tokens,
            charged=np.where(admitted, prompt + output, 0.0),
            for_requests=int((~admitted).sum()) if unit == "requests" else 0,
        )

    return make


@pytest.fixture
def bucket():
    return Bucket


@pytest.fixture
def minute():
    return Minute
