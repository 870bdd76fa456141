"""Texts by their wording: what lies near what, in both languages."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_app.embedding.lexical import DIMENSIONS, LexicalEmbedder


def similarity(embedder, one, other):
    return float(embedder.vector(one) @ embedder.vector(other))


@given(texts=st.lists(st.text(max_size=200), max_size=4))
def test_every_text_becomes_a_unit_vector(texts):
    """Any text at all, empty ones too, has a row of length 1."""
    rows = asyncio.run(LexicalEmbedder().embed(texts))
    assert rows.shape == (len(texts), DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Attack on Titan", "attack  on TITAN "),
        ("第34巻", "第34巻"),
        ("ワンピース", "ワンピース"),
    ],
)
def test_width_case_and_spaces_do_not_matter(one, other):
    """The same words written differently lie in the same place."""
    assert similarity(LexicalEmbedder(), one, other) == pytest.approx(1)


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("Do you have Attack on Titan volume 34?", "Attack on Titan", "Demon Slayer"),
        ("ワンピースの最新巻はいつ発売ですか?", "ワンピース", "鬼滅の刃"),
        ("How much is Jujutsu Kaisen volume 20?", "What is the price of Jujutsu Kaisen 20?", "Where is my order?"),
    ],
)
def test_what_shares_words_is_nearer(question, near, far):
    """In English and in Japanese, whatever has wording in common is nearer than what has not."""
    embedder = LexicalEmbedder()
    assert similarity(embedder, question, near) > similarity(embedder, question, far) + 0.2


def test_what_is_rare_in_the_catalogue_weighs_more():
    """Learnt from texts, words that all of them share count less than those of one."""
    corpus = ["The Adventures of Kiku", "The Adventures of Tomo", "The Adventures of Ren"]
    plain, learnt = LexicalEmbedder(), LexicalEmbedder(corpus)
    assert similarity(learnt, corpus[0], corpus[1]) < similarity(plain, corpus[0], corpus[1])
    assert similarity(learnt, "Kiku", corpus[0]) > similarity(plain, "Kiku", corpus[0])


def test_vectors_are_the_same_in_every_process():
    """What one process stores another finds: nothing depends on Python's seeded hash."""
    code = (
        "from target_app.embedding.lexical import LexicalEmbedder;"
        "print(LexicalEmbedder().vector('進撃の巨人 34').tobytes().hex())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    assert np.frombuffer(bytes.fromhex(found.stdout), np.float32) == pytest.approx(
        LexicalEmbedder().vector("進撃の巨人 34"), abs=1e-6
    )
