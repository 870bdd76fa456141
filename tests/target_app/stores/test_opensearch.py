"""OpenSearch over scripted exchanges in the shapes of its documentation; no server stands behind these tests."""

import asyncio
import base64
import json
from contextlib import aclosing

import httpx
import numpy as np
import pytest

from target_app.pools.limits import PoolLimits
from target_app.stores.errors import StoreError
from target_app.stores.opensearch import OpenSearchVectors
from target_app.stores.vector import Entry, Match

URL = "opensearch://reader:hidden@search.test:9200/manga"
NEAR = np.array([0.6, 0.8], np.float32)
CREATED = (200, {"acknowledged": True, "shards_acknowledged": True, "index": "manga"})
TAKEN = (200, {"took": 11, "errors": False, "items": [{"index": {"_index": "manga", "_id": "x", "status": 201}}]})
MISSING = (404, {"error": {"type": "index_not_found_exception", "reason": "no such index [manga]"}, "status": 404})


def hit(entry_id, score, payload):
    source = {"entry_id": entry_id, "payload": base64.b64encode(payload).decode()}
    return {"_index": "manga", "_id": "x", "_score": score, "_source": source}


def found(*hits):
    best = hits[0]["_score"] if hits else None
    return 200, {
        "took": 2,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": len(hits), "relation": "eq"}, "max_score": best, "hits": list(hits)},
    }


def against(script, act):
    """Run `act` with a store whose server gives the answers of the script in turn; the requests it got."""
    requests = []

    def answer(request):
        requests.append(request)
        status, body = script[len(requests) - 1]
        if isinstance(status, Exception):
            raise status
        return httpx.Response(status, content=body) if isinstance(body, bytes) else httpx.Response(status, json=body)

    async def run():
        async with aclosing(OpenSearchVectors(URL, transport=httpx.MockTransport(answer))) as vectors:
            await act(vectors)

    asyncio.run(run())
    assert len(requests) == len(script)
    return requests


def test_the_first_addition_creates_the_index():
    """An index for the cosine, with the dimensions of the first entry; the next additions don't ask again."""

    async def act(vectors):
        await vectors.add("n", [])
        await vectors.add("n", [Entry("a", NEAR, b"\x00\xff"), Entry("b", NEAR, b"")])
        await vectors.add("n", [Entry("a", NEAR, b"")])

    asked, create, first, second = against([(404, b""), CREATED, TAKEN, TAKEN], act)
    assert (asked.method, asked.url.path, asked.url.scheme, asked.url.port) == ("HEAD", "/manga", "https", 9200)
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"reader:hidden").decode()
    assert (create.method, create.url.path) == ("PUT", "/manga")
    settings = json.loads(create.content)
    assert settings["settings"] == {"index": {"knn": True}}
    assert settings["mappings"]["properties"]["embedding"] == {
        "type": "knn_vector",
        "dimension": 2,
        "method": {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"},
    }
    assert (first.method, first.url.path, first.headers["content-type"]) == (
        "POST",
        "/manga/_bulk",
        "application/x-ndjson",
    )
    assert first.content.endswith(b"\n")
    action, document, other, _ = map(json.loads, first.content.splitlines())
    assert document == {
        "namespace": "n",
        "entry_id": "a",
        "payload": "AP8=",
        "embedding": pytest.approx([0.6, 0.8]),
    }
    assert action["index"]["_id"] != other["index"]["_id"]
    assert json.loads(second.content.splitlines()[0]) == action


def test_an_index_that_is_there_is_left_alone():
    """Nothing is created over what another process has made."""

    async def act(vectors):
        await vectors.add("n", [Entry("a", NEAR, b"")])

    asked, bulk = against([(200, b""), TAKEN], act)
    assert (asked.method, bulk.url.path) == ("HEAD", "/manga/_bulk")


def test_a_search_asks_for_the_nearest_of_its_namespace():
    """The filter is part of the k-NN query, so that as many come as are asked for; scores become cosines again."""
    matches = []

    async def act(vectors):
        matches.extend(await vectors.nearest("n", NEAR, 3))

    (search,) = against([found(hit("a", 1.0, b"\x00"), hit("b", 0.75, b"x"), hit("c", 0.25, b""))], act)
    assert matches == [Match("a", 1.0, b"\x00"), Match("b", 0.5, b"x"), Match("c", -0.5, b"")]
    assert (search.method, search.url.path) == ("POST", "/manga/_search")
    query = json.loads(search.content)
    assert query["size"] == 3
    assert query["query"]["knn"]["embedding"] == {
        "vector": pytest.approx([0.6, 0.8]),
        "k": 3,
        "filter": {"term": {"namespace": "n"}},
    }


def test_what_is_not_there_is_no_error():
    """Without an index nothing is found, nothing needs deleting, and the server is still reachable."""

    async def act(vectors):
        assert await vectors.nearest("n", NEAR, 3) == ()
        await vectors.delete("n", "a/../b")
        await vectors.check()

    _, delete, _ = against([MISSING, MISSING, (404, b"")], act)
    assert delete.method == "DELETE"
    assert delete.url.path.startswith("/manga/_doc/")
    assert ".." not in delete.url.path


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b"Unauthorized"),
        (429, {"error": {"type": "circuit_breaking_exception"}, "status": 429}),
        (503, b""),
        (200, b"<html>"),
        (200, {"hits": 7}),
        (httpx.ConnectError("to reader:hidden@search.test"), None),
        (httpx.ReadTimeout("hidden"), None),
        (httpx.PoolTimeout("hidden"), None),
    ],
)
def test_whatever_fails_is_a_store_error_without_credentials(status, body):
    """Refusals, answers that aren't OpenSearch's, lost connections and time limits are all told the same way."""

    async def act(vectors):
        with pytest.raises(StoreError) as raised:
            await vectors.nearest("n", NEAR, 3)
        assert raised.value.store == "vectors"
        assert "hidden" not in str(raised.value)

    against([(status, body)], act)


def test_an_entry_that_was_not_taken_is_an_error():
    """A bulk request is answered with 200 even where it failed in part; that is not a success."""
    refused = {"index": {"_id": "x", "status": 429, "error": {"type": "rejected_execution_exception"}}}

    async def act(vectors):
        with pytest.raises(StoreError, match="did not take every entry"):
            await vectors.add("n", [Entry("a", NEAR, b"")])

    against([(200, b""), (200, {"took": 1, "errors": True, "items": [refused]})], act)


def test_a_full_pool_ends_at_the_limit(run_virtually):
    """Requests over the bound wait in line as long as the limit says, and the pool counts them."""

    async def slow(_request):
        await asyncio.sleep(3)
        status, body = found()
        return httpx.Response(status, json=body)

    async def run():
        limits = PoolLimits(min_size=0, max_size=2, connect_s=1, read_s=5, checkout_s=1)
        async with aclosing(OpenSearchVectors(URL, limits=limits, transport=httpx.MockTransport(slow))) as vectors:
            calls = (vectors.nearest("n", NEAR, 3) for _ in range(3))
            *answered, refused = await asyncio.gather(*calls, return_exceptions=True)
            assert answered == [(), ()]
            assert isinstance(refused, StoreError)
            report = vectors.pool()
            assert (report.checkouts, report.timeouts, report.active) == (3, 1, 0)

    run_virtually(run())
