"""The scenarios that come with fmload are found by name, teach, and hold."""

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import named, named_scenarios, resolve
from loadtester.scenario.named import scenario_path

EXPECTED = {
    # name: (pattern, requests that rate, duration and pattern make)
    "burst": ("burst", 900),
    "production": ("production", 3000),
    "ramp": ("ramp", 3000),
    "smoke": ("sustained", 10),
    "spike": ("spike", 672),
    "sustained": ("sustained", 600),
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
    assert load.rate_per_s * load.duration_s * MEAN[pattern] == pytest.approx(requests)
    assert scenario.target.url is None
    assert scenario.origins["load.pattern"].startswith(f"scenario {name}.yaml:")


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
        "(one of burst, production, ramp, smoke, spike, sustained), or name a file\n"
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
