"""Health: who is alive, what is ready, and what is missing."""

from starlette.testclient import TestClient

DOWN = {"faults": [{"kind": "store_down", "stores": ["carts"]}]}


def statuses(response):
    return {name: each["status"] for name, each in response.json()["dependencies"].items()}


def test_all_is_there(build):
    """Each dependency is shown with how long it took to see."""
    response = TestClient(build()).get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert statuses(response) == {"bedrock": "ok", "sessions": "ok", "products": "ok", "carts": "ok"}
    assert all(each["ms"] >= 0 for each in response.json()["dependencies"].values())


def test_a_store_that_is_down_degrades(build):
    """A store that is down shows, but the service still answers."""
    client = TestClient(build(faults=DOWN))
    for path in ("/health", "/health/ready"):
        response = client.get(path)
        assert (response.status_code, response.json()["status"]) == (200, "degraded")
        assert statuses(response)["carts"] == "down"


def test_without_the_model_it_is_not_ready(build, says):
    """Without the model's endpoint there are no answers: 503; the process lives all the same."""
    client = TestClient(build(says(is_up=False)))
    assert client.get("/health/ready").status_code == 503
    whole = client.get("/health")
    assert (whole.status_code, whole.json()["bedrock"]) == (503, "unreachable")
    assert client.get("/health/live").json() == {"status": "ok"}
