"""target_app.bedrock.limits: limits for all, other ones for some."""

from __future__ import annotations

import pytest

from target_app.bedrock.limits import Limits, load, parse

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"


def test_a_model_s_own_limits_stand_in_for_everyone_s():
    """Absent is everyone's, null is none, a number is the model's."""
    quotas = parse(
        {
            "tokens_per_minute": 1_000,
            "requests_per_minute": 10,
            "tokens_per_day": 5_000,
            "models": {f"jp.{HAIKU}": {"tokens_per_minute": 2_000, "requests_per_minute": None}},
        }
    )
    assert quotas.of("another") == Limits(1_000, 10, 5_000)
    assert quotas.of(HAIKU) == Limits(2_000, None, 5_000)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "Expected `object`"),
        ({"tokens_per_hour": 1}, "tokens_per_hour"),
        ({"tokens_per_minute": 0}, ">= 1"),
        ({"models": {"gpt-4": {}}}, "models: The provided model identifier is invalid"),
        ({"models": {HAIKU: {"rpm": 1}}}, "rpm"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(value, said):
    """Unknown fields, amounts and models are none of the limits."""
    with pytest.raises(ValueError, match=said):
        parse(value)


def test_a_file_is_yaml_or_json_and_is_named_where_it_is_bad(tmp_path):
    """The error begins with the path."""
    path = tmp_path / "quotas.yaml"
    path.write_text("tokens_per_minute: 100")
    assert load(path).of(HAIKU) == Limits(100)
    path.write_text("tokens_per_minute: many")
    with pytest.raises(ValueError, match=r"quotas\.yaml: Expected `int"):
        load(path)
