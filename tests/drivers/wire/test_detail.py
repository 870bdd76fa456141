"""What an Ending says: short, on one line, without secrets."""

import pytest

from loadtester.drivers.wire.detail import LIMIT_CHARS, short_detail


@pytest.mark.parametrize(
    "secret",
    ["Bearer abc123def456", "sk-proj-abcdefgh12345678", "AKIAIOSFODNN7EXAMPLE", "api_key=hunter2hunter2"],
)
def test_secrets(secret):
    """What looks like a credential is masked, even where the limit cuts through it."""
    value = secret.rpartition(" ")[2].rpartition("=")[2]
    assert value not in short_detail(f"401: {secret} is not valid")
    shown = short_detail("x" * (LIMIT_CHARS - len(secret) // 2 - 2) + " " + secret)
    assert value[:5] not in shown


def test_shape():
    """One line, printable, at most 120 characters however long the text; what fits stays as it is."""
    assert short_detail("429: Too many\r\n\t requests\x1b[31m") == "429: Too many requests\ufffd[31m"
    assert short_detail("x" * 120) == "x" * 120
    assert short_detail("x" * 10_000_000) == "x" * 119 + "…"


def test_head():
    """What names a secret in the head does not hide the first word of the text, and the limit holds for both."""
    assert short_detail("Incorrect key", "401 invalid_api_key") == "401 invalid_api_key: Incorrect key"
    assert short_detail("", "401") == short_detail("401") == "401"
    assert len(short_detail("x" * 200, "401")) == LIMIT_CHARS
