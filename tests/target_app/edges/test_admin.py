"""/admin: who gets in, what is seen, and that faults put there happen."""

import json
import time

import pytest
from starlette.testclient import TestClient

from target_app.edges.tokens import issue

TOKEN = "0123456789abcdef"
KEY = {"Authorization": f"Bearer {TOKEN}"}
SECRET = "another secret of 16"
MESSAGE = {"request_id": "r", "session_id": "s", "message": "Hello!"}


@pytest.fixture
def client(build):
    token = issue(SECRET, "user", int(time.time()) + 3600)
    service = build(profile="full", admin={"token": TOKEN}, auth={"secret": SECRET})
    return TestClient(service, headers={"Authorization": f"Bearer {token}"})


def test_without_a_token_there_is_nothing(build):
    """A service without an admin token has no such path, whatever is sent."""
    assert TestClient(build()).get("/admin/config", headers=KEY).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}0", "Bearer é"])
def test_only_with_the_token(client, header):
    """Without the very token nothing is shown."""
    response = client.get("/admin/config", headers={"Authorization": header.encode()})
    assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("part", ["config", "pools", "caches", "breakers", "gateway", "quotas", "faults"])
def test_each_part_is_shown(client, part):
    """Each part can be seen, and none shows a secret."""
    client.post("/v1/chat", json=MESSAGE)
    response = client.get(f"/admin/{part}", headers=KEY)
    assert response.status_code == 200
    assert TOKEN not in response.text
    assert "another secret" not in response.text


def test_caches_and_calls_are_counted(client):
    """A question asked twice is one call and one hit."""
    for _ in range(2):
        client.post("/v1/chat", json={**MESSAGE, "query_type": "greeting", "bare": True})
    assert client.get("/admin/caches", headers=KEY).json()["exact_hits"] == 1
    assert sum(client.get("/admin/quotas", headers=KEY).json()["calls"].values()) == 1


def test_faults_put_there_happen_and_are_counted(client):
    """A plan that is put is in force at once: the answer goes without history, says so, and the faults are counted."""
    plan = {"faults": [{"kind": "store_down", "stores": ["sessions"]}]}
    assert client.put("/admin/faults", headers=KEY, json=plan).json()["injected"] == {}
    answer = client.post("/v1/chat", json=MESSAGE)
    assert (answer.status_code, answer.json()["degraded"]) == (200, ["sessions"])
    seen = client.get("/admin/faults", headers=KEY).json()
    assert (seen["injected"], seen["messages"]) == ({"store_down": 2}, {"store_down": 1})
    client.get("/v1/carts/user", headers={"Authorization": "Bearer none"})
    again = client.put("/admin/faults", headers=KEY, json=plan).json()
    assert (again["injected"], again["messages"]) == ({}, {})


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[]", b"[" * 9_999, json.dumps({"faults": [{"kind": "flood"}]}).encode()]
)
def test_a_plan_that_is_none(client, body):
    """What is no plan is refused, and the one in force stays."""
    response = client.put("/admin/faults", headers=KEY, content=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert client.get("/admin/faults", headers=KEY).json()["plan"]["faults"] == []


def test_only_faults_can_be_put(client):
    """The other parts can only be seen; unknown ones aren't there."""
    assert client.put("/admin/config", headers=KEY, json={}).status_code == 405
    assert client.get("/admin/secrets", headers=KEY).status_code == 404


def test_only_faults_of_stores_can_be_put(client):
    """What befalls the model would do nothing here: it is refused by name, with where it belongs; the plan stays."""
    plan = {"faults": [{"kind": "throttle"}, {"kind": "store_down"}, {"kind": "stall", "delay_s": 1}]}
    response = client.put("/admin/faults", headers=KEY, json=plan)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert response.json()["error"]["message"].startswith("stall, throttle: ")
    assert "/_faults" in response.json()["error"]["message"]
    assert client.get("/admin/faults", headers=KEY).json()["plan"]["faults"] == []


def test_what_the_gateway_did_is_counted(client):
    """One message is one attempt and one answer of its model, with nothing else."""
    model = client.post("/v1/chat", json={**MESSAGE, "model": "m"}).json()["model"]
    seen = client.get("/admin/gateway", headers=KEY).json()
    assert model == "m"
    assert seen == {"attempts": {"m": 1}, "retries": {}, "fallbacks": {}, "answered": {"m": 1}, "canned": 0}
