"""target_app.gateway.routing: which model a message goes to."""

import pytest

from target_app.chat import ChatMessage
from target_app.errors import ChatError, Code
from target_app.gateway.routing import HAIKU, SONNET, RoutingSettings, difficulty, pick

BY_DIFFICULTY = RoutingSettings(by_difficulty=True)


def message(text="Hello!", **fields):
    return ChatMessage(request_id="r", session_id="s", message=text, **fields)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Hello!", "easy"),
        ("こんにちは", "easy"),
        ("Do you have Attack on Titan volume 34 in stock?", "easy"),
        ("How much is Jujutsu Kaisen volume 20?", "easy"),
        ("Where is my order #MGA-2024-78542?", "easy"),
        ("ワンピースの最新巻はいつ発売ですか?", "easy"),
        ("Is it under 500 yen?", "easy"),
        ("Is volume 3 there? And volume 4?", "easy"),
        ("Recommend 5 manga similar to Demon Slayer for someone who likes action.", "hard"),
        ("Give me a detailed summary of the Chainsaw Man arc.", "hard"),
        ("Why does Eren change so much?", "hard"),
        ("鬼滅の刃に似た作品をおすすめしてください。", "hard"),
        ("進撃の巨人のあらすじを教えて", "hard"),
        ("Is volume 3 there? And volume 4, if it is under 500 yen?", "hard"),
        ("Is it there? " * 20, "hard"),
        ("三巻はありますか? 千円以下なら四巻もありますか?", "hard"),
    ],
)
def test_difficulty_follows_the_documented_rule(question, wanted):
    """Prose is hard; so are two of: long, several questions, conditions. All else is easy."""
    assert difficulty(question) == wanted


def test_off_the_table_by_query_type_decides():
    """By default nothing but the table routes, however hard the question is."""
    hard = message("Why? Explain!", query_type="price_check")
    assert pick(hard, RoutingSettings()) == HAIKU
    assert pick(message(query_type="recommendation"), RoutingSettings()) == SONNET


def test_difficulty_takes_the_place_of_the_table():
    """Switched on, an easy recommendation goes to Haiku and a hard price check to Sonnet."""
    assert pick(message("Any new manga?", query_type="recommendation"), BY_DIFFICULTY) == HAIKU
    assert pick(message("Compare the prices of both editions", query_type="price_check"), BY_DIFFICULTY) == SONNET


def test_a_model_named_in_the_message_wins():
    """Who asks for a model gets it."""
    assert pick(message("Explain!", model="mine"), BY_DIFFICULTY) == "mine"


def test_an_unknown_query_type_is_refused_either_way():
    """Routing by difficulty takes no message that the table would refuse."""
    with pytest.raises(ChatError) as caught:
        pick(message(query_type="weather"), BY_DIFFICULTY)
    assert caught.value.code is Code.BAD_REQUEST
