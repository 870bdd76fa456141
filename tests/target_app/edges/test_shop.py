"""Products and carts over REST: what can be done with them, and what is refused."""

import pytest
from starlette.testclient import TestClient

BODY = {
    "title": "Blue Giant", "title_ja": "ブルージャイアント", "volume": 1, "author": "Ishizuka", "genre": "music",
    "price_jpy": 660, "stock": 4, "released": "2013-11-29", "summary": "Jazz.",
}  # fmt: skip


@pytest.fixture
def client(build):
    return TestClient(build(admin={"token": "0123456789abcdef"}))


def code(response):
    return response.status_code, response.json()["error"]["code"]


def test_a_product_from_first_to_last(client):
    """Put, it can be read; put again, it has changed; deleted, it is gone, and can't be deleted again."""
    path = "/v1/products/MGA-000001"
    assert code(client.get(path)) == (404, "not_found")
    assert client.put(path, json=BODY).json() == {"id": "MGA-000001", **BODY}
    client.put(path, json={**BODY, "stock": 3})
    assert client.get(path).json()["stock"] == 3
    assert client.delete(path).status_code == 204
    assert code(client.delete(path)) == (404, "not_found")


def test_pages_have_every_product_once(client):
    """Followed by `next`, pages bring all products in order, and the last one says so."""
    ids = [f"MGA-{n:06}" for n in range(5)]
    for key in ids:
        client.put(f"/v1/products/{key}", json=BODY)
    seen, after = [], None
    while True:
        page = client.get("/v1/products", params={"limit": 2} | ({"after": after} if after else {})).json()
        seen += [product["id"] for product in page["products"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ids


def test_a_search(client):
    """`q` finds by a part of a title in either language, whatever its case."""
    client.put("/v1/products/a", json=BODY)
    client.put("/v1/products/b", json={**BODY, "title": "Akira", "title_ja": "アキラ"})
    for words in ("BLUE g", "ジャイ"):
        found = client.get("/v1/products", params={"q": words}).json()
        assert ([product["id"] for product in found["products"]], found["next"]) == (["a"], None)


def test_a_cart(client):
    """A cart holds what was put in, of products that exist, and forgets what was taken out; nobody else sees it."""
    client.put("/v1/products/a", json=BODY)
    item = "/v1/carts/u-1/items/a"
    assert code(client.put("/v1/carts/u-1/items/unknown", json={"quantity": 1})) == (404, "not_found")
    assert client.put(item, json={"quantity": 2}).json() == {"product_id": "a", "quantity": 2}
    assert client.get("/v1/carts/u-1").json() == {"user": "u-1", "items": [{"product_id": "a", "quantity": 2}]}
    assert client.get("/v1/carts/u-2").json() == {"user": "u-2", "items": []}
    assert client.delete(item).status_code == 204
    assert code(client.delete(item)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/products/a", {**BODY, "price_jpy": -1}),
        ("PUT", "/v1/products/a", {**BODY, "colour": "blue"}),
        ("PUT", "/v1/products/a", {"title": "Akira"}),
        ("PUT", "/v1/carts/u/items/a", {"quantity": 0}),
        ("PUT", "/v1/carts/u/items/a", {"quantity": "1; DROP TABLE carts"}),
        ("GET", "/v1/products?limit=101", None),
        ("GET", "/v1/products?limit=two", None),
        ("GET", "/v1/products?colour=blue", None),
        ("GET", "/v1/products?after=%27%20OR%201=1--", None),
        ("GET", "/v1/products/%27%20OR%20%271%27=%271", None),
        ("DELETE", "/v1/products/a%23session", None),
        ("GET", "/v1/carts/u%00", None),
        ("GET", "/v1/carts/" + "u" * 65, None),
    ],
)
def test_bad_input(client, method, path, body):
    """What breaks a rule is a bad request in the shape of all errors, and changes nothing."""
    client.put("/v1/products/kept", json=BODY)
    assert code(client.request(method, path, json=body)) == (400, "bad_request")
    assert [product["id"] for product in client.get("/v1/products").json()["products"]] == ["kept"]


def test_what_is_not_there(client):
    """Unknown paths and methods have the shape of all errors, and say which methods there are."""
    assert code(client.get("/v2")) == (404, "not_found")
    refused = client.post("/v1/products/a", json=BODY)
    assert code(refused) == (405, "method_not_allowed")
    assert {"GET", "PUT", "DELETE"} <= set(refused.headers["allow"].split(", "))


def test_a_store_that_is_down(build):
    """A store that fails is a 503 that names it."""
    client = TestClient(build(faults={"faults": [{"kind": "store_down", "stores": ["products"]}]}))
    response = client.get("/v1/products")
    assert code(response) == (503, "unavailable")
    assert "products" in response.json()["error"]["message"]


def test_a_changed_product_outdates_the_cached_answers(build):
    """A question that was answered from the cache is asked again once a product was put or deleted."""
    client = TestClient(build(profile="full"))
    question = {
        "request_id": "r",
        "session_id": "s",
        "message": "Good morning!",
        "query_type": "greeting",
        "bare": True,
    }

    def cached():
        return client.post("/v1/chat", json=question).json().get("cache")

    assert [cached(), cached()] == [None, "exact"]
    assert client.put("/v1/products/p", json=BODY).status_code == 200
    assert [cached(), cached()] == [None, "exact"]
    assert client.delete("/v1/products/p").status_code == 204
    assert cached() is None
