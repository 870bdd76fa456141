"""The emulator under AWS's own clients as they come: nothing but the endpoint's address is told to them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import venv
from contextlib import closing
from pathlib import Path

import aioboto3
import boto3
import pytest

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "How much is One Piece volume 100?"}]}]
#: Version 2 is not on PyPI, and Debian's is too old to know bedrock-runtime. Pins botocore: hence a place of its own.
AWS_CLI = "awscli==1.46.3"
AWS_CLI_HOME = Path(__file__).parents[2] / ".bench" / AWS_CLI
LIMIT_S = 300.0


@pytest.fixture
def endpoint(fast, monkeypatch):
    """The environment that someone who uses the emulator sets, and nothing of the machine's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": fast.bedrock.url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def aws_cli():
    """The AWS CLI's command, installed once."""
    command = AWS_CLI_HOME / "bin" / "aws"
    is_installed = AWS_CLI_HOME / "installed"
    if not is_installed.exists():
        venv.create(AWS_CLI_HOME, clear=True, with_pip=True)
        # The project's own constraints hold another botocore.
        environment = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        install = [str(AWS_CLI_HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", AWS_CLI]
        subprocess.run(install, check=True, env=environment, timeout=LIMIT_S, stdout=sys.stderr)
        is_installed.touch()
    return command


def aws(command, *arguments):
    return subprocess.run(
        [str(command), "bedrock-runtime", *arguments, "--output", "json"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def answer_of():
    with closing(boto3.client("bedrock-runtime")) as bedrock:
        return bedrock.converse(modelId=HAIKU, messages=MESSAGES)


@pytest.mark.usefixtures("endpoint")
def test_boto3_finds_the_emulator_by_its_variable(fast):
    """An unmodified client, and a stream of it."""
    with closing(boto3.client("bedrock-runtime")) as bedrock:
        whole = bedrock.converse(modelId=HAIKU, messages=MESSAGES)
        stream = list(bedrock.converse_stream(modelId=HAIKU, messages=MESSAGES)["stream"])
    assert stream[-1]["metadata"]["usage"] == whole["usage"]
    assert whole["ResponseMetadata"]["RetryAttempts"] == 0
    fast.bedrock.wait_for_line(id=whole["ResponseMetadata"]["RequestId"], outcome="ok")


@pytest.mark.usefixtures("endpoint")
def test_boto3_may_come_with_a_bearer_token(fast, monkeypatch):
    """AWS_BEARER_TOKEN_BEDROCK instead of a key."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "token")
    answer = answer_of()
    fast.bedrock.wait_for_line(id=answer["ResponseMetadata"]["RequestId"], outcome="ok")


@pytest.mark.usefixtures("endpoint")
def test_aioboto3_finds_the_emulator_by_its_variable():
    """The asynchronous client gets what the other one gets."""

    async def ask():
        async with aioboto3.Session().client("bedrock-runtime") as bedrock:
            response = await bedrock.converse_stream(modelId=HAIKU, messages=MESSAGES)
            return [event async for event in response["stream"]]

    texts = [
        event["contentBlockDelta"]["delta"]["text"] for event in asyncio.run(ask()) if "contentBlockDelta" in event
    ]
    assert "".join(texts) == answer_of()["output"]["message"]["content"][0]["text"]


@pytest.mark.usefixtures("endpoint")
def test_the_aws_cli_converses(aws_cli):
    """`aws bedrock-runtime converse` prints the answer that boto3 gets."""
    done = aws(aws_cli, "converse", "--model-id", HAIKU, "--messages", json.dumps(MESSAGES))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    whole = answer_of()
    assert (answer["output"], answer["usage"]) == (whole["output"], whole["usage"])


@pytest.mark.usefixtures("endpoint")
def test_the_aws_cli_invokes_a_model(aws_cli, tmp_path):
    """`aws bedrock-runtime invoke-model` writes the model's own body."""
    body, answer = tmp_path / "body.json", tmp_path / "answer.json"
    body.write_text(json.dumps({"inputText": "ワンピース", "dimensions": 256}))
    done = aws(
        aws_cli, "invoke-model", "--model-id", "amazon.titan-embed-text-v2:0", "--body", f"fileb://{body}", str(answer)
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(answer.read_text())["embedding"]) == 256


@pytest.mark.usefixtures("endpoint")
def test_the_aws_cli_names_the_service_s_error(aws_cli):
    """A retired model is what it would be on the service."""
    done = aws(aws_cli, "converse", "--model-id", "anthropic.claude-v2", "--messages", json.dumps(MESSAGES))
    assert done.returncode != 0
    assert "(ResourceNotFoundException) when calling the Converse operation" in done.stderr
    assert "has reached the end of its life" in done.stderr
