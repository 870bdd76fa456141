"""Stores by their URLs."""

import subprocess
import sys

import pytest

from target_app.stores.errors import StoreError
from target_app.stores.memory_cache import MemoryCache
from target_app.stores.numpy_vectors import NumpyVectors
from target_app.stores.opening import open_cache, open_vectors
from target_app.stores.opensearch import OpenSearchVectors
from target_app.stores.pgvector import PgVectors
from target_app.stores.redis_cache import RedisCache


@pytest.mark.parametrize(
    ("opening", "url", "kind"),
    [
        (open_cache, None, MemoryCache),
        (open_cache, "redis://h:6379/1", RedisCache),
        (open_cache, "rediss://u:p@h", RedisCache),
        (open_cache, "unix:///run/redis.sock", RedisCache),
        (open_vectors, None, NumpyVectors),
        (open_vectors, "postgresql://u:p@h/db", PgVectors),
        (open_vectors, "postgres://h/db", PgVectors),
        (open_vectors, "opensearch://u:p@h:9200/index", OpenSearchVectors),
        (open_vectors, "opensearch+http://h:9200", OpenSearchVectors),
    ],
)
def test_the_scheme_names_the_store(opening, url, kind):
    """Each scheme opens its store, without a connection; no URL means the one in this process."""
    assert type(opening(url)) is kind


@pytest.mark.parametrize("opening", [open_cache, open_vectors])
@pytest.mark.parametrize("url", ["", "mysql://u:hidden@h", "localhost", "://"])
def test_another_scheme_is_refused_without_a_word_of_its_credentials(opening, url):
    """What no store is for is said, with the schemes there are."""
    with pytest.raises(StoreError, match="there is none for") as raised:
        opening(url)
    assert "hidden" not in str(raised.value)


def test_a_malformed_redis_url_is_refused():
    """A URL that Redis's client can't read is the cache's error."""
    with pytest.raises(StoreError, match="malformed"):
        open_cache("redis://h:port/x")


def test_what_is_not_asked_for_is_not_loaded():
    """The stores inside the process need none of the clients."""
    code = (
        "import sys; from target_app.stores.opening import open_cache, open_vectors; open_cache(); open_vectors();"
        "print(sorted({'redis', 'asyncpg', 'httpx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
