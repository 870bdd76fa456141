"""Token counts: each API's words for the same five numbers, and what is no count."""

import msgspec
import pytest

from loadtester.drivers.wire.usage import AnthropicUsage, ChatUsage, OpenAIUsage, read_usage
from loadtester.model import Usage


@pytest.mark.parametrize(
    ("kind", "reported", "usage"),
    [
        (ChatUsage, {"input_tokens": 312, "output_tokens": 87}, Usage(312, 87)),
        (
            ChatUsage,
            {"input_tokens": 12, "output_tokens": 8, "cache_read_tokens": 300, "cache_write_tokens": 4},
            Usage(12, 8, 300, 4),
        ),
        (
            AnthropicUsage,
            {"input_tokens": 12, "output_tokens": 8, "cache_read_input_tokens": 3, "cache_creation_input_tokens": None},
            Usage(12, 8, 3, 0),
        ),
        (OpenAIUsage, {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}, Usage(5, 3)),
        (
            OpenAIUsage,
            {
                "prompt_tokens": 1500,
                "completion_tokens": 300,
                "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 256},
            },
            Usage(476, 300, cache_read=1024, reasoning=256),
        ),
        (
            OpenAIUsage,
            {
                "prompt_tokens": 5,
                "prompt_tokens_details": None,
                "completion_tokens_details": {"reasoning_tokens": None},
            },
            Usage(5, 0),
        ),
        (OpenAIUsage, {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(0, 0, cache_read=5)),
    ],
)
def test_counts(kind, reported, usage):
    """`input` never holds cached tokens, `output` always holds reasoning; the parts add up to what was reported."""
    assert read_usage(msgspec.json.encode(reported), kind) == usage


@pytest.mark.parametrize("kind", [ChatUsage, AnthropicUsage, OpenAIUsage])
@pytest.mark.parametrize(
    "data",
    [
        b"", b"null", b"{}", b"[]", b"7", b"{", b'{"input_tokens":1}', b'{"input_tokens":-1,"output_tokens":2}',
        b'{"prompt_tokens":"5"}', b'{"prompt_tokens":-5}', b'{"prompt_tokens":null}',
        b'{"input_tokens":1.5,"output_tokens":2}',
    ],
)  # fmt: skip
def test_no_counts(kind, data):
    """What is missing or makes no sense is no usage, rather than a wrong one; it is never an exception."""
    assert read_usage(data, kind) is None
    assert read_usage(msgspec.Raw(data), kind) is None
