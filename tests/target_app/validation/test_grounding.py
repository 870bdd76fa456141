"""target_app.validation.grounding: titles, volumes and prices come from the sources or the question."""

import pytest

from target_app.stores.product import Product
from target_app.validation.grounding import grounding_faults


def product(title, title_ja, volume, price_jpy):
    return Product("MGA-000001", title, title_ja, volume, "A", "action", price_jpy, 4, "2021-10-05", "S")


SOURCES = (
    product("Attack on Titan", "進撃の巨人", 34, 550),
    product("Attack on Titan", "進撃の巨人", 33, 528),
    product("Demon Slayer: Kimetsu no Yaiba", "鬼滅の刃", 23, 506),
    product("20th Century Boys", "20世紀少年", 1, 1320),
    product("Haikyu!!", "ハイキュー!!", 5, 484),
)


def faults(answer, question="", sources=SOURCES):
    return list(grounding_faults(answer, sources, question))


@pytest.mark.parametrize(
    "answer",
    [
        '"Attack on Titan" volume 34 costs ¥550.',
        "“ATTACK ON TITAN,” volume 34, is 550 yen.",
        "『進撃の巨人』34巻は550円です。",
        "『進撃の巨人』第33巻は¥528です。",
        "『進撃の巨人 34』と『進撃の巨人 33巻』",
        '"Attack on Titan, Vol. 34" and "Demon Slayer"',
        '"Demon Slayer: Kimetsu no Yaiba" (volume 23)',
        '"20th Century Boys" is 1,320 yen, JPY 1320, or ¥1,320.',
        "『20世紀少年』全22巻",
        "『ハイキュー!!』の5巻は484円",
        "Volume 34 of “Attack on Titan” ends it.",
        'He says "gonna be the king of all pirates" in it.',
        "No titles, no prices, 10 of 10.",
    ],
)
def test_what_the_sources_have_may_be_named(answer):
    """However it is written: both languages, width, case, subtitle, volume inside or beside the quotation."""
    assert faults(answer) == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("Try 『銀の塔の物語』.", "the title '銀の塔の物語' is in no source"),
        ('Try "Silver Tower".', "the title 'Silver Tower' is in no source"),
        ("『進撃の巨人』35巻があります。", "volume 35 of '進撃の巨人' is in no source"),
        ("『進撃の巨人 35』があります。", "volume 35 of '進撃の巨人' is in no source"),
        ('"Attack on Titan" vol. 99', "volume 99 of 'Attack on Titan' is in no source"),
        ('volume 23 of "Attack on Titan"', "volume 23 of 'Attack on Titan' is in no source"),
        ("It costs ¥551.", "the price ¥551 is in no source"),
        ("It costs ¥5,500.", "the price ¥5500 is in no source"),
        ("551円です", "the price ¥551 is in no source"),
        ("1,100 yen for both", "the price ¥1100 is in no source"),
        ("999yenです", "the price ¥999 is in no source"),
        ("“Attack on Titan” vol 35です", "volume 35 of 'Attack on Titan' is in no source"),
        ("JPY 999", "the price ¥999 is in no source"),
    ],
)
def test_what_no_source_has_is_found(answer, fault):
    """Each invented title, volume or price, once."""
    assert faults(f"{answer} {answer}") == [fault]


def test_what_the_question_names_may_be_named_back():
    """To say that the shop has no such title, volume or price."""
    answer = "『銀の塔の物語』は見つかりませんでした。『進撃の巨人』40巻も、100円のものもございません。"
    assert faults(answer, "「銀の塔の物語」か進撃の巨人40巻は100円でありますか") == []
    assert len(faults(answer)) == 3


def test_without_sources_every_title_is_invented():
    """Where nothing was found there is nothing to name."""
    assert len(faults('"Attack on Titan" is ¥550', sources=())) == 2
