"""target_app.bedrock.models: one model by all of its names."""

from __future__ import annotations

import pytest

from target_app.bedrock.models import find_model

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.mark.parametrize(
    "name",
    [
        HAIKU,
        f"us.{HAIKU}",
        f"jp.{HAIKU}",
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
        for name in ("anthropic.claude-3-5-haiku-20241022-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0")
    }
    assert list(weights.values()) == [1, 5]
