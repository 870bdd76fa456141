"""What the emulator is told: a flag wins over a file, a file over the default."""

import json
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection

import pytest

from target_app.bedrock.limits import parse
from target_app.bedrock.settings import TOKENS_PER_MINUTE, quotas_of

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
NOTHING_SAID = {"tokens_per_minute": None, "requests_per_minute": None, "tokens_per_day": None}


@pytest.mark.parametrize(
    ("file", "flags", "tokens", "requests"),
    [
        (None, {}, TOKENS_PER_MINUTE, None),
        (None, {"tokens_per_minute": 7}, 7, None),
        (None, {"tokens_per_minute": 0}, None, None),
        ({"tokens_per_minute": 5, "requests_per_minute": 3}, {}, 5, 3),
        ({"tokens_per_minute": 5, "requests_per_minute": 3}, {"tokens_per_minute": 7}, 7, 3),
        ({"tokens_per_minute": 5, "requests_per_minute": 3}, {"requests_per_minute": 0}, 5, None),
        ({"requests_per_minute": 3}, {}, None, 3),
    ],
)
def test_limits(file, flags, tokens, requests):
    """Limit by limit: what a flag says, else the file, else the default; and 0 is none."""
    limits = quotas_of(None if file is None else parse(file), NOTHING_SAID | flags).of(HAIKU)
    assert (limits.tokens_per_minute, limits.requests_per_minute) == (tokens, requests)


def test_a_model_s_own_limits_stay():
    """What the file says of one model alone is not what a flag for every model is about."""
    file = parse({"tokens_per_minute": 5, "models": {HAIKU: {"tokens_per_minute": 9}}})
    quotas = quotas_of(file, NOTHING_SAID | {"tokens_per_minute": 7})
    assert quotas.of(HAIKU).tokens_per_minute == 9
    assert quotas.of("anthropic.claude-3-sonnet-20240229-v1:0").tokens_per_minute == 7


def quota_shown(*options):
    """What a real emulator, so started, says of its quota."""
    command = [sys.executable, "-m", "target_app", "bedrock", "--lifeline=stdin", "--admin-token=t", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            with closing(HTTPConnection(url.removeprefix("http://"), timeout=20)) as connection:
                connection.request("GET", "/_quota", headers={"Authorization": "Bearer t"})
                return json.loads(connection.getresponse().read())
        finally:
            process.kill()


def test_the_file_reaches_the_emulator_and_flags_win(tmp_path):
    """Quotas and the way to count a minute, from the file as it is; and with flags over it."""
    file = tmp_path / "target.yaml"
    file.write_text("bedrock: {window: minute, slots: 3, quotas: {tokens_per_minute: 5000, requests_per_minute: 3}}")
    shown = quota_shown(f"--config={file}")
    assert (shown["window"], shown["slots"]) == ("minute", 3)
    assert (shown["limits"]["tokens_per_minute"], shown["limits"]["requests_per_minute"]) == (5000, 3)
    shown = quota_shown(f"--config={file}", "--window=bucket", "--tokens-per-minute=0", "--slots=4")
    assert (shown["window"], shown["slots"]) == ("bucket", 4)
    assert (shown["limits"]["tokens_per_minute"], shown["limits"]["requests_per_minute"]) == (None, 3)
