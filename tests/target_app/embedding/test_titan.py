"""Titan's embeddings: how it is asked, and what its failures become."""

import asyncio
import json
import socket

import numpy as np
import pytest

from target_app.embedding.titan import DIMENSIONS, MODEL, TitanEmbedder
from target_app.endpoint import Endpoint
from target_app.errors import ChatError, Code
from target_app.model_client import BedrockModel
from target_app.stores.errors import StoreError


def refused(code):
    return ChatError(code, "hidden")


def body(place, dimensions=DIMENSIONS):
    vector = [0.0] * dimensions
    vector[place] = 1.0
    return json.dumps({"embedding": vector, "inputTextTokenCount": 3}).encode()


class Titan:
    """Answers a text that is a number with the unit vector of that axis, after the failures it is given."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.requests = []
        self.under_way = self.most = 0

    async def __call__(self, model, request):
        assert model == MODEL
        self.requests.append(json.loads(request))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.1)
        self.under_way -= 1
        if self.failures:
            raise self.failures.pop(0)
        return body(int(json.loads(request)["inputText"]))


async def embedded(titan, texts):
    embedder = TitanEmbedder(titan)
    try:
        return await embedder.embed(texts), embedder.batches()
    finally:
        await embedder.aclose()


def test_each_text_gets_its_own_row(run_virtually):
    """A catalogue goes ten texts at a time, and comes back in its order."""
    titan = Titan()
    rows, counts = run_virtually(embedded(titan, [str(number) for number in range(35)]))
    assert rows.dtype == np.float32
    assert rows.argmax(axis=1).tolist() == list(range(35))
    assert (counts.items, counts.batches) == (35, 4)
    assert {len(request) for request in titan.requests} == {3}
    assert titan.requests[0] == {"inputText": "0", "dimensions": 512, "normalize": True}


def test_no_texts_need_no_call(run_virtually):
    """Nothing to embed gives no rows."""
    titan = Titan()
    rows, _ = run_virtually(embedded(titan, []))
    assert rows.shape == (0, DIMENSIONS)
    assert titan.requests == []


@pytest.mark.parametrize("code", [Code.THROTTLED, Code.UNAVAILABLE])
def test_a_throttled_text_is_sent_again(run_virtually, code):
    """What Bedrock refuses for the moment is asked again, and nobody is told."""
    titan = Titan(refused(code), refused(code))
    rows, counts = run_virtually(embedded(titan, ["1", "2"]))
    assert rows.argmax(axis=1).tolist() == [1, 2]
    assert (counts.retried, len(titan.requests)) == (2, 4)


@pytest.mark.parametrize("code", [Code.INTERNAL, Code.MODEL_ERROR, Code.MODEL_TIMEOUT])
def test_what_fails_is_a_store_error(run_virtually, code):
    """Whatever else the model raises becomes the one error that retrieval degrades on."""
    with pytest.raises(StoreError, match="the embedding model failed") as raised:
        run_virtually(embedded(Titan(refused(code)), ["1"]))
    assert "hidden" not in str(raised.value)


def test_a_text_that_stays_throttled_is_a_store_error(run_virtually):
    """Throttled through every attempt, the caller is told in the end."""
    with pytest.raises(StoreError, match="still unprocessed after 8 attempts"):
        run_virtually(embedded(Titan(*[refused(Code.THROTTLED)] * 8), ["1"]))


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"embedding": "x"}', body(0, dimensions=256)])
def test_an_answer_of_another_shape_is_a_store_error(run_virtually, answer):
    """No vector, or one of other dimensions, is not taken for an embedding."""

    async def invoke(_model, _request):
        return answer

    with pytest.raises(StoreError):
        run_virtually(embedded(invoke, ["1"]))


def test_the_emulator_embeds_through_aioboto3(start):
    """Over the real SDK a catalogue's texts come back as unit vectors, each like its own text and unlike others."""
    bedrock = start("bedrock", "--time-scale", "0", "--tokens-per-minute", "0")
    texts = [f"{title} {volume}" for title in ("ワンピース", "Attack on Titan", "鬼滅の刃") for volume in range(8)]

    async def run():
        async with BedrockModel(Endpoint(url=bedrock.url)) as model:
            first, counts = await embedded(model.invoke, texts)
            second, _ = await embedded(model.invoke, texts[::-1])
            report = model.pool()
        assert counts.batches == 3
        assert (report.checkouts, report.active) == (2 * len(texts), 0)
        assert np.linalg.norm(first, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
        assert (first == second[::-1]).all()
        cosines = first @ first.T
        assert cosines[0, 1] > cosines[0, 8]

    asyncio.run(run())


def test_a_bedrock_that_is_not_there_is_a_store_error():
    """A port that nobody listens on fails the text, at once."""

    async def run(port):
        async with BedrockModel(Endpoint(url=f"http://127.0.0.1:{port}")) as model:
            with pytest.raises(StoreError, match="model_error"):
                await embedded(model.invoke, ["1"])

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused, and nobody else gets it
        asyncio.run(run(taken.getsockname()[1]))
