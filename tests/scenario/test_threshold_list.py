"""Thresholds in scenarios: texts and mappings, all faults at once, each with its place."""

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import redacted, resolve
from loadtester.scenario.named import names
from loadtester.scenario.threshold_list import given_thresholds, kept_thresholds


def scenario(tmp_path, text, **flags):
    """The scenario of a file's text."""
    path = tmp_path / "it.yaml"
    path.write_text(text)
    return resolve(flags, file=path)


def test_entries_are_texts_or_mappings(tmp_path):
    """A mapping says whether its threshold stops the run, and from when on; a text leaves that to the run."""
    found = scenario(
        tmp_path,
        "thresholds:\n"
        "  - error_rate{kind=ai}<1%\n"
        "  - {threshold: 'latency:p(95)<3s', abort_on_fail: true, delay: 30s}\n"
        "abort_delay: 5s\n",
    ).judge
    assert [(one.metric, one.is_aborting, one.delay_s) for one in found.thresholds] == [
        ("error_rate", None, None),
        ("latency", True, 30.0),
    ]
    assert (found.is_aborting, found.abort_delay_s) == (False, 5.0)


def test_all_faults_of_a_file_are_told_with_their_places(tmp_path):
    """Line, place in the list, what is wrong and the fix, code 104."""
    with pytest.raises(FmloadError) as caught:
        scenario(
            tmp_path,
            "thresholds:\n"
            "  - latensy:p95<3s\n"
            "  - threshold: sla>=99\n"
            "    dely: 3s\n"
            "  - {delay: 3s, abort_on_fail: false}\n",
        )
    text = str(caught.value)
    assert caught.value.code is Exit.INPUT
    for part in (
        "it.yaml:2: thresholds[0]: 'latensy:p95<3s': there is no metric 'latensy'; fix: did you mean latency?",
        "it.yaml:2: thresholds[0]: 'latensy:p95<3s': 'p95' is not an aggregate; fix: did you mean p(95)?",
        "it.yaml:3: thresholds[1].threshold: 'sla>=99': '99' is more than the whole",
        "it.yaml:4: thresholds[1].dely: unknown key; fix: did you mean delay?",
        "it.yaml:5: thresholds[2]: says no threshold",
        "it.yaml:5: thresholds[2].delay: is of no effect without abort_on_fail",
    ):
        assert part in text


def test_flags_and_variables_are_wrong_usage():
    """Code 2 on the command line and in the environment."""
    for given in ({"flags": {"thresholds": ["sla<"]}}, {"flags": {}, "environ": {"FMLOAD_THRESHOLD": "sla<"}}):
        with pytest.raises(FmloadError) as caught:
            resolve(**given)
        assert caught.value.code is Exit.USAGE
    with pytest.raises(FmloadError) as caught:
        given_thresholds(["sla<", "nonsense"])
    assert caught.value.code is Exit.USAGE
    assert str(caught.value).startswith("2 faults:")


def test_a_variable_holds_several():
    """Split at semicolons, as tags hold commas."""
    text = "sla>=99%; error_rate{kind=ai,query=greeting}<1%"
    found = resolve({}, environ={"FMLOAD_THRESHOLD": text}).judge.thresholds
    assert [one.metric for one in found] == ["sla", "error_rate"]


def test_tags_are_held_against_the_mix():
    """A tag that the mix has nothing of is a fault, with what was probably meant."""
    with pytest.raises(FmloadError) as caught:
        resolve({"thresholds": ["ttft{query=recomendation}:p(95)<2s"]})
    assert "the mix has no query 'recomendation'; fix: did you mean recommendation?" in str(caught.value)


def test_a_weightier_mix_takes_what_it_has_none_of_away():
    """`-f mixed --mix production` has no crud requests left, and no threshold on them."""
    whole = resolve({}, file="mixed").judge.thresholds
    rest = resolve({"mix": "production"}, file="mixed").judge.thresholds
    assert rest == tuple(one for one in whole if ("kind", "crud") not in one.tags)
    assert len(rest) < len(whole)


def test_a_manifest_keeps_them():
    """What a run is started with can be read back from its manifest; older manifests have none."""
    judge = resolve({"thresholds": ["latency{query=greeting}:p(95)[10s]<3s", "sla>=99%"]})
    assert kept_thresholds({"scenario": redacted(judge)}) == judge.judge.thresholds
    assert kept_thresholds({"scenario": {"judge": {"slo_s": 3.0}}}) == ()


def test_a_manifest_that_was_edited_is_told_of():
    """Code 104, and a way out."""
    with pytest.raises(FmloadError) as caught:
        kept_thresholds({"scenario": {"judge": {"thresholds": [{"expression": "latensy<3"}]}}})
    assert caught.value.code is Exit.INPUT
    assert "--threshold" in caught.value.remedy


@pytest.mark.parametrize("name", names())
def test_the_scenarios_that_come_with_fmload_have_sound_ones(name):
    """Profiles of users tell AI and CRUD apart, and each has a limit for errors."""
    found = resolve({}, file=name)
    if found.load.pattern == "users" and name != "smoke":
        kinds = {query.kind for query in found.mix}
        for kind in kinds:
            assert {"latency", "error_rate"} <= {
                one.metric for one in found.judge.thresholds if ("kind", kind) in one.tags
            }
