"""target_app.bedrock.admin and the command line: who may see and change the running emulator, and what then holds."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
from contextlib import closing

import httpx
import pytest

from target_app.bedrock.server import create_app
from target_app.bedrock.settings import TOKENS_PER_MINUTE, Settings

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"
TOKEN = {"Authorization": "Bearer open sesame"}
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDRIGHT/20261121/us-east-1/bedrock/aws4_request, x"}
LIMIT_S = 20.0


def ask(settings, *requests, client=("127.0.0.1", 1234)):
    """Statuses and bodies of requests (method, path, body, headers) to one emulator, without a server."""

    async def scene():
        transport = httpx.ASGITransport(create_app(settings, None, quota_clock_ns=lambda: 0), client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as connected:
            answers = []
            for method, path, body, headers in requests:
                content = body if isinstance(body, bytes | None) else json.dumps(body)
                response = await connected.request(method, path, content=content, headers=headers)
                answers.append((response.status_code, response.json()))
            return answers

    return asyncio.run(scene())


def converse(model, max_tokens=100):
    body = {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": max_tokens},
        "requestMetadata": {"output_tokens": "9"},
    }
    return "POST", f"/model/{model}/converse", body, TOKEN


@pytest.mark.parametrize("path", ["/_faults", "/_quota", "/_stats"])
@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        ({"admin_token": "open sesame"}, TOKEN, 200),
        ({"admin_token": "open sesame"}, {"Authorization": "Bearer open"}, 403),
        ({"admin_token": "open sesame", "access_key": "AKIDRIGHT"}, SIGNED, 403),
        ({"access_key": "AKIDRIGHT"}, SIGNED, 200),
        ({"access_key": "AKIDWRONG"}, SIGNED, 403),
        ({}, {}, 403),
        ({}, SIGNED, 200),
    ],
)
def test_administration_is_for_who_has_the_token_or_the_key(path, settings, headers, status):
    """The token where there is one, else what a model asks for."""
    assert ask(Settings(**settings), ("GET", path, None, headers))[0][0] == status


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.1", 403)])
def test_administration_is_for_this_machine(host, status):
    """Another machine may use the models, and change nothing, whatever it knows."""
    settings = Settings(admin_token="open sesame", time_scale=0)
    requests = [("GET", "/_stats", None, TOKEN), converse(HAIKU)]
    assert [answer[0] for answer in ask(settings, *requests, client=(host, 1))] == [status, 200]


def test_limits_can_be_changed_while_it_runs():
    """A model's own limits stand in for everyone's, and the fill shows what is left of them."""
    limits = {"tokens_per_minute": 150, "models": {SONNET: {"tokens_per_minute": None, "requests_per_minute": 2}}}
    answers = ask(
        Settings(time_scale=0),
        ("PUT", "/_quota", limits, TOKEN),
        converse(HAIKU),
        converse(HAIKU, 150),
        converse(SONNET, 4_000),
        ("GET", "/_quota", None, TOKEN),
        ("PUT", "/_quota", {"tokens_per_day": 50}, TOKEN),
        converse(HAIKU),
    )
    assert [status for status, _ in answers] == [200, 200, 429, 200, 200, 200, 429]
    assert answers[4][1]["fill"] == {
        HAIKU: {"tokens_per_minute": {"limit": 150, "left": 140}},
        SONNET: {"requests_per_minute": {"limit": 2, "left": 1}},
    }
    assert answers[6][1] == {"message": "Too many tokens per day, please wait before trying again."}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/_faults", {"faults": [{"kind": "throtle"}]}, "unknown kind 'throtle'; known: throttle"),
        ("/_faults", b"{", "Expecting"),
        ("/_faults", b"\xff", "codec"),
        ("/_faults", b"[" * 99_999, "nested too deeply"),
        ("/_faults", {"faults": [{"kind": "throttle"}, {"kind": "store_down"}]}, "store_down: of a store; put"),
        ("/_quota", {"tokens_per_minute": -1}, ">= 1"),
        ("/_quota", b"[" * 99_999, "nested too deeply"),
    ],
)
def test_what_can_not_be_read_changes_nothing(path, body, said):
    """400 with the reason, and what held before still holds."""
    before, refused, after = ask(
        Settings(), ("GET", path, None, TOKEN), ("PUT", path, body, TOKEN), ("GET", path, None, TOKEN)
    )
    assert refused[0] == 400
    assert said in refused[1]["message"]
    assert after == before


def test_the_stats_count_requests_and_slots():
    """Requests by outcome, faults by kind, and each model's slots."""
    answers = ask(
        Settings(time_scale=0, slots=3),
        converse(HAIKU),
        ("PUT", "/_faults", {"faults": [{"kind": "throttle"}]}, TOKEN),
        converse(HAIKU),
        converse("nobody"),
        ("GET", "/_stats", None, TOKEN),
    )
    assert answers[-1][1] == {
        "requests": {"ok": 1, "throttled": 1, "invalid": 1},
        "faults": {"throttle": 1},
        "models": {HAIKU: {"decoding": 0, "waiting": 0, "slots": 3}},
    }


def test_cached_prompts_are_counted_apart():
    """Written, then read: in usage, in what is reserved and in what is charged."""
    system = [{"text": "日" * 1_024}, {"cachePoint": {"type": "default"}}]
    method, path, body, headers = converse(HAIKU)
    call = (method, path, body | {"system": system}, headers)
    answers = ask(Settings(time_scale=0), call, call, ("GET", "/_quota", None, TOKEN))
    assert [answer["usage"] for _, answer in answers[:2]] == [
        {
            "inputTokens": 1,
            "outputTokens": 9,
            "totalTokens": 1_034,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": 1_024 - read,
        }
        for read in (0, 1_024)
    ]
    assert answers[2][1]["fill"][HAIKU]["tokens_per_minute"]["left"] == TOKENS_PER_MINUTE - (1 + 1_024 + 9) - (1 + 9)


def test_claude_s_own_body_can_cache_too():
    """cache_control on a block is a cache point after it."""
    block = {"type": "text", "text": "日" * 1_024, "cache_control": {"type": "ephemeral"}}
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "system": [block],
        "messages": [{"role": "user", "content": "Hi"}],
    }
    call = ("POST", f"/model/{HAIKU}/invoke", body, TOKEN)
    usages = [answer["usage"] for _, answer in ask(Settings(time_scale=0), call, call)]
    assert [(usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]) for usage in usages] == [
        (1_024, 0),
        (0, 1_024),
    ]
    assert usages[0]["input_tokens"] == 1


def test_the_command_line_sets_it_all(start, tmp_path):
    """Faults and quotas from files, slots and token from options, in the process that runs."""
    faults, quotas = tmp_path / "faults.yaml", tmp_path / "quotas.json"
    faults.write_text("seed: 5\nfaults: [{kind: unavailable, query_types: [greeting]}]")
    quotas.write_text(json.dumps({"tokens_per_minute": 500}))
    options = ("--faults", faults, "--quotas", quotas, "--slots", "2", "--admin-token", "open sesame")
    running = start("bedrock", *map(str, options))

    def see(path):
        with closing(
            http.client.HTTPConnection("127.0.0.1", int(running.url.rsplit(":", 1)[1]), timeout=LIMIT_S)
        ) as to:
            to.request("GET", path, headers=TOKEN)
            return json.loads(to.getresponse().read())

    assert see("/_faults")["plan"] == {"seed": 5, "faults": [{"kind": "unavailable", "query_types": ["greeting"]}]}
    assert see("/_quota")["limits"]["tokens_per_minute"] == 500
    assert see("/_stats") == {"requests": {}, "faults": {}, "models": {}}


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--faults", "faults: [{kind: stal}]", "known: stall"),
        ("--quotas", "tokens_per_minute: none", "Expected `int"),
        ("--faults", None, "No such file"),
        ("--slots", None, "invalid _count_from_1 value"),
    ],
)
def test_a_bad_option_is_told_in_a_line(tmp_path, option, content, said):
    """Exit code 2 and the reason, before anything is served."""
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "target_app", "bedrock", option, str(path)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
