"""The OpenAPI description of the REST side, with the schemas that requests are really checked by."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.types import Receive, Scope, Send

from target_app import __name__ as _package
from target_app.chat import ChatMessage, Done
from target_app.edges.rest import send_json
from target_app.edges.shop import Cart, Id, ItemBody, Page, PageQuery, ProductBody
from target_app.errors import STATUS, Code
from target_app.prompting import ROUTES
from target_app.stores.cart import CartItem
from target_app.stores.product import Product

_REFERENCE: Final = "#/components/schemas/{name}"
_MODEL_CODES: Final = (
    Code.BAD_REQUEST, Code.THROTTLED, Code.MODEL_ERROR, Code.UNAVAILABLE, Code.MODEL_TIMEOUT, Code.INTERNAL,
    Code.UNAUTHORIZED, Code.FORBIDDEN,
)  # fmt: skip
_SHOP_CODES: Final = (Code.BAD_REQUEST, Code.UNAVAILABLE)
#: Where a token is asked for, if the service has a secret to sign them with.
_TOKEN_CODES: Final = (Code.UNAUTHORIZED, Code.FORBIDDEN)


class ErrorBody(msgspec.Struct, frozen=True):
    """What an error says of itself."""

    code: Code
    message: str


class Error(msgspec.Struct, frozen=True):
    """Every answer that isn't a success."""

    error: ErrorBody


class Told(Done, frozen=True, kw_only=True):
    """A whole answer: what is said at its end, and its text."""

    answer: str


def document() -> dict[str, Any]:
    """The description, as OpenAPI 3.1."""
    kinds = (ChatMessage, Told, Product, ProductBody, Page, Cart, CartItem, ItemBody, Error)
    _, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    components["ChatMessage"] |= _routable()
    return {
        "openapi": "3.1.0",
        "info": {"title": "MangaAssist", "version": "1", "description": f"The REST side of {_package}."},
        "paths": _paths(),
        "components": {"schemas": components},
    }


def _routable() -> dict[str, Any]:
    """The rule that a schema of fields can't say: the query type is a known one, or the model is named."""
    named = {"required": ["model"], "properties": {"model": {"type": "string"}}}
    return {"anyOf": [named, {"properties": {"query_type": {"enum": [*ROUTES, None]}}}]}


def _paths() -> dict[str, Any]:
    gone = (*_SHOP_CODES, Code.NOT_FOUND)
    events = {"description": "deltas, then done or error", "content": {"text/event-stream": {}}}
    return {
        "/v1/chat": {"post": _operation("chat", Told, _MODEL_CODES, body=ChatMessage)},
        "/v1/chat/stream": {"post": _operation("streamChat", events, _MODEL_CODES, body=ChatMessage)},
        "/v1/products": {"get": _operation("listProducts", Page, _SHOP_CODES) | {"parameters": _query()}},
        "/v1/products/{id}": {
            "parameters": [_in_path("id")],
            "get": _operation("getProduct", Product, gone),
            "put": _operation("putProduct", Product, _SHOP_CODES, body=ProductBody),
            "delete": _operation("deleteProduct", None, gone),
        },
        "/v1/carts/{user}": {
            "parameters": [_in_path("user")],
            "get": _operation("getCart", Cart, (*_SHOP_CODES, *_TOKEN_CODES)),
        },
        "/v1/carts/{user}/items/{product}": {
            "parameters": [_in_path("user"), _in_path("product")],
            "put": _operation("putItem", CartItem, (*gone, *_TOKEN_CODES), body=ItemBody),
            "delete": _operation("removeItem", None, (*gone, *_TOKEN_CODES)),
        },
    }


def _operation(name: str, result: Any, codes: tuple[Code, ...], body: type | None = None) -> dict[str, Any]:
    """One operation; `result` is the type of its answer, None for 204, or a response as it is."""
    status = "204" if result is None else "200"
    if result is None:
        result = {"description": "done"}
    elif isinstance(result, type):
        result = {"description": "the answer", "content": _json(result)}
    operation: dict[str, Any] = {
        "operationId": name,
        "responses": {status: result} | {str(STATUS[code]): _failed(code) for code in codes},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation


def _failed(code: Code) -> dict[str, Any]:
    return {"description": code.value, "content": _json(Error)}


def _json(kind: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=kind.__name__)}}}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(Id)}


def _query() -> list[dict[str, Any]]:
    """The parameters of a page, from the type that they are checked by; an absent one is not null but absent."""
    parameters = []
    for field in msgspec.structs.fields(PageQuery):
        schema = msgspec.json.schema(field.type)
        given = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
        parameters.append({"name": field.name, "in": "query", "required": False, "schema": given[0]})
    return parameters


class OpenApi:
    """The ASGI application behind /openapi.json."""

    def __init__(self) -> None:
        self._document = document()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the description."""
        del scope, receive
        await send_json(send, 200, self._document)
