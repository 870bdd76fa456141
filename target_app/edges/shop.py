"""The shop over REST: products and carts, made, read, changed and deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from target_app.edges.presence import read_body
from target_app.edges.rest import send_error, send_json
from target_app.edges.tokens import Gate
from target_app.errors import ChatError, Code
from target_app.reception import ClientGoneError
from target_app.stores.cart import CartItem, CartStore
from target_app.stores.errors import StoreError
from target_app.stores.product import Product, ProductStore

T = TypeVar("T")

#: Letters, digits and _ - only, so that an id is one part of a path and of a store's key.
ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"
Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
_Short = Annotated[str, msgspec.Meta(max_length=200)]
_Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
#: Numbers that every store can keep.
_Amount = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class ProductBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product without its id, which is in the path. `price_jpy` is with tax, `released` an ISO date."""

    title: _Title
    title_ja: _Short
    volume: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    author: _Short
    genre: _Short
    price_jpy: _Amount
    stock: _Amount
    released: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    summary: Annotated[str, msgspec.Meta(max_length=4000)]


class ItemBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of a product the cart is to have."""

    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which products: those after an id, or, with `q`, the first whose title holds it; `q` leaves `after` aside."""

    after: Id | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    q: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class Page(msgspec.Struct, frozen=True):
    """Products, and after which one to go on; null where there are no more, or it was a search."""

    products: tuple[Product, ...]
    next: str | None


class Cart(msgspec.Struct, frozen=True):
    """A user's cart."""

    user: str
    items: tuple[CartItem, ...]


_Endpoint = Callable[[Request], Awaitable[Any]]
#: Takes the id of a product, and the product, None where it is gone.
Changed = Callable[[str, Product | None], Awaitable[None]]


class Shop:
    """The routes of products and carts, over their stores.

    `changed` is told the id of each product that was put or deleted, and what it is now. A cart is its user's alone.
    """

    def __init__(self, products: ProductStore, carts: CartStore, changed: Changed, gate: Gate) -> None:
        self._products = products
        self._carts = carts
        self._changed = changed
        self._gate = gate

    @property
    def routes(self) -> list[Route]:
        """The paths."""
        item = "/v1/carts/{user}/items/{product}"
        return [
            _route("/v1/products", {"GET": self._page}),
            _route("/v1/products/{id}", {"GET": self._get, "PUT": self._put, "DELETE": self._delete}),
            _route("/v1/carts/{user}", {"GET": self._cart}),
            _route(item, {"PUT": self._put_item, "DELETE": self._remove_item}),
        ]

    async def _page(self, request: Request) -> Page:
        query = _checked(dict(request.query_params), PageQuery)
        if query.q is not None:
            return Page(await self._products.search(query.q, query.limit), None)
        found = await self._products.page(query.after, query.limit + 1)
        shown = found[: query.limit]
        return Page(shown, shown[-1].id if len(found) > len(shown) else None)

    async def _get(self, request: Request) -> Product:
        product = await self._products.get(_id(request, "id"))
        if product is None:
            raise ChatError(Code.NOT_FOUND, "there is no such product")
        return product

    async def _put(self, request: Request) -> Product:
        key = _id(request, "id")
        body = _decoded(await read_body(request.receive), ProductBody)
        product = Product(id=key, **msgspec.structs.asdict(body))
        await self._products.put(product)
        await self._changed(key, product)
        return product

    async def _delete(self, request: Request) -> None:
        key = _id(request, "id")
        if not await self._products.delete(key):
            raise ChatError(Code.NOT_FOUND, "there is no such product")
        await self._changed(key, None)

    async def _cart(self, request: Request) -> Cart:
        user = self._owner(request)
        return Cart(user, await self._carts.items(user))

    async def _put_item(self, request: Request) -> CartItem:
        user, key = self._owner(request), _id(request, "product")
        body = _decoded(await read_body(request.receive), ItemBody)
        if await self._products.get(key) is None:
            raise ChatError(Code.NOT_FOUND, "there is no such product")
        item = CartItem(key, body.quantity)
        await self._carts.put(user, item)
        return item

    async def _remove_item(self, request: Request) -> None:
        if not await self._carts.remove(self._owner(request), _id(request, "product")):
            raise ChatError(Code.NOT_FOUND, "the product is not in this cart")

    def _owner(self, request: Request) -> str:
        """Whose cart it is. Raises ChatError, forbidden where that is another one than the token's user."""
        admitted = self._gate.user(request.scope)
        user = _id(request, "user")
        if admitted not in (None, user):
            raise ChatError(Code.FORBIDDEN, "the cart is another user's")
        return user


class _Endpoints:
    """The ASGI application of one path: an endpoint a method, whose result is sent as JSON, None as 204."""

    def __init__(self, endpoints: dict[str, _Endpoint]) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            result = await self._endpoints[scope["method"]](Request(scope, receive))
        except ChatError as error:
            await send_error(send, error)
        except StoreError as error:
            words = f"the store of {error.store} can't be reached"
            await send_error(send, ChatError(Code.UNAVAILABLE, words))
        except ClientGoneError:
            pass
        else:
            if result is None:
                await Response(status_code=204)(scope, receive, send)
            else:
                await send_json(send, 200, result)


def _route(path: str, endpoints: dict[str, _Endpoint]) -> Route:
    if "GET" in endpoints:
        endpoints = {**endpoints, "HEAD": endpoints["GET"]}
    return Route(path, _Endpoints(endpoints), methods=list(endpoints))


def _id(request: Request, name: str) -> str:
    """An id in the path. Raises ChatError bad_request."""
    try:
        return msgspec.convert(request.path_params[name], Id)
    except msgspec.ValidationError:
        raise ChatError(Code.BAD_REQUEST, f"the {name} in the path must be 1 to 64 of A-Z a-z 0-9 _ -") from None


def _checked(given: dict[str, str], kind: type[T]) -> T:
    """The query as `kind`. Raises ChatError bad_request."""
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ChatError(Code.BAD_REQUEST, str(error)) from error


def _decoded(body: bytes, kind: type[T]) -> T:
    """The body as `kind`. Raises ChatError bad_request."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ChatError(Code.BAD_REQUEST, str(error)) from error
