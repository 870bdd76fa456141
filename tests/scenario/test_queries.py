"""The mix is production, a file, or query types whose shares add up to 1."""

import pytest

from loadtester.errors import Exit, FmloadError
from loadtester.scenario import PRODUCTION, QueryType, resolve
from loadtester.scenario.mix import HAIKU, SONNET
from loadtester.workload import known


def mix_of(tmp_path, text, flags=None):
    file = tmp_path / "s.yaml"
    file.write_text(text)
    return resolve(flags or {}, file=file).mix


def faults_of(tmp_path, text, flags=None):
    with pytest.raises(FmloadError) as caught:
        mix_of(tmp_path, text, flags)
    assert caught.value.code is Exit.INPUT
    lines = caught.value.message.splitlines()
    return [line.removeprefix(f"{tmp_path}/") for line in lines if not line.endswith(" faults:")]


def test_production_is_the_default():
    """Without a word about it the mix is production's, in shares that add up to 1."""
    assert resolve({}).mix == PRODUCTION
    assert resolve({"mix": "production"}).mix == PRODUCTION
    assert sum(query.share for query in PRODUCTION) == pytest.approx(1)


def test_built_in_names_are_those_with_prompts():
    """The names that need no prompts here are the names that have some where requests are made."""
    assert sorted(query.name for query in PRODUCTION) == list(known())


def test_what_a_built_in_type_leaves_out_is_productions(tmp_path):
    """A bare share is enough for a built-in type; each thing that is said replaces production's."""
    text = "mix:\n  recommendation: 60%\n  browse: {share: 0.4, kind: crud, prompts: [GET /p]}\n"
    assert mix_of(tmp_path, text) == (
        QueryType("recommendation", 0.6, SONNET),
        QueryType("browse", 0.4, "", kind="crud", prompts=("GET /p",)),
    )


@pytest.mark.parametrize(
    "text",
    [
        "mix:\n  refund: {share: 1, model: m, prompts: ['Where is it?', Volume 3]}\n",
        "mix:\n- name: refund\n  share: 100%\n  model: m\n  prompts:\n  - Where is it?\n  - Volume 3\n",
        "model: m\nmix:\n  refund: {share: 1.0, prompts: ['Where is it?', Volume 3]}\n",
    ],
)
def test_a_type_of_ones_own(tmp_path, text):
    """By name or in a list, with its own model or the one for all."""
    assert mix_of(tmp_path, text) == (QueryType("refund", 1, "m", prompts=("Where is it?", "Volume 3")),)


def test_model_overrides_all(tmp_path):
    """`model` asks one model for every query type."""
    assert {query.model for query in resolve({"model": "m"}).mix} == {"m"}
    assert mix_of(tmp_path, "mix: {greeting: {share: 1, model: x}}\n", {"model": "m"})[0].model == "m"


@pytest.mark.parametrize("text", ["greeting: 40%\nprice_check: 60%\n", "mix: {greeting: 40%, price_check: 60%}\n"])
def test_a_mix_file(tmp_path, monkeypatch, text):
    """A mix file holds query types, with or without `mix:` above; a scenario's starts at its own folder."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "mine.yaml").write_text(text)
    expected = (QueryType("greeting", 0.4, HAIKU), QueryType("price_check", 0.6, HAIKU))
    (tmp_path / "inner" / "s.yaml").write_text("mix: mine.yaml\n")
    assert resolve({}, file=tmp_path / "inner" / "s.yaml").mix == expected
    monkeypatch.chdir(tmp_path)
    assert resolve({"mix": "inner/mine.yaml"}).mix == expected


OWN = "{share: 1, model: m, prompts: [a]}"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "mix: {greeting: 0.4, price_check: 0.4}\n",
            [
                (
                    "s.yaml:1: mix: the shares add up to 0.8, not 1; "
                    "fix: raise them by 0.2 in all, such as greeting 0.5, price_check 0.5"
                )
            ],
        ),
        (
            "mix:\n  greeting: 0.75\n  price_check: 0.75\n",
            [
                (
                    "s.yaml:1: mix: the shares add up to 1.5, not 1; "
                    "fix: lower them by 0.5 in all, such as greeting 0.5, price_check 0.5"
                )
            ],
        ),
        ("mix: {greeting: 0}\n", ["s.yaml:1: mix.greeting.share: is 0; fix: leave the query type out"]),
        (
            "mix:\n  greetings: 1\n",
            [
                (
                    "s.yaml:2: mix.greetings: 'greetings' has no prompts and none are built in; "
                    "fix: did you mean greeting? otherwise add prompts"
                )
            ],
        ),
        (
            "mix:\n  refund: {share: 1, prompts: [a]}\n",
            ["s.yaml:2: mix.refund: refund has no model; fix: write model: and its id, here or for all at the top"],
        ),
        (
            f"mix:\n  refund: {OWN[:-1]}, modle: x}}\n",
            ["s.yaml:2: mix.refund.modle: unknown key; fix: did you mean model?"],
        ),
        (
            "mix:\n- {name: greeting, share: 0.5}\n- {name: greeting, share: 0.5}\n",
            [
                "s.yaml:2: mix[0]: 'greeting' is given more than once; fix: keep one of them",
                "s.yaml:3: mix[1]: 'greeting' is given more than once; fix: keep one of them",
            ],
        ),
        (
            "mix:\n- share: 1\n- 7\n",
            [
                "s.yaml:2: mix[0]: has no name; fix: write name: greeting",
                "s.yaml:3: mix[1]: is '7', not a mapping; fix: write {name: greeting, share: 0.08}",
            ],
        ),
        (
            "mix:\n  greeting: {model: m}\n",
            ["s.yaml:2: mix.greeting: has no share; fix: write share: 0.25, its part of all requests"],
        ),
        (
            "mix:\n  greeting:\n    share: much\n    kind: ia\n    language: fr\n    prompts: ['']\n",
            [
                "s.yaml:3: mix.greeting.share: 'much' is not a share; fix: write 0.25 or 25%",
                "s.yaml:4: mix.greeting.kind: 'ia' is not a kind of query; fix: write one of ai, crud",
                "s.yaml:5: mix.greeting.language: 'fr' is not a language; fix: write one of en, ja, mixed",
                (
                    "s.yaml:6: mix.greeting.prompts[0]: is empty or very long; "
                    "fix: write a prompt of 1 to 100,000 characters"
                ),
            ],
        ),
        (
            "mix: []\n",
            ["s.yaml:1: mix: has no query types; fix: write production, or greeting: {share: 0.08, model: …}"],
        ),
        (
            "mix: prodution\n",
            ["s.yaml:1: mix: 'prodution' is neither a mix nor a file; fix: did you mean production?"],
        ),
        (
            "mix: other.yaml\n",
            ["s.yaml:1: mix: there is no file 'other.yaml'; fix: write production, or name a file that is there"],
        ),
    ],
    ids=lambda value: value[:40].replace("\n", " ") if isinstance(value, str) else "",
)
def test_faults(tmp_path, text, faults):
    """Every fault of a mix is at its own line, with what is wrong and what to do, and nothing else is said."""
    assert faults_of(tmp_path, text) == faults


def test_shares_may_be_off_by_a_rounding(tmp_path):
    """A sum that is a millionth off is taken, more is not."""
    assert len(mix_of(tmp_path, "mix: {greeting: 0.3333333, price_check: 0.3333333, order_status: 0.3333333}\n")) == 3
    assert faults_of(tmp_path, "mix: {greeting: 0.333, price_check: 0.333, order_status: 0.333}\n")


def test_faults_in_a_mix_file_are_told_in_that_file(tmp_path):
    """The line is the mix file's own."""
    (tmp_path / "mine.yaml").write_text("greeting: 50%\n\nprice_chek: 50%\n")
    (fault,) = faults_of(tmp_path, "mix: mine.yaml\n")
    assert fault.startswith("mine.yaml:3: price_chek: 'price_chek' has no prompts")
