"""target_app.bedrock.models: one model by all of its names."""

from __future__ import annotations

import pytest

from target_app.bedrock.errors import BedrockError
from target_app.bedrock.models import find_model, named_model

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.mark.parametrize(
    "name",
    [
        HAIKU,
        f"us.{HAIKU}",
        f"jp.{HAIKU}",
        f"apac.{HAIKU}",
        f"global.{HAIKU}",
        f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}",
        f"arn:aws:bedrock:ap-northeast-1:123456789012:inference-profile/jp.{HAIKU}",
        f"arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.{HAIKU}",
    ],
)
def test_ids_profiles_and_arns_name_the_same_model(name):
    """A profile and an ARN lead to the model they stand for."""
    model = find_model(name)
    assert model is not None
    assert (model.id, model.max_output_tokens, model.burndown) == (HAIKU, 4_096, 1)


@pytest.mark.parametrize(
    "name", ["", "gpt-4", "anthropic.claude-3-haiku", f"us.us.{HAIKU}", f"us/{HAIKU}", f"xx.{HAIKU}"]
)
def test_other_names_are_nobody_s(name):
    """What AWS would not know is not guessed at."""
    assert find_model(name) is None


def test_later_claudes_weigh_their_output():
    """From 3.7 on, an output token of Claude counts five times in the quota."""
    weights = {
        name: getattr(find_model(name), "burndown", None)
        for name in (HAIKU, "us.anthropic.claude-haiku-4-5-20251001-v1:0")
    }
    assert list(weights.values()) == [1, 5]


@pytest.mark.parametrize(
    ("name", "code", "status", "message"),
    [
        ("anthropic.claude-v2:1", "ResourceNotFoundException", 404, "has reached the end of its life"),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "ResourceNotFoundException", 404, "the end of its life"),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-haiku-20241022-v1:0",
            "ResourceNotFoundException",
            404,
            "the end of its life",
        ),
        ("anthropic.claude-v9", "ValidationException", 400, "The provided model identifier is invalid."),
    ],
)
def test_the_past_and_the_unknown_are_told_apart(name, code, status, message):
    """A retired model is a 404 that says so, by any of its names; what never was is a 400."""
    with pytest.raises(BedrockError, match=message) as refused:
        named_model(name)
    assert (refused.value.name, refused.value.status) == (code, status)


@pytest.mark.parametrize(
    "name",
    [
        "anthropic.claude-3-sonnet-20240229-v1:0",
        "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.amazon.nova-pro-v1:0",
        "apac.amazon.nova-micro-v1:0",
        "us.meta.llama3-3-70b-instruct-v1:0",
        "amazon.titan-embed-text-v2:0",
    ],
)
def test_current_models_and_manga_assist_s_own_are_there(name):
    """Claude 3 lives on here, whatever became of it."""
    assert named_model(name) is find_model(name) is not None
