"""The stores of sessions, products and carts that URLs name. A client is loaded only where its store is asked for."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote, urlsplit

from target_app.endpoint import parse_url
from target_app.stores.cart import CartStore
from target_app.stores.product import ProductStore
from target_app.stores.sessions import MemorySessions, SessionStore
from target_app.stores.sqlite_carts import SqliteCarts
from target_app.stores.sqlite_file import MEMORY, SqliteFile
from target_app.stores.sqlite_products import SqliteProducts
from target_app.stores.sqlite_sessions import SqliteSessions

if TYPE_CHECKING:
    from target_app.stores.dynamodb_table import DynamoTable

IN_MEMORY: Final = "memory:"
_WANTED: Final = "memory:, sqlite:///path, dynamodb://region/table?create=true&endpoint=http://host:port"


@dataclass(frozen=True, slots=True)
class Stores:
    """What MangaAssist keeps its records in. Stores of one URL share their connections, so they end together."""

    sessions: SessionStore
    products: ProductStore
    carts: CartStore

    async def aclose(self) -> None:
        """Let go of every connection."""
        async with AsyncExitStack() as stack:
            for store in (self.sessions, self.products, self.carts):
                stack.push_async_callback(store.aclose)


async def open_stores(
    sessions_url: str = IN_MEMORY, products_url: str = IN_MEMORY, carts_url: str = IN_MEMORY, *, seed: int | None = 1
) -> Stores:
    """The stores by their URLs: `memory:`, `sqlite:///relative` or `sqlite:////absolute`, `dynamodb://region/table`.

    DynamoDB's table is created only where the URL says `create=true`. There, in memory and in SQLite, products that are
    empty are filled with the catalogue of `seed`, unless that is None. Raises ValueError for other URLs, and StoreError
    where what is to be created or filled can't be. Nothing else is connected: a store that is down shows at its first
    use, which for DynamoDB also loads the client; `check` does that ahead of the traffic.
    """
    databases = {url: _database(url) for url in (sessions_url, products_url, carts_url)}
    stores = Stores(
        _sessions(sessions_url, databases[sessions_url]),
        _products(databases[products_url]),
        _carts(databases[carts_url]),
    )
    try:
        for url, database in databases.items():
            if not isinstance(database, SqliteFile) and _is_to_be_created(url):
                await database.create()
        is_ours = isinstance(databases[products_url], SqliteFile) or _is_to_be_created(products_url)
        if seed is not None and is_ours:
            await fill(stores.products, seed)
    except BaseException:
        await stores.aclose()
        raise
    return stores


async def fill(products: ProductStore, seed: int = 1) -> None:
    """Put the catalogue into a store that has no product. Raises StoreError."""
    from target_app.catalogue import catalogue  # noqa: PLC0415 - its data is read only where a store is filled

    if not await products.page(None, 1):
        await products.put_many(catalogue(seed))


def _database(url: str) -> SqliteFile | DynamoTable:
    parts = urlsplit(url)
    if url == IN_MEMORY:
        return SqliteFile(MEMORY)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return SqliteFile(unquote(parts.path[1:]))
    if parts.scheme == "dynamodb" and parts.netloc and parts.netloc == parts.hostname and len(parts.path) > 1:
        from target_app.stores.dynamodb_table import DynamoTable  # noqa: PLC0415 - aioboto3 takes long to load

        endpoint = _options(url).get("endpoint")
        return DynamoTable(parts.netloc, parts.path[1:], endpoint=endpoint and parse_url(endpoint))
    named = f"{parts.scheme}:" if parts.scheme else "a URL without a scheme"
    raise ValueError(f"no store has {named} written like that; there are {_WANTED}")


def _sessions(url: str, database: SqliteFile | DynamoTable) -> SessionStore:
    if url == IN_MEMORY:
        return MemorySessions()
    if isinstance(database, SqliteFile):
        return SqliteSessions(database)
    from target_app.stores.dynamodb_sessions import DynamoSessions  # noqa: PLC0415 - as above

    return DynamoSessions(database)


def _products(database: SqliteFile | DynamoTable) -> ProductStore:
    if isinstance(database, SqliteFile):
        return SqliteProducts(database)
    from target_app.stores.dynamodb_products import DynamoProducts  # noqa: PLC0415 - as above

    return DynamoProducts(database)


def _carts(database: SqliteFile | DynamoTable) -> CartStore:
    if isinstance(database, SqliteFile):
        return SqliteCarts(database)
    from target_app.stores.dynamodb_carts import DynamoCarts  # noqa: PLC0415 - as above

    return DynamoCarts(database)


def _is_to_be_created(url: str) -> bool:
    return _options(url).get("create") == "true"


def _options(url: str) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}
    if not options.keys() <= {"create", "endpoint"} or options.get("create", "false") not in {"true", "false"}:
        raise ValueError(f"a store's URL has create=true or false and endpoint; there are {_WANTED}")
    return options
