"""The parts by configuration, over the emulator: what is asked of Bedrock goes through its one pool."""

import pytest
from starlette.testclient import TestClient

from target_app import catalogue, config
from target_app.app import create_app
from target_app.endpoint import Endpoint

KEY = {"Authorization": "Bearer 0123456789abcdef"}
N_PRODUCTS = 12


@pytest.fixture
def client(start, monkeypatch):
    """A service that embeds by Titan, with a small catalogue."""
    few = tuple(catalogue.catalogue(1)[:N_PRODUCTS])
    monkeypatch.setattr(catalogue, "catalogue", lambda _seed: few)
    bedrock = start("bedrock", "--time-scale", "0", "--tokens-per-minute", "0")
    chosen = config.parse(
        {"retrieval": {"enabled": True, "embedder": "titan"}, "admin": {"token": KEY["Authorization"].split()[1]}}
    )
    with TestClient(create_app(Endpoint(url=bedrock.url), None, chosen, model_connections=7)) as opened:
        yield opened


def test_titan_embeds_through_the_models_pool(client):
    """Catalogue, question and answer are calls of one bounded pool, and /admin shows it with its advice."""
    before = client.get("/admin/pools", headers=KEY).json()["bedrock"]
    n_titles = len({product.title for product in catalogue.catalogue(1)})
    assert 2 * n_titles <= before["checkouts"] <= 3 * n_titles
    title = catalogue.catalogue(1)[0].title
    told = client.post("/v1/chat", json={"request_id": "r", "session_id": "s", "message": f"Do you have {title}?"})
    assert told.status_code == 200
    assert "degraded" not in told.json()
    after = client.get("/admin/pools", headers=KEY).json()["bedrock"]
    assert after["checkouts"] - before["checkouts"] == 2
    assert (after["max_size"], after["active"], after["timeouts"]) == (7, 0, 0)
    assert isinstance(after["advice"], list)


def test_what_travels_in_batches_is_shown(client):
    """The catalogue's titles were embedded ten at a time at most, and the question alone: all are counted."""
    before = client.get("/admin/pools", headers=KEY).json()["embedder"]["batches"]
    assert (
        before["sent"]
        == before["items"] + before["retried"]
        >= len({product.title for product in catalogue.catalogue(1)})
    )
    assert (before["pending"], before["calls_saved"]) == (0, before["sent"] - before["batches"])
    assert before["mean_size"] == before["sent"] / before["batches"] > 1
    title = catalogue.catalogue(1)[0].title
    client.post("/v1/chat", json={"request_id": "r", "session_id": "s", "message": f"Do you have {title}?"})
    after = client.get("/admin/pools", headers=KEY).json()["embedder"]["batches"]
    assert (after["items"] - before["items"], after["batches"] - before["batches"]) == (1, 1)


def test_a_new_product_is_a_source_at_once(client):
    """Put over the API a product is found by the next question, and deleted by none."""
    body = {
        "title": "The Copper Kettle", "title_ja": "", "volume": 1, "author": "Kanda", "genre": "drama", "stock": 2,
        "price_jpy": 4321, "released": "2024-05-01", "summary": "Tea.",
    }  # fmt: skip
    question = {
        "request_id": "r",
        "session_id": "s",
        "message": "Is The Copper Kettle in stock?",
        "query_type": "product_lookup",
    }
    before = client.post("/v1/chat", json={**question, "session_id": "1"}).json()["usage"]["input_tokens"]
    assert client.put("/v1/products/MGA-900001", json=body).status_code == 200
    answer = client.post("/v1/chat", json={**question, "session_id": "2"}).json()["answer"]
    assert "The Copper Kettle" in answer
    assert client.delete("/v1/products/MGA-900001").status_code == 204
    gone = client.post("/v1/chat", json={**question, "session_id": "3"}).json()
    assert gone["usage"]["input_tokens"] == before
