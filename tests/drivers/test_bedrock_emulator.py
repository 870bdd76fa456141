"""Both Bedrock drivers against the bundled emulator, as a process: the same answers, byte for byte."""

import asyncio
import json
import os
import subprocess
import sys

import msgspec
import pytest

from loadtester.drivers.bedrock import BedrockDriver
from loadtester.drivers.compat.bedrock import CompatBedrockDriver
from loadtester.errors import FmloadError
from loadtester.model import Outcome, Request

PATIENCE_S = 30.0
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-3-sonnet-20240229-v1:0"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    """Credentials that are nobody's, and nothing of this machine's own."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def emulator():
    """Starts an emulator with the options given, and gives its URL; all end with the test."""
    started = []

    def start(*options):
        command = [sys.executable, "-m", "target_app", "bedrock", "--port", "0", "--time-scale", "0", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        started.append(process)
        return json.loads(process.stdout.readline())["url"]

    yield start
    for process in started:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stdout.close()


class Probe:
    def __init__(self):
        self.pieces = []

    def sent(self):
        pass

    def connected(self, duration_ns):
        pass

    def chunk(self, n_bytes, text):
        self.pieces.append((n_bytes, text))

    def chunks(self, n_bytes, texts):
        assert n_bytes == len("".join(texts).encode())
        self.pieces += [(len(text.encode()), text) for text in texts]


def ask(number, prompt, model=HAIKU, **changes):
    fields = {
        "id": number,
        "query": "recommendation",
        "kind": "ai",
        "model": model,
        "prompt": prompt,
        "session": f"s-{number}",
        "turn": 1,
        "max_tokens": 200,
        "language": "ja",
    }
    return Request(**(fields | changes))


def answers(maker, url, requests, *, is_streaming):
    """Each request's ending, but for the emulator's own time, and its chunks."""

    async def main():
        driver = maker("us-east-1", url, is_streaming=is_streaming, ca_file=None)
        found = []
        async with asyncio.timeout(PATIENCE_S):
            for request in requests:
                probe = Probe()
                ending = await driver.send(request, probe)
                found.append((msgspec.structs.replace(ending, timing_s=None), probe.pieces))
            await driver.aclose()
        return found

    return asyncio.run(main())


REQUESTS = [
    ask(0, "鬼滅の刃の最新刊はありますか？"),
    ask(1, "Do you have volume 34?", SONNET),
    ask(2, "Tell me all about it", max_tokens=3),
    ask(3, "Something like One Piece?", want_output_tokens=60, max_tokens=1000),
    ask(4, '🦊 "quoted" \\ and\nlines'),
]


@pytest.mark.parametrize("is_streaming", [True, False])
def test_answers_are_the_same(emulator, is_streaming):
    """Text in its pieces, each field of the usage, stop reason; some of them cut at their limit."""
    url = emulator("--tokens-per-minute", "0")
    lean = answers(BedrockDriver, url, REQUESTS, is_streaming=is_streaming)
    assert lean == answers(CompatBedrockDriver, url, REQUESTS, is_streaming=is_streaming)
    assert {ending.outcome for ending, _ in lean} == {Outcome.OK, Outcome.TRUNCATED}
    assert all(ending.usage is not None and chunks for ending, chunks in lean)


@pytest.mark.parametrize("is_streaming", [True, False])
@pytest.mark.parametrize(
    ("options", "changes", "outcome"),
    [
        (("--tokens-per-minute", "1"), {}, Outcome.THROTTLED),
        (("--access-key", "AKIDOTHER"), {}, Outcome.CLIENT_ERROR),
        ((), {"model": "nobody.knows-v1:0"}, Outcome.CLIENT_ERROR),
        ((), {"max_tokens": 10_000_000}, Outcome.CLIENT_ERROR),
    ],
    ids=["throttled", "credentials", "model", "validation"],
)
def test_errors_are_the_same(emulator, options, changes, outcome, is_streaming):
    """Outcome, name and text."""
    url = emulator(*options)
    requests = [ask(0, "Hello", **changes)]
    lean = answers(BedrockDriver, url, requests, is_streaming=is_streaming)
    assert lean == answers(CompatBedrockDriver, url, requests, is_streaming=is_streaming)
    assert lean[0][0].outcome is outcome


def test_the_check_says_the_same(emulator):
    """Fine where the key is known, the same words where it is not."""

    async def check(maker, url):
        driver = maker("us-east-1", url, is_streaming=True, ca_file=None)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await driver.check()
        except FmloadError as error:
            return str(error), error.remedy, error.code
        finally:
            await driver.aclose()
        return None

    url = emulator("--access-key", "AKIDOTHER")
    told = [asyncio.run(check(maker, url)) for maker in (BedrockDriver, CompatBedrockDriver)]
    assert told[0] == told[1] is not None
    url = emulator("--access-key", "AKIDEXAMPLE")
    assert [asyncio.run(check(maker, url)) for maker in (BedrockDriver, CompatBedrockDriver)] == [None, None]
