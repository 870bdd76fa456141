"""target_app.bedrock.prompt_cache: what is read, written and neither, on a clock of the test's own."""

from __future__ import annotations

import pytest

from target_app.bedrock.prompt_cache import PromptCache

MINUTE_NS = 60_000_000_000
LONG = "日" * 1_024
SHORT = "本" * 1_023


class Clock:
    now_ns = 0

    def __call__(self):
        return self.now_ns


def split(cache, texts, points):
    reading = cache.look_up(texts, points, sum(map(len, texts)))
    cache.keep(reading)
    return reading.read_tokens, reading.write_tokens, reading.uncached_tokens


def test_without_a_cache_point_nothing_is_cached():
    """All of the input is read afresh, each time."""
    cache = PromptCache(Clock())
    assert [split(cache, (LONG, "語"), ()) for _ in range(2)] == [(0, 0, 1_025)] * 2


def test_the_first_call_writes_and_the_next_reads():
    """The beginning up to the point is shared by prompts that go on differently."""
    cache = PromptCache(Clock())
    assert split(cache, (LONG, "一"), (1,)) == (0, 1_024, 1)
    assert split(cache, (LONG, "二三"), (1,)) == (1_024, 0, 2)


def test_a_conversation_reads_what_it_had_and_writes_what_is_new():
    """With two points the longest known beginning is read, and up to the last one is written."""
    cache = PromptCache(Clock())
    split(cache, (LONG, "一"), (1,))
    assert split(cache, (LONG, "一", "二"), (1, 2)) == (1_024, 1, 1)
    assert split(cache, (LONG, "一", "二"), (1, 2)) == (1_025, 0, 1)


def test_too_short_a_beginning_is_not_cached():
    """Under 1,024 tokens a cache point is none."""
    cache = PromptCache(Clock())
    assert [split(cache, (SHORT, "一"), (1,)) for _ in range(2)] == [(0, 0, 1_024)] * 2


@pytest.mark.parametrize(("wait_ns", "read"), [(5 * MINUTE_NS - 1, 1_024), (5 * MINUTE_NS, 0)])
def test_five_minutes_after_its_last_use_it_is_gone(wait_ns, read):
    """Each use begins them anew."""
    clock = Clock()
    cache = PromptCache(clock)
    split(cache, (LONG,), (1,))
    clock.now_ns += 4 * MINUTE_NS
    assert split(cache, (LONG,), (1,))[0] == 1_024
    clock.now_ns += wait_ns
    assert split(cache, (LONG,), (1,))[0] == read


def test_looking_up_changes_nothing():
    """A call that the quota refuses has cached nothing."""
    cache = PromptCache(Clock())
    assert cache.look_up((LONG,), (1,), 1_024) == cache.look_up((LONG,), (1,), 1_024)
