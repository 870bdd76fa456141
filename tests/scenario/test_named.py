"""The scenarios that come with fmload are found by name, teach, and hold."""

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import named, named_scenarios, resolve
from loadtester.scenario.named import scenario_path

EXPECTED = {
    # name: (pattern, requests that rate, duration and pattern make; users make as many as they come to)
    "breakpoint": ("ramp", 24_000),
    "burst": ("burst", 900),
    "load": ("users", None),
    "mixed": ("users", None),
    "mixed-heavy": ("users", None),
    "production": ("production", 3000),
    "production-day": ("production", 3600),
    "ramp": ("ramp", 3000),
    "smoke": ("users", None),
    "soak": ("sustained", 10_800),
    "spike": ("spike", 672),
    "spike-users": ("users", None),
    "stress": ("users", None),
    "sustained": ("sustained", 600),
}
#: Minutes, and users at the start, at most and at the end.
PROFILES = {
    "smoke": (3, 1, 2, 2),
    "load": (12, 3, 5, 3),
    "stress": (17, 5, 15, 15),
    "spike-users": (8, 2, 20, 2),
    "mixed": (23, 1, 15, 1),
    "mixed-heavy": (23, 1, 15, 1),
}
MEAN = {"sustained": 1, "ramp": 0.5, "spike": 2.8, "burst": 1, "production": 1}


def test_each_pattern_has_a_scenario():
    """The list is complete, sorted, and says in a line what each is for."""
    listed = named_scenarios()
    assert [name for name, _ in listed] == sorted(EXPECTED)
    assert all(20 < len(description) <= 100 for _, description in listed)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_scenario_holds(name):
    """A shipped scenario is free of faults and makes as many requests as its comments say."""
    scenario = resolve({}, file=name)
    pattern, requests = EXPECTED[name]
    load = scenario.load
    assert (load.pattern, scenario.output.name) == (pattern, name)
    if requests is not None:
        assert load.rate_per_s * load.duration_s * MEAN[pattern] == pytest.approx(requests)
    assert scenario.target.url is None
    assert scenario.origins["load.pattern"].startswith(f"scenario {name}.yaml:")


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_have_their_length_and_users(name):
    """The profiles of users are as long and as crowded as they should be, and a duration alone makes them shorter."""
    minutes, first, most, last = PROFILES[name]
    whole, short = resolve({}, file=name).load, resolve({"load.duration": "9s"}, file=name).load
    for load, seconds in ((whole, minutes * 60), (short, 9)):
        assert load.duration_s == pytest.approx(seconds)
        assert sum(stage.duration_s for stage in load.user_stages) == pytest.approx(seconds)
        counts = [stage.users for stage in load.user_stages]
        assert (load.users, max(counts), counts[-1]) == (first, most, last)
    assert whole.think_time == short.think_time


@pytest.mark.parametrize("name", EXPECTED)
def test_each_scenario_teaches(name):
    """Every shipped file begins with its description and explains itself in comments."""
    lines = scenario_path(name).read_text("utf-8").splitlines()
    assert lines[0].startswith("description: ")
    assert sum(line.lstrip().startswith("#") for line in lines) >= 2
    assert max(map(len, lines)) <= 120


def test_an_unknown_name_is_wrong_usage():
    """A name that there isn't is told with the nearest one and all of them."""
    with pytest.raises(FmloadError) as caught:
        resolve({"load.seed": "x"}, file="spkie")
    assert caught.value.code is Exit.USAGE
    assert caught.value.message == (
        "2 faults:\n"
        "--scenario: there is no scenario 'spkie'; fix: did you mean spike? "
        "(one of breakpoint, burst, load, mixed, mixed-heavy, production, production-day, ramp, smoke, soak, spike, "
        "spike-users, stress, sustained), "
        "or name a file\n"
        "--seed: 'x' is not a whole number; fix: write digits, such as 100 or 1_000"
    )


def test_names_paths_and_files_are_told_apart(tmp_path, monkeypatch):
    """A bare word is a shipped scenario before it is a file; a folder or a suffix makes it a path."""
    monkeypatch.chdir(tmp_path)
    for name in ("spike", "mine", "spike.yaml"):
        (tmp_path / name).write_text("load: {rate: 77/s}\n")
    assert resolve({}, file="spike").load.rate_per_s == 2
    assert resolve({}, file="./spike").load.rate_per_s == 77
    assert resolve({}, file="spike.yaml").load.rate_per_s == 77
    assert resolve({}, file="mine").load.rate_per_s == 77
    assert resolve({}, file=tmp_path / "spike").load.rate_per_s == 77
    with pytest.raises(FmloadError) as caught:
        resolve({}, file="nowhere.yaml")
    assert caught.value.code is Exit.INPUT
    assert caught.value.message.startswith("nowhere.yaml: cannot be read: No such file or directory; fix: ")


def test_the_environment_can_name_the_scenario():
    """FMLOAD_SCENARIO holds where no scenario is given, and is named where it is wrong."""
    assert resolve({}, environ={"FMLOAD_SCENARIO": "spike"}).load.pattern == "spike"
    assert resolve({}, file="ramp", environ={"FMLOAD_SCENARIO": "spike"}).load.pattern == "ramp"
    with pytest.raises(FmloadError, match=r"^FMLOAD_SCENARIO: there is no scenario 'x'"):
        resolve({}, environ={"FMLOAD_SCENARIO": "x"})


def test_an_installed_package_brings_its_own(tmp_path, monkeypatch):
    """In a wheel the scenarios lie in the package, in a checkout beside it."""
    monkeypatch.setattr(named, "_PACKAGE", tmp_path / "loadtester")
    (tmp_path / "scenarios").mkdir()
    assert named.scenarios_directory() == tmp_path / "scenarios"
    (tmp_path / "loadtester" / "scenarios").mkdir(parents=True)
    (tmp_path / "loadtester" / "scenarios" / "only.yaml").write_text("description: the only one\n")
    assert named_scenarios() == [("only", "the only one")]
