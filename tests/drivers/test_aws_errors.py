"""Bedrock's error names and the outcomes they stand for."""

import pytest

from loadtester.drivers.wire.aws_errors import ending_of_error, is_credentials_error
from loadtester.model import Outcome


@pytest.mark.parametrize(
    ("name", "status", "outcome"),
    [
        ("ThrottlingException", 429, Outcome.THROTTLED),
        ("ServiceQuotaExceededException", 400, Outcome.THROTTLED),
        ("ModelNotReadyException", 429, Outcome.UNAVAILABLE),
        ("ServiceUnavailableException", 503, Outcome.UNAVAILABLE),
        ("ModelTimeoutException", 408, Outcome.MODEL_TIMEOUT),
        ("ModelErrorException", 424, Outcome.SERVER_ERROR),
        ("ModelStreamErrorException", 424, Outcome.SERVER_ERROR),
        ("InternalServerException", 500, Outcome.SERVER_ERROR),
        ("ValidationException", 400, Outcome.CLIENT_ERROR),
        ("AccessDeniedException", 403, Outcome.CLIENT_ERROR),
        ("ResourceNotFoundException", 404, Outcome.CLIENT_ERROR),
        ("ExpiredTokenException", 403, Outcome.CLIENT_ERROR),
        ("", 429, Outcome.THROTTLED),
        ("502", 502, Outcome.SERVER_ERROR),
    ],
)
def test_a_name_counts_before_its_status(name, status, outcome):
    """Every error of the service model, and answers without a name."""
    ending = ending_of_error(name, "why", status)
    assert ending.outcome is outcome
    assert "why" in ending.detail


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("throttlingException", Outcome.THROTTLED),
        ("serviceUnavailableException", Outcome.UNAVAILABLE),
        ("modelStreamErrorException", Outcome.BROKEN),
        ("internalServerException", Outcome.SERVER_ERROR),
        ("validationException", Outcome.CLIENT_ERROR),
        ("modelTimeoutException", Outcome.MODEL_TIMEOUT),
        ("anythingElse", Outcome.SERVER_ERROR),
    ],
)
def test_in_a_stream_an_error_keeps_its_outcome(name, outcome):
    """But for the one that says that the stream itself failed."""
    assert ending_of_error(name, "", None).outcome is outcome


def test_credentials_errors_are_known_by_status_or_name():
    """What the check tells a user to mend."""
    assert is_credentials_error("Whatever", 403)
    assert is_credentials_error("UnrecognizedClientException", 400)
    assert is_credentials_error("ExpiredToken", None)
    assert not is_credentials_error("ValidationException", 400)
