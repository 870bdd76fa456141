"""Refusals: statuses, error bodies of every API, and errors inside an answer, each with one outcome."""

import json

import msgspec
import pytest

from loadtester.drivers.wire.status import (
    ending_of_error,
    ending_of_status,
    has_fault,
    outcome_of_code,
    outcome_of_status,
    read_fault,
)
from loadtester.model import Outcome

THROTTLED, UNAVAILABLE, MODEL_TIMEOUT = Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.MODEL_TIMEOUT
SERVER, CLIENT = Outcome.SERVER_ERROR, Outcome.CLIENT_ERROR


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((429,), THROTTLED),
        ((503, 529), UNAVAILABLE),
        ((408, 424, 504, 524), MODEL_TIMEOUT),
        ((500, 501, 502, 505, 520, 599), SERVER),
        ((301, 302, 304, 307, 308), CLIENT),
        ((400, 401, 403, 404, 405, 409, 413, 418, 422), CLIENT),
        ((101, 200), Outcome.BROKEN),
    ],
)
def test_statuses(statuses, outcome):
    """Every status has the outcome that docs/measurement.md gives it."""
    assert {outcome_of_status(status) for status in statuses} == {outcome}


@pytest.mark.parametrize(
    ("status", "body", "outcome", "detail"),
    [
        (
            429,
            {"error": {"code": "throttled", "message": "Too many requests"}},
            THROTTLED,
            "429 throttled: Too many requests",
        ),
        (
            503,
            {"error": {"code": "unavailable", "message": "no capacity"}},
            UNAVAILABLE,
            "503 unavailable: no capacity",
        ),
        (504, {"error": {"code": "model_timeout", "message": "x"}}, MODEL_TIMEOUT, "504 model_timeout: x"),
        (502, {"error": {"code": "model_error", "message": "x"}}, SERVER, "502 model_error: x"),
        (500, {"error": {"code": "internal", "message": "x"}}, SERVER, "500 internal: x"),
        (400, {"error": {"code": "bad_request", "message": "x"}}, CLIENT, "400 bad_request: x"),
        (
            400,
            {
                "error": {
                    "code": "content_filter",
                    "message": "x",
                    "innererror": {"code": "ResponsibleAIPolicyViolation"},
                }
            },
            Outcome.FILTERED,
            "400 content_filter: x",
        ),
        (
            429,
            {"error": {"code": None, "type": "insufficient_quota", "message": "x"}},
            THROTTLED,
            "429 insufficient_quota: x",
        ),
        (
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "x"}},
            UNAVAILABLE,
            "529 overloaded_error: x",
        ),
        (429, {"__type": "ModelNotReadyException", "message": "x"}, UNAVAILABLE, "429 ModelNotReadyException: x"),
        (400, {"__type": "com.amazon#ThrottlingException", "message": "x"}, THROTTLED, None),
        (504, {"message": "Endpoint request timed out"}, MODEL_TIMEOUT, "504: Endpoint request timed out"),
        (503, {"error": {"type": "server_error", "message": "x"}}, UNAVAILABLE, "503 server_error: x"),
        (422, {"detail": "x"}, CLIENT, "422: x"),
        (422, {"detail": [{"loc": ["body"]}]}, CLIENT, '422: {"detail": [{"loc": ["body"]}]}'),
        (400, {"object": "error", "message": "x", "type": "BadRequestError", "code": 400}, CLIENT, "400: x"),
        (429, {"error": "busy", "error_type": "overloaded"}, UNAVAILABLE, "429 overloaded: busy"),
        (500, ["x"], SERVER, '500: ["x"]'),
        (500, {"error": {"code": {"a": 1}, "message": 7}}, SERVER, "500"),
    ],
)
def test_error_bodies(status, body, outcome, detail):
    """A code that says more than its status wins; one that only tells whose fault it was doesn't."""
    ending = ending_of_status(status, json.dumps(body).encode())
    assert ending.outcome is outcome
    assert detail is None or ending.detail == detail


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"\xff\xfe\x00", b"{" * 5000, b"null", b"7"])
def test_bodies_that_are_no_errors(body):
    """Any bytes at all are a fine body for a refusal: the status speaks for itself."""
    ending = ending_of_status(502, body)
    assert ending.outcome is SERVER
    assert ending.detail.startswith("502")
    assert len(ending.detail) <= 120


def test_note():
    """What the header fields tell stands before what the body says."""
    assert ending_of_status(429, b"", "retry after 2 s").detail == "429: retry after 2 s"
    assert ending_of_status(429, b"slow", "retry after 2 s").detail == "429: retry after 2 s: slow"
    assert ending_of_status(429, b"", retry_after_s=2.0).retry_after_s == 2.0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ({"code": "throttled", "message": "x"}, THROTTLED),
        ({"code": "model_error", "message": "x"}, SERVER),
        ({"code": "bad_request", "message": "x"}, CLIENT),
        ({"code": "rate_limit_exceeded", "type": "tokens", "message": "x"}, THROTTLED),
        ({"code": None, "type": "invalid_request_error", "message": "x"}, CLIENT),
        ({"code": 429, "message": "x"}, THROTTLED),
        ({"code": "503", "message": "x"}, UNAVAILABLE),
        ({"code": 200, "message": "x"}, SERVER),
        ({"type": "server_error", "message": "x"}, SERVER),
        ({"message": "x"}, SERVER),
        ({}, SERVER),
        ("x", SERVER),
    ],
)
def test_errors_inside_an_answer(error, outcome):
    """Without a status the code decides, or a status that stands for one; else it is the server's fault."""
    assert ending_of_error(json.dumps({"error": error}).encode()).outcome is outcome


@pytest.mark.parametrize(
    ("spellings", "outcome"),
    [
        (("ThrottlingException", "throttlingException", "TooManyRequestsException", "rate_limit_error"), THROTTLED),
        (("ModelTimeoutException", "model_timeout", "model-timeout"), MODEL_TIMEOUT),
        (("ServiceUnavailableException:http://internal.amazon.com/coral/", "modelNotReadyException"), UNAVAILABLE),
        (("modelStreamErrorException", "ModelErrorException"), SERVER),
        (("ValidationException", "AccessDeniedException"), CLIENT),
    ],
)
def test_spellings(spellings, outcome):
    """A code is the same however an API spells it."""
    assert {outcome_of_code(code) for code in spellings} == {outcome}


def test_unknown_code():
    """A code that nobody knows decides nothing."""
    assert outcome_of_code("teapot") is None


def test_no_fault():
    """Answers that are no errors are not taken for one."""
    assert read_fault(b'{"answer":"x"}') is None
    assert [has_fault(msgspec.Raw(raw)) for raw in (b"", b"null", b"{}", b'"x"')] == [False, False, True, True]
