"""target_app.bedrock.generation: slots in order of asking, pieces when they are due, quotas settled however it ends."""

from __future__ import annotations

import asyncio
import time

import pytest

from target_app.bedrock.errors import BedrockError
from target_app.bedrock.generation import Decode, Lane, decoding
from target_app.bedrock.limits import Limits
from target_app.bedrock.log import Entry
from target_app.bedrock.models import find_model
from target_app.bedrock.prompt_cache import PromptCache
from target_app.bedrock.quota import Quota

HAIKU = find_model("anthropic.claude-3-haiku-20240307-v1:0")


def lane(slots=1, tokens_per_minute=1_000):
    quota = Quota(Limits(tokens_per_minute), "bucket", lambda: 0)
    return Lane(HAIKU, quota, PromptCache(lambda: 0), slots)


def entry(reserved=100):
    return Entry("id", None, "converse", HAIKU.id, arrived_ns=0, input_tokens=10, reserved=reserved)


def open_decoding(shared, of, time_scale=0.0):
    return decoding(shared, of, (1, 4, 4), ("text",), 1, time_scale)


async def turns():
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_slots_are_given_in_order_of_asking_and_a_place_given_up_is_nobody_s():
    """One slot decodes one answer; those who wait come in order, and one that is cancelled while waiting is skipped."""

    async def scene():
        shared, order, done = lane(), [], [asyncio.Event() for _ in range(4)]

        async def decode(number):
            async with open_decoding(shared, entry()):
                order.append(number)
                await done[number].wait()

        tasks = [asyncio.create_task(decode(number)) for number in range(4)]
        await turns()
        assert (order, shared.decoding, shared.waiting) == ([0], 1, 3)
        tasks[1].cancel()
        for number in (0, 2):
            done[number].set()
            await turns()
        assert (order, shared.decoding, shared.waiting) == ([0, 2, 3], 1, 0)
        done[3].set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None), type(None)]
        assert shared.decoding == 0

    asyncio.run(scene())


def test_a_finished_answer_is_charged_its_tokens():
    """Of 1,000 tokens a call that held 900 and used 10 + 9 leaves 981."""

    async def scene():
        shared, record = lane(), entry(reserved=900)
        async with open_decoding(shared, record) as decode:
            with pytest.raises(BedrockError):
                shared.quota.reserve(101)
            await decode.finish()
        assert record.output_tokens == 9
        shared.quota.reserve(981)
        with pytest.raises(BedrockError):
            shared.quota.reserve(1)

    asyncio.run(scene())


def test_an_answer_given_up_before_its_first_token_is_charged_its_input():
    """However a call ends, its reservation does."""

    async def scene():
        shared, record = lane(), entry(reserved=900)
        with pytest.raises(RuntimeError):
            async with open_decoding(shared, record, time_scale=1.0):
                raise RuntimeError("given up")
        assert record.output_tokens == 0
        shared.quota.reserve(990)
        with pytest.raises(BedrockError):
            shared.quota.reserve(1)

    asyncio.run(scene())


def test_a_throttled_call_takes_no_slot():
    """A call the quota refuses never queues."""

    async def scene():
        shared = lane()
        with pytest.raises(BedrockError):
            async with open_decoding(shared, entry(reserved=1_001)):
                raise AssertionError("it was let in")
        assert not shared.slots.locked()

    asyncio.run(scene())


def test_pieces_that_are_due_together_come_together():
    """Of each half all pieces that are due are taken at once, and after the last there is none."""

    async def scene():
        past_ns = time.monotonic_ns()
        decode = Decode((1, 4, 4), (past_ns - 2, past_ns - 1, past_ns))
        assert await decode.next_pieces() == range(1)
        assert await decode.next_pieces() == range(1, 3)
        assert await decode.next_pieces() == range(0)
        assert decode.decoded_tokens == 9

    asyncio.run(scene())


def test_no_piece_comes_before_it_is_due():
    """The first piece waits for its time, and takes no later one with it."""

    async def scene():
        due_ns = time.monotonic_ns() + 3_000_000
        decode = Decode((1, 1), (due_ns, due_ns + 3_600_000_000_000))
        assert await decode.next_pieces() == range(1)
        assert time.monotonic_ns() >= due_ns
        assert decode.decoded_tokens == 1

    asyncio.run(scene())


def test_a_stall_delays_what_is_not_yet_taken():
    """Pieces taken before it were there, the others come that much later, at once when it is over."""

    async def scene():
        now_ns = time.monotonic_ns()
        decode = Decode((1, 4, 4, 4), (now_ns,) * 4)
        assert await decode.next_pieces() == range(2)
        await decode.stall(0.01)
        assert time.monotonic_ns() >= now_ns + 10_000_000
        assert await decode.next_pieces() == range(2, 4)

    asyncio.run(scene())
