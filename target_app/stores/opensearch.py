"""Vectors in OpenSearch's k-NN index, over its REST interface.

Written for OpenSearch 2.x and 3.x with the engine Lucene. OpenSearch Serverless is another matter: its vector
collections take no document ids, and requests signed by SigV4 only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from target_app.pools.limits import LIMITS, PoolLimits
from target_app.pools.meter import PoolReport
from target_app.pools.places import CheckoutTimeoutError, Places
from target_app.stores.errors import StoreError
from target_app.stores.vector import Embedding, Entry, Match

#: Entries a bulk request: with 512 numbers in decimal each is some 6 KB.
_CHUNK: Final = 200
_SCHEMES: Final = {"opensearch": "https", "opensearch+http": "http"}

B = TypeVar("B")


class _Source(msgspec.Struct, frozen=True):
    entry_id: str
    payload: str


class _Hit(msgspec.Struct, frozen=True, rename={"score": "_score", "source": "_source"}):
    score: float
    source: _Source


class _Hits(msgspec.Struct, frozen=True):
    hits: list[_Hit]


class _Found(msgspec.Struct, frozen=True):
    hits: _Hits


class _Bulk(msgspec.Struct, frozen=True):
    errors: bool


class OpenSearchVectors:
    """Keeps entries in the index that the URL's path names (opensearch://user:password@host:9200/index).

    `opensearch+http://` speaks without TLS. The first `add` creates the index, with the dimensions of its first entry.
    What is added is found once the index refreshes, a second later by default. Owns the client.
    """

    def __init__(
        self,
        url: str,
        *,
        limits: PoolLimits = LIMITS["opensearch"],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._index = parts.path.strip("/") or "mangaassist"
        self._has_index = False
        self._places = Places(limits)
        self._client = httpx.AsyncClient(
            base_url=f"{_SCHEMES[parts.scheme]}://{parts.netloc}",  # httpx turns the user part into basic auth
            transport=transport,
            timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s),
            limits=httpx.Limits(
                max_connections=limits.max_size,
                max_keepalive_connections=limits.max_size,
                keepalive_expiry=limits.idle_s,
            ),
            trust_env=False,
        )

    async def add(self, namespace: str, entries: Sequence[Entry]) -> None:
        """Add entries, some hundreds at a time: a failure leaves those of the calls before it."""
        if not entries:
            return
        if not self._has_index:
            await self._create(len(entries[0].embedding))
        for start in range(0, len(entries), _CHUNK):
            lines: list[dict[str, Any]] = []
            for entry in entries[start : start + _CHUNK]:
                lines += ({"index": {"_id": _id(namespace, entry.id)}}, _document(namespace, entry))
            body = msgspec.json.Encoder().encode_lines(lines)
            response = await self._request("POST", "/_bulk", body, kind="application/x-ndjson")
            if _decoded(response, _Bulk).errors:
                raise StoreError("vectors", "OpenSearch did not take every entry")

    async def nearest(self, namespace: str, embedding: Embedding, limit: int) -> tuple[Match, ...]:
        """The nearest entries that the index finds."""
        knn = {"vector": embedding.tolist(), "k": limit, "filter": {"term": {"namespace": namespace}}}
        body = {"size": limit, "_source": ["entry_id", "payload"], "query": {"knn": {"embedding": knn}}}
        response = await self._request("POST", "/_search", msgspec.json.encode(body), missing_is_fine=True)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return ()  # nothing was ever added
        # Lucene scores a cosine c as (1 + c) / 2, as scores may not be negative.
        return tuple(
            Match(hit.source.entry_id, 2 * hit.score - 1, base64.b64decode(hit.source.payload))
            for hit in _decoded(response, _Found).hits.hits
        )

    async def delete(self, namespace: str, entry_id: str) -> None:
        """Take an entry away, if it is there."""
        await self._request("DELETE", f"/_doc/{_id(namespace, entry_id)}", missing_is_fine=True)

    async def check(self) -> None:
        """Prove that OpenSearch answers; the index may not be there yet."""
        await self._request("HEAD", "", missing_is_fine=True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def pool(self) -> PoolReport:
        """What the connections did; httpx keeps them, so idle ones are not known."""
        return self._places.meter.report()

    async def _create(self, dimensions: int) -> None:
        """Create the index, where nobody has."""
        if (await self._request("HEAD", "", missing_is_fine=True)).status_code == HTTPStatus.NOT_FOUND:
            method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
            fields = {
                "namespace": {"type": "keyword"},
                "entry_id": {"type": "keyword"},
                "payload": {"type": "binary"},
                "embedding": {"type": "knn_vector", "dimension": dimensions, "method": method},
            }
            body = {"settings": {"index": {"knn": True}}, "mappings": {"properties": fields}}
            await self._request("PUT", "", msgspec.json.encode(body))
        self._has_index = True

    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        kind: str = "application/json",
        missing_is_fine: bool = False,
    ) -> httpx.Response:
        """One exchange about the index. Raises StoreError for all but success, in words without the URL."""
        headers = {"Content-Type": kind} if body is not None else {}
        try:
            async with self._places.lease():
                response = await self._client.request(method, f"/{self._index}{path}", content=body, headers=headers)
        except CheckoutTimeoutError as error:
            raise StoreError("vectors", str(error)) from error
        except httpx.TimeoutException as error:
            raise StoreError("vectors", f"OpenSearch did not answer in time ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise StoreError("vectors", f"OpenSearch can't be reached ({type(error).__name__})") from error
        if response.is_success or (missing_is_fine and response.status_code == HTTPStatus.NOT_FOUND):
            return response
        raise StoreError("vectors", f"OpenSearch refused with status {response.status_code}")


def _id(namespace: str, entry_id: str) -> str:
    """The document's id: any text fits into a path so, and no two entries share one."""
    return hashlib.sha256(msgspec.json.encode([namespace, entry_id])).hexdigest()


def _document(namespace: str, entry: Entry) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "entry_id": entry.id,
        "payload": base64.b64encode(entry.payload).decode(),
        "embedding": entry.embedding.tolist(),
    }


def _decoded(response: httpx.Response, kind: type[B]) -> B:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError as error:
        raise StoreError("vectors", "OpenSearch answered in a way that can't be read") from error
