"""target_app.gateway.answer_cache: hits, near misses and refusals over stores in memory."""

import asyncio

import numpy as np
import pytest

from target_app.chat import ChatMessage, Usage
from target_app.gateway.answer_cache import AnswerCache, AnswerCacheSettings
from target_app.gateway.cache_rules import Rule, Titles
from target_app.model import ModelReply
from target_app.stores.errors import StoreError
from target_app.stores.sessions import Exchange
from target_app.stores.vector import Match

BOTH = AnswerCacheSettings(exact=True, semantic=True, ttl_s=60)
SEMANTIC = AnswerCacheSettings(semantic=True, ttl_s=60)
REPLY = ModelReply("¥550.", "haiku", "end_turn", Usage(10, 5))
ASKED = "How much is Naruto volume 3?"
SAME = "What is the price of Naruto volume 3?"


class Cache:
    def __init__(self):
        self.kept, self.ttls, self.is_down = {}, [], False

    async def get(self, key):
        self._up()
        return self.kept.get(key)

    async def set(self, key, value, ttl_s):
        self._up()
        self.ttls.append(ttl_s)
        self.kept[key] = value

    def _up(self):
        if self.is_down:
            raise StoreError("cache", "down")


class Vectors:
    def __init__(self):
        self.kept, self.is_down = {}, False

    async def add(self, namespace, entries):
        self.kept.setdefault(namespace, {}).update((entry.id, entry) for entry in entries)

    async def nearest(self, namespace, embedding, limit):
        if self.is_down:
            raise StoreError("vectors", "down")
        near = [
            Match(entry.id, float(entry.embedding @ embedding), entry.payload)
            for entry in self.kept.get(namespace, {}).values()
        ]
        return tuple(sorted(near, key=lambda match: -match.similarity)[:limit])

    async def delete(self, namespace, entry_id):
        del self.kept[namespace][entry_id]

    def __len__(self):
        return sum(map(len, self.kept.values()))


class Embedder:
    """Puts each text at a set similarity to the first axis: 1 unless told."""

    def __init__(self):
        self.similarities, self.n_texts = {}, 0

    async def embed(self, texts):
        self.n_texts += len(texts)
        cosines = np.array([self.similarities.get(text, 1.0) for text in texts], dtype=np.float32)
        return np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)


class Bench:
    """A cache over its stores, asked in plain calls."""

    def __init__(self, settings=BOTH):
        self.cache, self.vectors, self.embedder, self.now_s = Cache(), Vectors(), Embedder(), 1_000.0
        self.answers = AnswerCache(
            settings,
            cache=self.cache,
            vectors=self.vectors,
            embedder=self.embedder,
            titles=Titles(["Naruto", "Bleach"]),
            clock=lambda: self.now_s,
        )

    def asked(self, text, *, query_type="price_check", history=(), session_id="s", **fields):
        message = ChatMessage(request_id="r", session_id=session_id, message=text, query_type=query_type, **fields)
        return asyncio.run(self.answers.asked(message, "haiku", history))

    def find(self, text, **fields):
        return asyncio.run(self.answers.find(self.asked(text, **fields)))

    def keep(self, text, reply=REPLY, *, is_valid=True, **fields):
        asyncio.run(self.answers.keep(self.asked(text, **fields), reply, is_valid=is_valid))

    def similar(self, text, similarity):
        self.embedder.similarities[text.casefold()] = similarity

    @property
    def counts(self):
        return self.answers.snapshot()


def test_off_by_default():
    """Nothing is looked up or kept unless a layer is switched on."""
    bench = Bench(AnswerCacheSettings())
    bench.keep(ASKED)
    assert bench.find(ASKED) is None
    assert (bench.cache.kept, len(bench.vectors), bench.embedder.n_texts) == ({}, 0, 0)


def test_the_same_question_hits_exactly():
    """Case, width and spaces don't matter; the hit is free, and names the model that gave the answer."""
    bench = Bench()
    bench.keep(ASKED)
    hit = bench.find("  how MUCH is naruto volume \uff13? ")
    assert hit.layer == "exact"
    assert hit.reply == ModelReply("¥550.", "haiku", "end_turn", Usage(0, 0))
    assert (bench.counts.lookups, bench.counts.exact_hits, bench.counts.stored_exact) == (1, 1, 1)
    assert bench.cache.ttls == [60]


@pytest.mark.parametrize(
    ("query_type", "similarity", "is_hit", "is_near"),
    [
        ("price_check", 0.951, True, False),
        ("price_check", 0.949, False, True),
        ("japanese_query", 0.946, True, False),
        ("japanese_query", 0.944, False, True),
        ("recommendation", 0.941, True, False),
        ("recommendation", 0.939, False, True),
        (None, 0.949, False, True),
        ("price_check", 0.881, False, True),
        ("price_check", 0.879, False, False),
    ],
)
def test_similarity_decides_by_query_type(query_type, similarity, is_hit, is_near):
    """Over the threshold of the type it is a hit; from .88 to there a miss that is counted as near; below, a miss."""
    bench = Bench(SEMANTIC)
    bench.similar(SAME, similarity)
    bench.keep(ASKED, query_type=query_type)
    hit = bench.find(SAME, query_type=query_type)
    assert (hit is not None and hit.layer == "semantic") == is_hit
    assert (bench.counts.semantic_hits, bench.counts.near_misses) == (is_hit, is_near)


@pytest.mark.parametrize("other", ["What is the price of Naruto volume 4?", "What is the price of Bleach volume 3?"])
def test_a_near_question_about_something_else_is_a_suspected_false_hit(other):
    """Another volume or title is refused and counted, however near it lies."""
    bench = Bench(SEMANTIC)
    bench.keep(ASKED)
    assert bench.find(other) is None
    assert bench.counts.suspected_false_hits == 1


def test_behind_a_false_hit_the_right_one_is_found():
    """The next neighbours are looked at too."""
    bench = Bench(SEMANTIC)
    bench.keep("How much is Naruto volume 4?")
    bench.similar(ASKED, 0.99)
    bench.keep(ASKED, ModelReply("¥560.", "haiku", "end_turn", Usage(1, 1)))
    assert bench.find(SAME).reply.text == "¥560."


def test_negations_match_nothing_and_nothing_matches_them():
    """A question with a negation is found exactly only, whichever of the two was kept."""
    bench = Bench()
    bench.keep("Manga with gore", query_type="recommendation")
    bench.keep("Manga with no gore", query_type="recommendation")
    assert bench.find("Manga, no gore", query_type="recommendation") is None
    assert bench.find("Some gore manga", query_type="recommendation").layer == "semantic"
    assert bench.find("manga with no gore", query_type="recommendation").layer == "exact"
    assert bench.counts.stored_semantic == 1


def test_what_a_rule_refuses_is_neither_looked_up_nor_kept():
    """Orders and the customer's own things are counted by rule, and stay out of the lookups."""
    bench = Bench()
    for text, query_type in ((ASKED, "order_status"), ("Where is my book?", None), ("What is new today?", None)):
        bench.keep(text, query_type=query_type)
        assert bench.find(text, query_type=query_type) is None
    assert bench.counts.refused == {Rule.QUERY_TYPE: 1, Rule.PERSONAL: 1, Rule.TIMELY: 1}
    assert (bench.counts.lookups, bench.cache.kept, bench.embedder.n_texts) == (0, {}, 0)
    assert bench.counts.hit_rate is None


@pytest.mark.parametrize(
    "unfit",
    [
        {"reply": ModelReply("¥5", "haiku", "max_tokens", Usage(1, 1))},
        {"reply": ModelReply("No.", "haiku", "content_filtered", Usage(1, 1))},
        {"reply": ModelReply("No.", "haiku", "guardrail_intervened", Usage(1, 1))},
        {"reply": ModelReply("Sorry.", "canned", "end_turn", Usage(0, 0))},
        {"reply": ModelReply(" ", "haiku", "end_turn", Usage(1, 1))},
        {"is_valid": False},
    ],
)
def test_answers_not_fit_to_be_given_again_are_not_kept(unfit):
    """Cut, filtered, canned, empty and invalid ones."""
    bench = Bench()
    bench.keep(ASKED, **unfit)
    assert bench.find(ASKED) is None
    assert (bench.counts.unfit, bench.counts.stored_exact, bench.counts.stored_semantic) == (1, 0, 0)


def test_a_follow_up_is_its_conversations_own():
    """It is found again in the same session after the same words only, and never by meaning."""
    bench = Bench()
    history = (Exchange("Tell me about Naruto", "Gladly."),)
    bench.keep(ASKED, history=history)
    assert bench.find(ASKED, history=history).layer == "exact"
    assert bench.find(ASKED, history=history, session_id="other") is None
    assert bench.find(SAME, history=history) is None
    assert bench.find(ASKED) is None
    assert bench.embedder.n_texts == 1


def test_languages_and_models_are_apart():
    """An answer in another language is no answer."""
    bench = Bench(SEMANTIC)
    bench.keep("Naruto 3")
    assert bench.find("Narutoの3巻は?") is None
    assert bench.find("Naruto 3 price").layer == "semantic"


def test_an_answer_is_given_until_its_time_is_over():
    """Past its time a semantic answer is a miss, and is taken away (the exact one is the store's to forget)."""
    bench = Bench(SEMANTIC)
    bench.keep(ASKED)
    bench.now_s += 59
    assert bench.find(SAME) is not None
    bench.now_s += 1
    assert bench.find(SAME) is None
    assert len(bench.vectors) == 0


def test_the_vector_store_does_not_grow_without_end():
    """The oldest answer makes room; one kept again is young again."""
    bench = Bench(AnswerCacheSettings(semantic=True, semantic_entries=2))
    for n in (1, 2, 1, 3):
        bench.keep(f"Naruto {n}")
    assert len(bench.vectors) == 2
    assert [bench.find(f"Naruto {n}") is not None for n in (1, 2, 3)] == [True, False, True]


def test_stores_that_fail_cost_a_hit_and_nothing_more():
    """Each failure is counted by store, and the other layer still works."""
    bench = Bench()
    bench.cache.is_down = True
    bench.keep(ASKED)
    assert bench.find(ASKED).layer == "semantic"
    assert bench.counts.errors == {"cache": 2}
    bench.vectors.is_down = True
    assert bench.find(ASKED) is None
    assert bench.counts.errors == {"cache": 3, "vectors": 1}


def test_what_cannot_be_read_is_a_miss():
    """Bytes that somebody else left under our key are an error of the store, not an answer."""
    bench = Bench()
    bench.keep(ASKED)
    bench.cache.kept = dict.fromkeys(bench.cache.kept, b"\x00nonsense")
    assert bench.find(ASKED).layer == "semantic"
    assert bench.counts.errors == {"cache": 1}


def test_a_question_is_embedded_once():
    """Looking up and keeping share the embedding, which costs a call."""
    bench = Bench()
    assert bench.find(ASKED) is None
    bench.keep(ASKED)
    assert bench.embedder.n_texts == 1


def test_the_hit_rate_is_by_lookups():
    """Hits of both layers over all lookups."""
    bench = Bench()
    bench.find(ASKED)
    bench.keep(ASKED)
    for text in (ASKED, SAME, "Bleach 1"):
        bench.find(text)
    assert bench.counts.hit_rate == 2 / 4


@pytest.mark.parametrize("settings", [AnswerCacheSettings(exact=True), SEMANTIC])
def test_after_a_change_of_the_catalogue_old_answers_are_gone(settings):
    """Neither layer gives an answer from before, nor one asked for before that came after; new ones are kept."""
    bench = Bench(settings)
    bench.keep(ASKED)
    late = bench.asked(SAME)
    assert bench.find(ASKED) is not None
    asyncio.run(bench.answers.outdate())
    asyncio.run(bench.answers.keep(late, REPLY))
    assert (bench.find(ASKED), bench.find(SAME)) == (None, None)
    bench.keep(ASKED)
    assert bench.find(ASKED) is not None


def test_what_is_never_cached_asks_no_cache():
    """A question that a rule keeps out asks the store nothing, not even for the shop's version."""
    bench = Bench()
    bench.cache.is_down = True
    assert bench.find(ASKED, output_tokens=9) is None
    assert bench.counts.errors == {}
