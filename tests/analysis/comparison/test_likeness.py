"""What two runs must have in common to be compared."""

from copy import deepcopy

import pytest

from loadtester.analysis.comparison.likeness import attribution_likeness, likeness


@pytest.fixture
def manifest(made_run):
    return made_run(seconds=1)[0]


def _changed(manifest, path, value):
    other = deepcopy(manifest)
    place = other
    *sections, key = path.split(".")
    for section in sections:
        place = place[int(section)] if section.isdigit() else place[section]
    place[key] = value
    return other


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("scenario.load.pattern", "spike", "load.pattern"),
        ("scenario.load.rate_per_s", 20, "load.rate_per_s"),
        ("scenario.load.duration_s", 7.0, "load.duration_s"),
        ("scenario.load.stages", [{"duration_s": 1, "rate_per_s": 2}], "load.stages"),
        ("scenario.load.users", 3, "load.users"),
        ("scenario.load.warmup_s", 10.0, "load.warmup_s"),
        ("scenario.load.on_throttle", "backoff", "load.on_throttle"),
        ("scenario.target.protocol", "sse", "target.protocol"),
        ("scenario.target.url", "https://chat.example.com", "target.kind"),
        ("scenario.mix.0.share", 0.5, "mix.greeting.share"),
        ("scenario.mix.0.model", "another", "mix.greeting.model"),
        ("scenario.mix.0.name", "farewell", "mix.farewell.share"),
        ("scenario.max_tokens", 512, "max_tokens"),
        ("scenario.judge.slo_s", 5.0, "judge.slo_s"),
        ("scenario.prices", {"m": {"input": "1"}}, "prices.m.input"),
    ],
)
def test_what_counts_is_told_with_both_values(manifest, path, value, field):
    """What is asked, and what it is judged by, must be alike."""
    found = likeness(manifest, _changed(manifest, path, value)).unlike
    assert field in {one.field for one in found}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scenario.load.seed", 9),
        ("scenario.load.workers", 4),
        ("scenario.bundled.time_scale", 0.5),
        ("host", {"cores": 64}),
        ("workers", 2),
    ],
)
def test_what_may_explain_a_difference_is_noted(manifest, path, value):
    """The draw, the machine and the bundled target's own settings may differ, and are named."""
    found = likeness(manifest, _changed(manifest, path, value))
    assert found.unlike == ()
    assert len(found.noted) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scenario.output.name", "nightly"),
        ("scenario.output.tags", {"a": "b"}),
        ("scenario.safety", {"max_cost_usd": "5"}),
        ("scenario.judge.thresholds", ["sla>=99%"]),
        ("scenario.load.some_new_switch", False),
    ],
)
def test_what_does_not_count_is_left_out(manifest, path, value):
    """Names, bounds, thresholds, and what a newer version knows but was not asked for."""
    found = likeness(manifest, _changed(manifest, path, value))
    assert (found.unlike, found.noted) == ((), ())


def test_two_deployments_are_alike(manifest):
    """Another address of the same kind is what a comparison is for; the bundled target's settings say nothing there."""
    base = _changed(manifest, "scenario.target.url", "https://a.example.com")
    new = _changed(_changed(base, "scenario.target.url", "https://b.example.com"), "scenario.bundled.seed", 7)
    found = likeness(base, new)
    assert found.unlike == ()
    assert [one.field for one in found.noted] == ["target.url"]


def test_an_attribution_may_differ_in_protocol_alone(manifest):
    """The seed draws the questions, so it counts there; so does the bundled models' clock."""
    straight = _changed(manifest, "scenario.target.protocol", "bedrock")
    assert attribution_likeness(manifest, straight).unlike == ()
    for path in ("scenario.load.seed", "scenario.bundled.time_scale", "scenario.max_tokens"):
        found = attribution_likeness(manifest, _changed(straight, path, 77)).unlike
        assert [one.field for one in found] == [path.removeprefix("scenario.")]
