"""A suite is a list of scenarios; whatever is wrong in it or them is said at once, and nothing is sent."""

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario.suite import read_suite, suite_names, suites_directory

#: Minutes that the scenarios of each suite take together, from the profiles' lengths.
LENGTH_MIN = {"all": 3 + 12 + 8 + 23 + 23 + 60 + 180 + 17 + 20, "ci": (36 + 36 + 32 + 46 + 46 + 60 + 36 + 40) / 60}


def _suite(tmp_path, text, flags=None, environ=None):
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    return read_suite(str(path), flags or {}, environ or {})


def _faults(tmp_path, text):
    with pytest.raises(FmloadError) as caught:
        _suite(tmp_path, text)
    return caught.value


@pytest.mark.parametrize("name", LENGTH_MIN)
def test_shipped_suites_hold(name):
    """Both are free of faults, have every profile once, teach, and take as long as they say."""
    suite = read_suite(name, {}, {})
    names = [entry.name for entry in suite.entries]
    assert set(names) >= {
        "smoke",
        "load",
        "spike-users",
        "mixed",
        "mixed-heavy",
        "soak",
        "breakpoint",
        "production-day",
    }
    assert len(set(names)) == len(names)
    assert sum(entry.scenario.load.duration_s for entry in suite.entries) / 60 == pytest.approx(LENGTH_MIN[name])
    assert {entry.name for entry in suite.entries if not entry.is_gate} <= {"stress", "breakpoint"}
    lines = (suites_directory() / f"{name}.yaml").read_text("utf-8").splitlines()
    assert lines[0].startswith("description: ")
    assert any(line.startswith("#") for line in lines)
    assert max(map(len, lines)) <= 120
    assert suite_names() == sorted(LENGTH_MIN)


def test_windows_of_thresholds_fit_into_the_runs():
    """A threshold on windows longer than its run would never have data."""
    for name in suite_names():
        for entry in read_suite(name, {}, {}).entries:
            windows = [threshold.window_s or 0 for threshold in entry.scenario.judge.thresholds]
            assert max(windows, default=0) <= entry.scenario.load.duration_s, entry.name


def test_an_entry_weighs_more_than_its_scenario_and_less_than_the_user(tmp_path):
    """Suite over scenario, environment over suite, command line over all; the origin says who it was."""
    text = (
        "scenarios:\n  - smoke\n  - scenario: sustained\n    name: quick\n    gate: false\n"
        "    load: {timeout: 9s, duration: 7s, seed: 3}\n"
    )
    suite = _suite(tmp_path, text, {"load.seed": "5"}, {"FMLOAD_TIMEOUT": "4s", "FMLOAD_SCENARIO": "spike"})
    smoke, quick = suite.entries
    assert suite.name == "mine"
    assert (smoke.name, smoke.is_gate, smoke.scenario.load.pattern) == ("smoke", True, "users")
    assert (quick.name, quick.is_gate) == ("quick", False)
    load = quick.scenario.load
    assert (load.timeout_s, load.duration_s, load.seed) == (4.0, 7.0, 5)
    assert quick.scenario.origins["load.duration_s"] == f"suite {tmp_path / 'mine.yaml'}:6"


def test_paths_start_at_the_suite(tmp_path, monkeypatch):
    """A scenario beside its suite is found from anywhere; a file of a suite's name does not hide the suite."""
    (tmp_path / "own.yaml").write_text("load: {rate: 2/s}\n")
    (tmp_path / "all").write_text("scenarios: [own.yaml]\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (entry,) = _suite(tmp_path, "scenarios: [own.yaml]\n").entries
    assert (entry.name, entry.scenario.load.rate_per_s) == ("own", 2.0)
    monkeypatch.chdir(tmp_path)
    assert len(read_suite("all", {}, {}).entries) == 9
    assert len(read_suite("./all", {}, {}).entries) == 1


@pytest.mark.parametrize("text", ["scenarios: []\n", "scenarios:\n", "description: x\n", "scenarios: smoke\n"])
def test_an_empty_suite_is_a_fault(tmp_path, text):
    """Nothing to run is nothing to pass."""
    error = _faults(tmp_path, text)
    assert error.code is Exit.INPUT
    assert "a suite needs scenarios" in error.message


def test_all_faults_are_told_at_once(tmp_path):
    """Of the suite, of each entry and of the scenarios, with their lines; each once."""
    error = _faults(
        tmp_path,
        "scenario: x\nscenarios:\n  - smok\n  - smoke\n  - smoke\n  - {name: a}\n  - [1]\n"
        "  - {scenario: load, loud: {}}\n  - {scenario: spike, load: {rate: fast}}\n  - gone.yaml\n",
    )
    assert error.code is Exit.INPUT
    place = str(tmp_path / "mine.yaml")
    for said in (
        f"{place}:1: scenario: unknown key",
        f"{place}:3: scenarios[0]: there is no scenario 'smok'; fix: did you mean smoke?",
        f"{place}:5: scenarios[2]: the name 'smoke' is taken (line 4)",
        f"{place}:6: scenarios[3]: does not say which scenario",
        f"{place}:7: scenarios[4]: is a list",
        f"{place}:8: scenarios[5].loud: unknown key; fix: did you mean load?",
        f"{place}:9: scenarios[6].load.rate:",
        f"{tmp_path / 'gone.yaml'}: cannot be read",
    ):
        assert error.message.count(said) == 1, error.message
    assert error.message.startswith("8 faults:")


def test_a_fault_that_all_share_is_told_once():
    """A wrong variable concerns every scenario of a suite."""
    with pytest.raises(FmloadError) as caught:
        read_suite("ci", {}, {"FMLOAD_SEED": "x"})
    assert caught.value.message == "FMLOAD_SEED: 'x' is not a whole number; fix: write digits, such as 100 or 1_000"
    assert caught.value.code is Exit.USAGE


def test_an_unknown_suite_is_wrong_usage():
    """With the nearest name, and all of them."""
    with pytest.raises(
        FmloadError, match=r"there is no suite 'al'; fix: did you mean all\? \(one of all, ci\)"
    ) as caught:
        read_suite("al", {}, {})
    assert caught.value.code is Exit.USAGE
