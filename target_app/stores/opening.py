"""The cache and the vectors that a URL names. A client is loaded only where its store is asked for."""

from __future__ import annotations

from urllib.parse import urlsplit

from target_app.stores.cache import Cache
from target_app.stores.errors import StoreError
from target_app.stores.vector import VectorStore


def open_cache(url: str | None = None) -> Cache:
    """The cache in this process, or in Redis (redis://, rediss://, unix://). Raises StoreError for other URLs.

    Nothing is connected yet: a store that is down shows at its first use.
    """
    if url is None:
        from target_app.stores.memory_cache import MemoryCache  # noqa: PLC0415 - one store is loaded, not all

        return MemoryCache()
    scheme = urlsplit(url).scheme
    if scheme in {"redis", "rediss", "unix"}:
        from target_app.stores.redis_cache import RedisCache  # noqa: PLC0415 - one store is loaded, not all

        return RedisCache(url)
    raise StoreError("cache", f"there is none for {scheme or 'a URL without a scheme'}: redis://, rediss://, unix://")


def open_vectors(url: str | None = None) -> VectorStore:
    """The vectors in this process, in PostgreSQL (postgresql://) or in OpenSearch (opensearch://).

    Raises StoreError for other URLs. Nothing is connected yet.
    """
    if url is None:
        from target_app.stores.numpy_vectors import NumpyVectors  # noqa: PLC0415 - one store is loaded, not all

        return NumpyVectors()
    scheme = urlsplit(url).scheme
    if scheme in {"postgresql", "postgres"}:
        from target_app.stores.pgvector import PgVectors  # noqa: PLC0415 - one store is loaded, not all

        return PgVectors(url)
    if scheme in {"opensearch", "opensearch+http"}:
        from target_app.stores.opensearch import OpenSearchVectors  # noqa: PLC0415 - one store is loaded, not all

        return OpenSearchVectors(url)
    named = scheme or "a URL without a scheme"
    raise StoreError("vectors", f"there is none for {named}: postgresql://, opensearch://, opensearch+http://")
