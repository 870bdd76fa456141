"""target_app.faults.plan: strict reading; what could never happen is refused where it is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from target_app.faults.plan import Fault, Kind, Plan, PlanError, load, parse


def test_a_plan_is_read_whole():
    """Every field of a fault, and the seed."""
    fault = {
        "kind": "stall",
        "rate": 0.25,
        "from_s": 10,
        "to_s": 20,
        "from_at": "2026-11-21T09:00:00Z",
        "to_at": "2026-11-21T10:00:00+00:00",
        "models": ["m"],
        "query_types": ["greeting"],
        "delay_s": 2,
    }
    assert parse({"seed": 7, "faults": [fault]}) == Plan(
        faults=(
            Fault(
                kind=Kind.STALL,
                rate=0.25,
                from_s=10,
                to_s=20,
                from_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
                to_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
                models=("m",),
                query_types=("greeting",),
                delay_s=2,
            ),
        ),
        seed=7,
    )


@pytest.mark.parametrize(
    ("kind", "near"), [("throttel", "throttle"), ("stal", "stall"), ("slow_stream", "broken_stream")]
)
def test_an_unknown_kind_is_answered_with_the_nearest(kind, near):
    """The error names the place, what was written, and what may have been meant."""
    with pytest.raises(PlanError, match=rf"faults\[1\]: unknown kind '{kind}'; known: .*{near}"):
        parse({"faults": [{"kind": "throttle"}, {"kind": kind}]})


def test_a_kind_like_no_other_is_answered_with_all():
    """Where nothing is near, every kind is named."""
    with pytest.raises(PlanError) as refused:
        parse({"faults": [{"kind": "zzz"}]})
    assert all(kind in str(refused.value) for kind in Kind)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "Expected `object`"),
        ([], "Expected `object`"),
        ({"fault": []}, "unknown field `fault`"),
        ({"faults": {}}, "Expected `array`"),
        ({"faults": [{}]}, "missing required field `kind`"),
        ({"faults": [{"kind": "throttle", "rte": 1}]}, "unknown field `rte`"),
        ({"faults": [{"kind": "throttle", "rate": 1.1}]}, "<= 1.0"),
        ({"faults": [{"kind": "throttle", "rate": -0.1}]}, ">= 0.0"),
        ({"faults": [{"kind": "throttle", "rate": "1"}]}, "Expected `float`"),
        ({"faults": [{"kind": "throttle", "from_s": 2, "to_s": 2}]}, "from_s must be less than to_s"),
        ({"faults": [{"kind": "throttle", "from_at": "2026-11-21T09:00:00"}]}, "timezone"),
        ({"faults": [{"kind": "stall"}]}, "stall needs a delay_s above 0"),
        ({"faults": [{"kind": "throttle", "stores": ["cache"]}]}, "befalls no store"),
        ({"faults": [{"kind": "store_down", "stores": ["cahce"]}]}, "Invalid enum value 'cahce'"),
        ({"faults": [{"kind": "store_down", "models": ["m"]}]}, "befalls stores"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(value, said):
    """Nothing is guessed at and nothing is ignored."""
    with pytest.raises(PlanError, match=said):
        parse(value)


@pytest.mark.parametrize(
    "text", ["faults: [{kind: throttle, rate: 0.5}]", '{"faults": [{"kind": "throttle", "rate": 0.5}]}']
)
def test_files_are_yaml_or_json(tmp_path, text):
    """JSON is YAML too: one reader does."""
    path = tmp_path / "faults"
    path.write_text(text)
    assert load(path) == Plan((Fault(Kind.THROTTLE, 0.5),))


def test_times_of_a_yaml_file_are_read(tmp_path):
    """YAML's own timestamps are taken where they name a zone."""
    path = tmp_path / "faults.yaml"
    path.write_text("faults: [{kind: throttle, from_at: 2026-11-21T09:00:00Z}]")
    assert load(path).faults[0].from_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize("content", [b"faults: [", b"\xff\xfe\x00", b"faults: [{kind: nope}]"])
def test_a_bad_file_is_named(tmp_path, content):
    """The error begins with the file."""
    path = tmp_path / "faults.yaml"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=r"faults\.yaml"):
        load(path)
