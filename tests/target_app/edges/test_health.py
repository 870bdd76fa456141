"""Health: who is alive, what is ready, and what is missing."""

from starlette.testclient import TestClient

from target_app.stores.errors import StoreError
from target_app.stores.sqlite_carts import SqliteCarts

DOWN = {"faults": [{"kind": "store_down", "stores": ["carts"]}]}


def statuses(response):
    return {name: each["status"] for name, each in response.json()["dependencies"].items()}


def test_all_is_there(build):
    """Each dependency is shown with how long it took to see."""
    response = TestClient(build()).get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert statuses(response) == {"bedrock": "ok", "sessions": "ok", "products": "ok", "carts": "ok"}
    assert all(each["ms"] >= 0 for each in response.json()["dependencies"].values())


def test_a_store_that_is_down_degrades(build, monkeypatch):
    """A store that is down shows, but the service still answers."""

    async def down(_):
        raise StoreError("carts", "gone")

    monkeypatch.setattr(SqliteCarts, "check", down)
    client = TestClient(build())
    for path in ("/health", "/health/ready"):
        response = client.get(path)
        assert (response.status_code, response.json()["status"]) == (200, "degraded")
        assert statuses(response)["carts"] == "down"


def test_a_fault_of_the_plan_is_none_of_a_check(build):
    """A store that is down by the plan alone is healthy: the plan is for what it is used for."""
    response = TestClient(build(faults=DOWN)).get("/health/ready")
    assert (response.status_code, statuses(response)["carts"]) == (200, "ok")


def test_without_the_model_it_is_not_ready(build, says):
    """Without the model's endpoint there are no answers: 503; the process lives all the same."""
    client = TestClient(build(says(is_up=False)))
    assert client.get("/health/ready").status_code == 503
    whole = client.get("/health")
    assert (whole.status_code, whole.json()["bedrock"]) == (503, "unreachable")
    assert client.get("/health/live").json() == {"status": "ok"}
