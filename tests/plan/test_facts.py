"""What fmload knows of the bundled target is what the target does; the packages share no code, so this is checked."""

import numpy as np
import pytest

from loadtester.fleet import plan_of
from loadtester.plan import model_facts as facts
from loadtester.plan import service
from loadtester.plan.asked import asked
from loadtester.plan.model_facts import model_facts
from loadtester.plan.phases import phases
from loadtester.plan.simulation import draw
from loadtester.scenario import resolve
from target_app import behaviour, prompting
from target_app.bedrock import answers, models
from target_app.bedrock.settings import Settings
from target_app.bedrock.tokens import count


@pytest.mark.parametrize("model", sorted(name for name, model in models._MODELS.items() if model.kind != "embedding"))
def test_speed_and_burndown_are_the_emulators(model):
    """Each model that chats has the emulator's burndown and pace."""
    known, real = model_facts(model), models.find_model(model)
    assert known.burndown == real.burndown
    assert (known.base_s, known.input_token_s, known.token_s) == (
        real.pace.base_s,
        real.pace.input_token_s,
        real.pace.token_s,
    )


def test_noise_is_the_emulators():
    """First token's noise, and stalls."""
    assert (facts.FIRST_SHIFT_S, facts.FIRST_MEDIAN_S, facts.FIRST_SIGMA) == (
        behaviour._FIRST_SHIFT_S,
        behaviour._FIRST_MEDIAN_S,
        behaviour._FIRST_SIGMA,
    )
    assert (facts.STALL_CHANCE, facts.STALL_MEDIAN_S, facts.STALL_SIGMA) == (
        behaviour._STALL_CHANCE,
        behaviour._STALL_MEDIAN_S,
        behaviour._STALL_SIGMA,
    )


def test_lengths_are_the_emulators():
    """Median answers by query type, and how wide they spread."""
    assert answers._MEDIAN_TOKENS == service.MEDIAN_TOKENS
    assert answers._OTHER_MEDIAN_TOKENS == service.OTHER_MEDIAN_TOKENS
    assert answers._LENGTH_SIGMA == service.LENGTH_SIGMA


def test_what_the_service_adds_is_mangaassists():
    """System prompts in both languages, the history's window, and the emulator's slots."""
    bundled = service.service_of(resolve({}))
    assert bundled.english_tokens == count(prompting.SYSTEM["en"])
    assert bundled.japanese_tokens == count(prompting.SYSTEM["ja"])
    assert bundled.history_exchanges == prompting.WINDOW_EXCHANGES
    assert bundled.history_chars == prompting.WINDOW_CHARS
    assert bundled.slots == Settings().slots
    assert bundled.contention == models.find_model("anthropic.claude-3-haiku-20240307-v1:0").pace.contention


def test_bedrock_is_asked_without_a_service():
    """Over bedrock the prompt is all there is, be the target bundled or not."""
    for target in ({"target.protocol": "bedrock"}, {"target.url": "bedrock:us-east-1"}):
        asked = service.service_of(resolve(target))
        assert (asked.english_tokens, asked.history_exchanges, asked.is_known) == (0, 0, True)


def test_a_strange_service_adds_what_is_stated(scenario_of):
    """Of another web target nobody knows what it adds, until the scenario says so."""
    assert not service.service_of(scenario_of(target__url="https://x.example")).is_known
    stated = service.service_of(scenario_of("quota: {prompt_tokens: 70}", target__url="https://x.example"))
    assert (stated.english_tokens, stated.japanese_tokens, stated.is_known) == (70, 70, True)


def test_phases_cover_the_run_once():
    """Whatever the pattern, each moment belongs to one phase."""
    stages = {"load.stages": ["2s:5/s", "6s:1/s"]}
    for flags in ({"load.pattern": name} for name in ("sustained", "ramp", "burst", "spike", "production")):
        assert_cover(resolve({**flags, "load.duration": "8s"}).load)
    assert_cover(resolve(stages).load)
    assert list(phases(resolve(stages).load, 8.0).values()) == [[(0.0, 2.0)], [(2.0, 8.0)]]


def assert_cover(load):
    moments = np.linspace(0, 8, 801)[:-1] + 0.005
    hits = np.zeros(len(moments))
    for spans in phases(load, 8.0).values():
        for begin_s, end_s in spans:
            hits += (moments >= begin_s) & (moments < end_s)
    assert (hits == 1).all()


def test_lengths_are_drawn_as_stated(scenario_of):
    """The median of 20,000 drawn answers is the stated one, and max_tokens cuts them where they are longer."""
    scenario = scenario_of(load__requests=20_000, load__duration="60s", max_tokens=300)
    rows = asked(scenario, plan_of(scenario))
    luck = draw(rows, np.random.default_rng(1))
    greetings = luck.output_tokens[rows.query == rows.queries.index("greeting")]
    assert np.median(greetings) == pytest.approx(40, rel=0.03)
    assert luck.output_tokens.max() == 300
    assert (luck.output_tokens[luck.is_cut] == 300).all()
    summaries = luck.is_cut[rows.query == rows.queries.index("manga_summary")]
    assert summaries.mean() == pytest.approx(0.958, abs=0.02)
