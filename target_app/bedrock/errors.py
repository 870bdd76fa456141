"""Bedrock's errors: name, status, text, and the response that carries them.

Names and statuses are those of the service's API model; the texts are what users of the service report to have seen.
"""

from __future__ import annotations

import msgspec

_NAMESPACE = "http://internal.amazon.com/coral/com.amazon.bedrock/"


class BedrockError(Exception):
    """A request that ends as an error of the service."""

    def __init__(self, name: str, status: int, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.status = status
        self.message = message

    @property
    def event(self) -> str:
        """Name of the same error inside an event stream (`throttlingException`)."""
        return self.name[0].lower() + self.name[1:]

    @property
    def body(self) -> bytes:
        """The response's JSON."""
        return msgspec.json.encode({"message": self.message})

    @property
    def header(self) -> bytes:
        """Value of `x-amzn-ErrorType`."""
        return f"{self.name}:{_NAMESPACE}".encode()


def invalid(message: str) -> BedrockError:
    """Say that the request breaks a rule."""
    return BedrockError("ValidationException", 400, message)


def malformed(reason: str) -> BedrockError:
    """Say that the request's body does not have the shape it should have."""
    return invalid(f"Malformed input request: {reason}, please reformat your input and try again.")


def unknown_model() -> BedrockError:
    """Say that no model has that identifier."""
    return invalid("The provided model identifier is invalid.")


def retired_model() -> BedrockError:
    """Say that the model was there once."""
    return BedrockError(
        "ResourceNotFoundException",
        404,
        "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
    )


def unknown_operation() -> BedrockError:
    """Say that the path names no operation."""
    return BedrockError("UnknownOperationException", 404, "The requested operation is not recognized by the service.")


def too_large(limit_bytes: int) -> BedrockError:
    """Say that the body is larger than the service takes."""
    return BedrockError("RequestEntityTooLargeException", 413, f"Request body exceeds {limit_bytes} bytes.")


def too_many_tokens() -> BedrockError:
    """Say that the model's tokens per minute are used up."""
    return BedrockError("ThrottlingException", 429, "Too many tokens, please wait before trying again.")


def too_many_requests() -> BedrockError:
    """Say that the model's requests per minute are used up."""
    return BedrockError("ThrottlingException", 429, "Too many requests, please wait before trying again.")


def too_many_tokens_today() -> BedrockError:
    """Say that the model's tokens per day are used up."""
    return BedrockError("ThrottlingException", 429, "Too many tokens per day, please wait before trying again.")


def unavailable() -> BedrockError:
    """Say that the service has no capacity."""
    return BedrockError("ServiceUnavailableException", 503, "Bedrock is unable to process your request.")


def model_timeout() -> BedrockError:
    """Say that the model took too long."""
    return BedrockError(
        "ModelTimeoutException", 408, "Model has timed out in processing the request. Try your request again."
    )


def model_not_ready() -> BedrockError:
    """Say that the model is being loaded."""
    return BedrockError("ModelNotReadyException", 429, "Model is not ready for inference. Wait and try again.")


def broken_off() -> BedrockError:
    """Say inside a stream that the model failed in the middle of its answer."""
    return BedrockError(
        "ModelStreamErrorException", 424, "The system encountered an unexpected error during processing. Try again."
    )


def no_credentials() -> BedrockError:
    """Say that the request is not signed."""
    return BedrockError("MissingAuthenticationTokenException", 403, "Missing Authentication Token")


def unknown_credentials() -> BedrockError:
    """Say that nobody has that access key."""
    return BedrockError("UnrecognizedClientException", 403, "The security token included in the request is invalid.")


def not_from_here() -> BedrockError:
    """Say that a path is for this machine only."""
    return BedrockError("AccessDeniedException", 403, "This path answers requests from this machine only.")


def internal() -> BedrockError:
    """Say that the service itself is at fault."""
    return BedrockError(
        "InternalServerException", 500, "The system encountered an unexpected error during processing. Try again."
    )
