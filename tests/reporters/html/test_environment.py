"""The command that makes the same requests again says all that settled them, as far as the manifest knows."""

import shlex
from itertools import pairwise

import pytest

from loadtester.reporters.html.environment import command


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (["--mix", "mine.yaml", "--warmup", "5s"], "--mix mine.yaml --warmup 5s --seed 1"),
        (["--model", "m", "--seed", "7"], "--model m --seed 7"),
        (["--seed=7", "-H", "X-Key: ***"], "--seed=7 -H 'X-Key: ***'"),
        ([], "--seed 1"),
    ],
)
def test_what_was_typed_is_shown(manifest, typed, shown):
    """Word by word, with the seed where nobody named it."""
    assert command(manifest | {"command": typed}) == f"fmload run {shown}"


def test_without_the_words_flags_say_what_they_can(manifest):
    """Warm-up, think time, region, the one model and the limit of answers are among them."""
    scenario = manifest["scenario"]
    mix = [{"name": "a", "model": "m", "kind": "ai"}, {"name": "b", "model": "m", "kind": "ai"}, {"kind": "crud"}]
    scenario |= {"mix": mix, "max_tokens": 256}
    scenario["load"] |= {"warmup_s": 5.0, "users": 3, "think_time": {"distribution": "constant", "scale_s": 2.5}}
    scenario["target"] |= {"url": "https://api.example/v1", "region": "eu-west-1"}
    words = shlex.split(command(manifest | {"command": None}))
    pairs = dict(pairwise(words))
    wanted = {
        "run": "https://api.example/v1",
        "--warmup": "5s",
        "--think-time": "constant:2.5s",
        "--region": "eu-west-1",
        "--model": "m",
        "--max-tokens": "256",
        "--seed": "1",
    }
    assert {name: pairs.get(name) for name in wanted} == wanted


def test_flags_that_change_nothing_are_left_out(manifest):
    """Of a run of the defaults, the pattern and the seed are enough."""
    words = shlex.split(command(manifest | {"command": None}))
    assert not {"--warmup", "--think-time", "--region", "--model", "--max-tokens"} & set(words)
