"""target_app.bedrock.embeddings: one vector a text, near for similar wording."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.bedrock.embeddings import Text, parse, vector
from target_app.bedrock.errors import BedrockError
from target_app.bedrock.models import find_model

TITAN = find_model("amazon.titan-embed-text-v2:0")


def embed(text, seed=1, **options):
    return vector(parse(json.dumps({"inputText": text} | options).encode(), TITAN), seed)


def cosine(one, other):
    return math.sumprod(one, other) if hasattr(math, "sumprod") else sum(a * b for a, b in zip(one, other, strict=True))


@given(st.text(min_size=1, max_size=200), st.sampled_from([256, 512, 1024]))
def test_a_vector_has_the_asked_for_size_and_length_one(text, dimensions):
    """Shape is (dimensions,), and the norm 1 (or 0, where every trigram cancels out)."""
    numbers = vector(Text(text, 1, dimensions, is_normalized=True), 1)
    assert len(numbers) == dimensions
    assert math.hypot(*numbers) == pytest.approx(1) or not any(numbers)


def test_same_text_same_vector():
    """Text and seed decide; another seed is another space."""
    assert embed("Demon Slayer") == embed("Demon Slayer")
    assert abs(cosine(embed("Demon Slayer"), embed("Demon Slayer", seed=2))) < 0.5


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("How much is One Piece volume 3?", "How much is One Piece volume 4?", "Where is my order?"),
        ("ワンピースの最新巻はいつですか", "ワンピースの最新巻はいつ発売ですか", "注文はどこですか"),
    ],
)
def test_similar_wording_is_near(text, near, far):
    """A paraphrase in nearly the same words is nearer than another question, in both languages."""
    assert cosine(embed(text), embed(near)) > 0.6 > cosine(embed(text), embed(far)) + 0.2


def test_without_normalize_the_counts_stay():
    """`normalize: false` gives the raw sums."""
    assert math.hypot(*embed("manga manga manga", normalize=False)) > 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "Malformed input request"),
        (b'{"inputText": ""}', "Malformed input request"),
        (b'{"inputText": "a", "dimensions": 100}', "Malformed input request"),
        (json.dumps({"inputText": "a" * 40_000}).encode(), "Max input tokens: 8192, request input token count: 10000"),
    ],
)
def test_a_broken_request_is_refused(body, said):
    """What Titan would not embed is a ValidationException."""
    with pytest.raises(BedrockError, match=said) as refused:
        parse(body, TITAN)
    assert (refused.value.name, refused.value.status) == ("ValidationException", 400)
