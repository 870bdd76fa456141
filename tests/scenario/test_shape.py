"""Pattern, stages, users or trace: one shapes the traffic; of rate, duration and requests any two make the third."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import ThinkTime, UserStage, resolve
from loadtester.scenario.shape import MEAN


def faults_of(flags, **sources):
    with pytest.raises(FmloadError) as caught:
        resolve(flags, **sources)
    return str(caught.value), caught.value.code


@given(st.sampled_from(sorted(MEAN)), st.integers(1, 10**6), st.floats(0.01, 1000))
def test_a_number_at_a_rate_takes_as_long_as_the_area_says(pattern, requests, per_s):
    """The area under the pattern's curve over the computed duration is the number of requests."""
    load = resolve({"load.pattern": pattern, "load.requests": requests, "load.rate": per_s}).load
    assert load.rate_per_s * load.duration_s * MEAN[pattern] == pytest.approx(requests)
    assert (load.requests, load.rate_per_s) == (requests, per_s)


@given(st.sampled_from(sorted(MEAN)), st.integers(1, 10**6), st.floats(0.01, 1000))
def test_a_number_in_a_duration_needs_the_rate_that_the_area_says(pattern, requests, seconds):
    """The area under the pattern's curve at the computed rate is the number of requests."""
    load = resolve({"load.pattern": pattern, "load.requests": requests, "load.duration": seconds}).load
    assert load.rate_per_s * load.duration_s * MEAN[pattern] == pytest.approx(requests)
    assert (load.requests, load.duration_s) == (requests, seconds)


@pytest.mark.parametrize(
    ("pattern", "duration_s"), [("sustained", 56), ("ramp", 112), ("spike", 20), ("burst", 56), ("production", 56)]
)
def test_a_number_alone_keeps_the_default_rate(pattern, duration_s):
    """Nobody's traffic gets denser because they asked for more requests: at 5/s, 280 take as long as they take."""
    load = resolve({"load.pattern": pattern, "load.requests": 280}).load
    assert (load.rate_per_s, load.duration_s) == (5, pytest.approx(duration_s))


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        # What the file says: what the command line says: (rate, duration, requests).
        ("rate: 10/s, duration: 20s", {"load.requests": 50}, (10, 5, 50)),
        ("rate: 10/s, duration: 20s", {"load.requests": 50, "load.duration": "10s"}, (5, 10, 50)),
        ("rate: 10/s, duration: 20s", {"load.requests": 50, "load.rate": "5/s"}, (5, 10, 50)),
        ("rate: 10/s, requests: 50", {"load.duration": "20s"}, (10, 20, None)),
        ("duration: 20s, requests: 50", {"load.rate": "5/s"}, (5, 10, 50)),
        ("requests: 50", {"load.rate": "5/s", "load.duration": "20s"}, (5, 20, None)),
        ("rate: 10/s", {"load.requests": 50, "load.duration": "20s"}, (2.5, 20, 50)),
        ("requests: 50, duration: 20s", {}, (2.5, 20, 50)),
    ],
)
def test_the_lightest_of_three_gives_way(tmp_path, text, flags, expected):
    """Where sources together give all three, what the lightest source said follows from the others."""
    file = tmp_path / "s.yaml"
    file.write_text(f"load: {{{text}}}\n")
    load = resolve(flags, file=file).load
    assert (load.rate_per_s, load.duration_s, load.requests) == expected


def test_all_three_from_one_source_are_one_too_many(tmp_path):
    """Rate, duration and requests in one source are a fault, at its place."""
    flags = {"load.rate": "5/s", "load.duration": "20s", "load.requests": 50}
    assert faults_of(flags) == (
        (
            "--requests: with --rate and --duration there is one too many: any two make the third; "
            "fix: leave one of the three out"
        ),
        Exit.USAGE,
    )
    file = tmp_path / "s.yaml"
    file.write_text("load:\n  rate: 5/s\n  duration: 20s\n  requests: 50\n")
    text, code = faults_of({}, file=file)
    assert text.startswith(f"{file}:4: load.requests: with load.rate and load.duration there is one too many")
    assert code is Exit.INPUT


def test_stages_say_rate_and_length():
    """A staged run lasts as long as its stages; its rate is the highest of them."""
    load = resolve({"load.stages": ["1m:20/s", "2m:300/m", "500ms:0"]}).load
    assert [(stage.duration_s, stage.rate_per_s) for stage in load.stages] == [(60, 20), (120, 5), (0.5, 0)]
    assert (load.pattern, load.rate_per_s, load.duration_s, load.requests) == ("stages", 20, 180.5, None)


def test_users_stay_as_long_as_said():
    """Users without stages are there for the duration, and think as people do."""
    load = resolve({"load.users": 5, "load.duration": "2m"}).load
    assert (load.pattern, load.users, load.user_stages, load.duration_s) == ("users", 5, (), 120)
    assert (load.rate_per_s, load.requests) == (0, None)
    assert load.think_time == ThinkTime("lognormal", 45.7)


def test_a_duration_stretches_stages_of_users():
    """Stages of users say how long the run is, unless a duration makes all of them longer or shorter."""
    stages = ["1m:20", "3m:0"]
    whole = resolve({"load.user_stages": stages}).load
    assert (whole.users, whole.duration_s) == (None, 240)
    assert whole.user_stages == (UserStage(60, 20), UserStage(180, 0))
    short = resolve({"load.user_stages": stages, "load.duration": "24s"})
    assert short.load.duration_s == 24
    assert short.load.user_stages == (UserStage(pytest.approx(6), 20), UserStage(pytest.approx(18), 0))
    assert "stretched to 24s" in short.origins["load.user_stages"]


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        # What the file says: what the command line says: (users, numbers of users of the stages).
        ("users: 2, user_stages: [1m:9]", {}, (2, [9])),
        ("users: 2, user_stages: [1m:9]", {"load.users": 5}, (5, [])),
        ("users: 2, user_stages: [1m:9]", {"load.user_stages": ["1m:7"]}, (None, [7])),
        ("users: 2, user_stages: [1m:9]", {"load.users": 3, "load.user_stages": ["1m:7"]}, (3, [7])),
        ("users: 2, user_stages: [1m:9]", {"load.think_time": "1s", "load.duration": "5s"}, (2, [9])),
        ("users: 2, user_stages: [1m:9]", {"load.pattern": "users"}, (2, [9])),
        ("users: 2, user_stages: [1m:9], think_time: 1s", {"load.pattern": "ramp"}, (None, [])),
        ("pattern: spike, rate: 9/s, requests: 10", {"load.users": 5}, (5, [])),
        ("trace: t.csv, speed: 3", {"load.user_stages": ["1m:7"]}, (None, [7])),
        ("stages: [1m:2/s]", {"load.users": 5}, (5, [])),
    ],
)
def test_users_give_way_as_a_whole(tmp_path, text, flags, expected):
    """What a lighter source said of users, their stages, or another shape leaves nothing behind."""
    file = tmp_path / "s.yaml"
    file.write_text(f"load: {{{text}}}\n")
    load = resolve(flags, file=file).load
    assert (load.users, [stage.users for stage in load.user_stages]) == expected
    assert (load.pattern == "users") == (expected != (None, []))
    if load.pattern == "users":
        assert (load.rate_per_s, load.requests, load.trace, load.stages, load.speed) == (0, None, None, (), 1)
    else:
        assert load.think_time == ThinkTime("lognormal", 45.7)


def test_a_trace_is_replayed_whole_unless_cut():
    """Without a duration all of the trace is meant, told as infinity; a duration or a number cuts it."""
    load = resolve({"load.trace": "t.csv", "load.speed": 2.0}).load
    assert (load.pattern, load.trace, load.speed, load.duration_s) == ("trace", Path("t.csv"), 2, math.inf)
    cut = resolve({"load.trace": "t.csv", "load.duration": "10s", "load.requests": 7}).load
    assert (cut.duration_s, cut.requests) == (10, 7)


def test_production_draws_its_own_arrivals():
    """Production is a Poisson process without being told, and refuses to be anything else."""
    assert resolve({"load.pattern": "production"}).load.arrivals == "poisson"
    assert resolve({"load.pattern": "production", "load.arrivals": "poisson"}).load.arrivals == "poisson"
    text, _ = faults_of({"load.pattern": "production", "load.arrivals": "uniform"})
    assert text.startswith("--arrivals: has no place here: production draws its own arrivals")


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        ({"load.stages": ["1m:2/s"], "load.rate": "5/s"}, "--rate: has no place here: the stages say the rate"),
        ({"load.stages": ["1m:2/s"], "load.duration": "5s"}, "--duration: has no place here: the stages say how long"),
        ({"load.stages": ["1m:2/s"], "load.requests": 5}, "--requests: has no place here: the stages say how many"),
        ({"load.trace": "t", "load.rate": "5/s"}, "--rate: has no place here: the trace says the rate"),
        ({"load.trace": "t", "load.arrivals": "poisson"}, "--arrivals: has no place here: the trace says when"),
        ({"load.speed": 2.0}, "--speed: has no place here: only a trace has a speed"),
        (
            {"load.stages": ["1m:2/s"], "load.pattern": "spike"},
            "--stage: says the shape of the traffic, and so does --pattern; fix: keep one of them",
        ),
        (
            {"load.stages": ["1m:2/s"], "load.trace": "t"},
            "--trace: says the shape of the traffic, and so does --stage; fix: keep one of them",
        ),
        ({"load.pattern": "stages"}, "--pattern: 'stages' needs load.stages; fix: give load.stages, such as 2m:20/s"),
        ({"load.pattern": "trace"}, "--pattern: 'trace' needs load.trace; fix: give load.trace, such as trace.csv"),
        ({"load.users": 5, "load.rate": "5/s"}, "--rate: has no place here: users ask again when they have thought"),
        ({"load.users": 5, "load.requests": 5}, "--requests: has no place here: users ask as often as they come to it"),
        ({"load.users": 5, "load.arrivals": "poisson"}, "--arrivals: has no place here: users ask when they"),
        ({"load.think_time": "5s"}, "--think-time: has no place here: only users (load.users) think"),
        (
            {"load.stages": ["1m:2/s"], "load.think_time": "5s"},
            "--think-time: has no place here: only users (load.users) think",
        ),
        (
            {"load.users": 5, "load.pattern": "spike"},
            "--users: says the shape of the traffic, and so does --pattern; fix: keep one of them",
        ),
        (
            {"load.users": 5, "load.user_stages": ["1m:3"], "load.stages": ["1m:2/s"]},
            "--user-stage: says the shape of the traffic, and so does --stage; fix: keep one of them",
        ),
        (
            {"load.warmup": "1m"},
            "--warmup: a warm-up of 1m leaves nothing of a run of 1m; fix: make the run longer, or the warm-up shorter",
        ),
        ({"load.warmup": "2m", "load.duration": "90s"}, "--warmup: a warm-up of 2m leaves nothing of a run of 1m30s"),
        ({"load.warmup": "2m", "load.stages": ["1m:2/s"]}, "--warmup: a warm-up of 2m leaves nothing of a run of 1m"),
        ({"load.warmup": "2m", "load.users": 5}, "--warmup: a warm-up of 2m leaves nothing of a run of 1m"),
        ({"load.warmup": "-3s"}, "--warmup: '-3s' is negative"),
        ({"load.pattern": "users"}, "--pattern: 'users' needs load.users; fix: give load.users, such as 5"),
        ({"load.user_stages": ["1m:0"]}, "--user-stage: no stage has a user; fix: give one a number of users"),
        (
            {"load.users": 1, "load.user_stages": ["1m:20"], "load.max_in_flight": 3},
            "--user-stage: 20 users can have as many requests in flight, and 3 are allowed",
        ),
        ({"load.stages": ["1m:0"]}, "--stage: no stage has a rate above 0; fix: give one a rate, such as 2m:20/s"),
        ({"load.stages": ["1m"]}, "--stage: '1m' is not a stage; fix: write DURATION:RATE, such as 2m:20/s"),
        ({"load.stages": ["0s:5/s"]}, "--stage: '0s:5/s' takes no time"),
        ({"load.stages": []}, "--stage: is empty; fix: write a list, such as [2m:20/s]"),
        (
            {"load.rate": "1/h"},
            "--rate: 0.0002777777777777778/s for 1m makes no whole request; fix: raise the rate or the duration",
        ),
        (
            {"load.rate": "100000/s", "load.duration": "1h"},
            "--duration: 360,000,000 requests are too many for one plan; fix: plan at most 100,000,000",
        ),
    ],
    ids=str,
)
def test_conflicts(flags, fault):
    """What can't be together is told, with the place and the reason, and is nobody else's fault."""
    text, code = faults_of(flags)
    assert text.startswith(fault)
    assert "\n" not in text
    assert code is Exit.USAGE


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        ("stages: [1m:2/s]", {"load.pattern": "spike", "load.rate": "3/s"}, ("spike", 3, 60)),
        ("stages: [1m:2/s]", {"load.pattern": "stages"}, ("stages", 2, 60)),
        ("trace: t.csv, speed: 3", {"load.stages": ["10s:4/s"]}, ("stages", 4, 10)),
        ("trace: t.csv, speed: 3", {"load.pattern": "burst"}, ("burst", 5, 60)),
        ("pattern: spike, rate: 9/s, duration: 5m", {"load.stages": ["10s:4/s"]}, ("stages", 4, 10)),
        ("pattern: ramp, rate: 9/s, arrivals: poisson", {"load.trace": "t.csv"}, ("trace", 0, math.inf)),
        ("arrivals: uniform", {"load.pattern": "production"}, ("production", 5, 60)),
    ],
)
def test_a_weightier_choice_leaves_out_what_belongs_to_the_other(tmp_path, text, flags, expected):
    """What a lighter source said for another shape gives way, and leaves a whole scenario behind."""
    file = tmp_path / "s.yaml"
    file.write_text(f"load: {{{text}}}\n")
    load = resolve(flags, file=file).load
    assert (load.pattern, load.rate_per_s, load.duration_s) == expected
    assert load.arrivals == ("poisson" if load.pattern == "production" else "uniform")
    assert load.speed == 1
    assert (load.trace is None) == (load.pattern != "trace")
    assert (load.stages == ()) == (load.pattern != "stages")


def test_a_rate_does_not_undo_a_files_stages(tmp_path):
    """A flag that the file's shape has no room for is a fault, not a quiet change of shape."""
    file = tmp_path / "s.yaml"
    file.write_text("load: {stages: [1m:2/s]}\n")
    text, code = faults_of({"load.rate": "3/s"}, file=file)
    assert text.startswith("--rate: has no place here: the stages say the rate; fix: leave it out, or choose another")
    assert code is Exit.USAGE
