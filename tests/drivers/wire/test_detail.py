"""What an Ending says: short, on one line, without secrets and personal data."""

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


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no account for bob@example.com", "404: no account for [e-mail]"),
        ("no account for BOB%40example.com", "404: no account for [e-mail]"),
        ('{"phone": "090-1234-5678"}', '404: {"phone": "[phone]"}'),
        ("card 4111 1111 1111 1111 was declined", "404: card [card] was declined"),
        ("#MGA-2024-78542 is unknown", "404: [order id] is unknown"),
        ("request 550e8400-e29b-41d4-a716-446655440000", "404: request 550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_personal_data(said, shown):
    """What a service repeats of its users is taken out of what it says; ids of requests stay."""
    assert short_detail(said, "404") == shown


def test_the_end_of_what_is_looked_at():
    """Where so much is taken out that it shows, it shows no half of an address."""
    key = f"-----BEGIN PRIVATE KEY-----{'A' * 900}-----END PRIVATE KEY-----"
    for n_spaces in range(1, 60):
        text = f"{key}{'.' * n_spaces} bob.alice.carol@example.com"
        assert "carol@" not in short_detail(text)


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
