"""Faults of the emulator's answers, through the whole service: validation tells them, and repair mends them."""

import json

import pytest
from starlette.testclient import TestClient

from target_app import config
from target_app.app import create_app
from target_app.endpoint import Endpoint

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"
QUESTION = {"request_id": "r", "session_id": "s", "message": "Please recommend a manga about cooking.", "model": SONNET}


@pytest.fixture
def ask(start, tmp_path):
    """Asks a service whose Sonnet has the fault in every answer, and whose Haiku has none."""

    def asked(kind, *, repair):
        plan = tmp_path / "faults.json"
        plan.write_text(json.dumps({"faults": [{"kind": kind, "models": [SONNET]}]}))
        bedrock = start("bedrock", "--time-scale", "0", "--tokens-per-minute", "0", "--faults", str(plan))
        checks = {"checks": ["language", "grounding"], "repair": repair}
        chosen = config.parse({"retrieval": {"enabled": True}, "validation": checks})
        with TestClient(create_app(Endpoint(url=bedrock.url), None, chosen)) as client:
            response = client.post("/v1/chat", json=QUESTION)
        assert response.status_code == 200
        return response.json()

    return asked


@pytest.mark.parametrize(("kind", "check"), [("wrong_language", "language"), ("hallucinated_title", "grounding")])
def test_what_is_wrong_is_told(ask, kind, check):
    """Without repair the answer is given, by the model that was asked, with what is wrong about it."""
    told = ask(kind, repair=False)
    assert check in {finding["check"] for finding in told["validation"]}
    assert (told["model"], "repair" in told) == (SONNET, False)


@pytest.mark.parametrize("kind", ["wrong_language", "hallucinated_title"])
def test_what_is_wrong_is_mended(ask, kind):
    """With repair Haiku answers instead, and nothing is wrong with that."""
    told = ask(kind, repair=True)
    assert (told["repair"], told["model"]) == ("retried", HAIKU)
    assert "validation" not in told
