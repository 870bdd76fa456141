"""Choosing a driver: by protocol, with no more imported than it needs."""

import subprocess
import sys
from dataclasses import fields

import pytest

from loadtester.drivers import driver_for
from loadtester.errors import Exit, FmloadError
from loadtester.scenario.scenario import Target

HTTP = "http://127.0.0.1:9"


def target(**changes):
    known = {
        "url": None,
        "protocol": "ws",
        "region": None,
        "endpoint_url": None,
        "headers": {},
        "ca_file": None,
        "is_streaming": True,
        "client": "fast",
    } | changes
    return Target(**{field.name: known[field.name] for field in fields(Target)})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"protocol": "ws", "url": HTTP}, "WebSocketDriver"),
        ({"protocol": "rest", "url": HTTP}, "RestDriver"),
        ({"protocol": "sse", "url": HTTP}, "SseDriver"),
        ({"protocol": "openai", "url": HTTP}, "OpenAIDriver"),
        ({"protocol": "bedrock", "region": "us-east-1"}, "BedrockDriver"),
        ({"protocol": "bedrock", "endpoint_url": HTTP}, "BedrockDriver"),
    ],
)
def test_every_protocol_has_its_driver(changes, name):
    """Made without a connection, and without an event loop."""
    assert type(driver_for(target(**changes))).__name__ == name


@pytest.mark.parametrize(
    ("changes", "made"),
    [
        ({"protocol": "ws", "url": HTTP}, ("WebSocketDriver", "open_compat")),
        ({"protocol": "rest", "url": HTTP}, ("RestDriver", "CompatService")),
        ({"protocol": "sse", "url": HTTP}, ("SseDriver", "CompatService")),
        ({"protocol": "openai", "url": HTTP}, ("OpenAIDriver", "CompatService")),
        ({"protocol": "bedrock", "region": "us-east-1"}, ("CompatBedrockDriver", None)),
    ],
)
def test_the_compat_client_is_the_slower_libraries(changes, made):
    """The same drivers where they do no I/O of their own, on httpx, websockets and the AWS SDK."""
    driver = driver_for(target(client="compat", **changes))
    rides_on = getattr(driver, "_open_line", None) or type(getattr(driver, "_service", None))
    assert (type(driver).__name__, None if rides_on is type(None) else rides_on.__name__) == made


def test_a_target_without_an_address_is_the_users_to_mend():
    """All but Bedrock need a URL."""
    with pytest.raises(FmloadError) as caught:
        driver_for(target(protocol="sse"))
    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("protocol", "absent"), [("ws", ["botocore", "aiohttp", "httpx"]), ("bedrock", ["botocore", "aiohttp", "picows"])]
)
def test_heavy_libraries_wait_until_they_are_needed(protocol, absent):
    """The AWS SDK is not even imported for its own driver before the check."""
    script = (
        "import sys\n"
        "from loadtester.drivers import driver_for\n"
        "from types import SimpleNamespace\n"
        f"driver_for(SimpleNamespace(protocol={protocol!r}, url={HTTP!r}, region='r', endpoint_url=None, headers={{}},"
        " ca_file=None, is_streaming=True, client='fast'))\n"
        f"print([name for name in {absent!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
