"""The catalogue: the same for the same seed, and such as a shop could have."""

import hashlib
import re
import subprocess
import sys
from collections import defaultdict
from datetime import date

import msgspec
import pytest

from target_app.catalogue import catalogue


def digest_of(products):
    return hashlib.sha256(msgspec.json.encode(products)).hexdigest()


@pytest.fixture(scope="module")
def volumes():
    return catalogue()


@pytest.fixture(scope="module")
def series(volumes):
    kept = defaultdict(list)
    for volume in volumes:
        kept[volume.title].append(volume)
    return kept


def test_a_seed_means_the_same_in_every_process():
    """Two calls and another process, which hashes strings differently, draw the same; another seed draws another."""
    code = (
        "import hashlib, msgspec; from target_app.catalogue import catalogue;"
        "print(hashlib.sha256(msgspec.json.encode(catalogue(3))).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-R", "-c", code], capture_output=True, text=True, check=True)
    assert digest_of(catalogue(3)) == digest_of(catalogue(3)) == other.stdout.strip()
    assert digest_of(catalogue(4)) != digest_of(catalogue(3))


def test_the_catalogue_stays_what_it_was(volumes):
    """The seed's volumes are those of every other Python and version; whoever changes them on purpose says so here."""
    assert digest_of(volumes) == "12697e4ec5f1515e200b9d02bbd339c4183415afba1be6826c3b26496a8fea8d"


def test_there_are_a_few_thousand_volumes_with_ids_in_order(volumes):
    """Ids count up, in the order in which they sort."""
    assert 3_000 <= len(volumes) <= 6_000
    assert [volume.id for volume in volumes] == [f"MGA-{number:06d}" for number in range(1, len(volumes) + 1)]


def test_the_titles_that_customers_ask_for_are_there(series):
    """The volumes of the examples exist, by their names in both languages."""
    for title, title_ja, volume in [
        ("Attack on Titan", "進撃の巨人", 34),
        ("Jujutsu Kaisen", "呪術廻戦", 20),
        ("One Piece", "ワンピース", 100),
        ("Demon Slayer", "鬼滅の刃", 1),
        ("Chainsaw Man", "チェンソーマン", 1),
    ]:
        assert volume in {one.volume for one in series[title]}
        assert {one.title_ja for one in series[title]} == {title_ja}
    assert len(series) > 400


def test_a_series_is_one_work(series):
    """Volumes count from 1, days of release go up; author, genre and Japanese title are the same, and nobody else's."""
    for volumes in series.values():
        assert [one.volume for one in volumes] == list(range(1, len(volumes) + 1))
        days = [date.fromisoformat(one.released) for one in volumes]
        assert days == sorted(set(days))
        assert len({(one.author, one.genre, one.title_ja) for one in volumes}) == 1
    assert len({volumes[0].title_ja for volumes in series.values()}) == len(series)


def test_prices_and_stock_are_a_shops(volumes):
    """440 to 990 yen with the tax in whole tens; some volumes are sold out, most are not."""
    assert {volume.price_jpy % 11 for volume in volumes} == {0}
    assert min(volume.price_jpy for volume in volumes) >= 440
    assert max(volume.price_jpy for volume in volumes) <= 990
    assert len({volume.price_jpy for volume in volumes}) > 20
    sold_out = sum(volume.stock == 0 for volume in volumes) / len(volumes)
    assert 0.05 < sold_out < 0.11
    assert min(volume.stock for volume in volumes) == 0


def test_a_summary_is_two_whole_sentences_about_its_volume(volumes):
    """Nothing is left to be filled in, the volume is named, and the language is the title's."""
    for volume in volumes:
        assert not re.search(r"[{}]|  ", volume.summary)
        if volume.title == volume.title_ja and volume.author[0] > "z":
            assert re.fullmatch(rf"[^。]+作品。第{volume.volume}巻では、[^。]+。", volume.summary)
        else:
            assert re.fullmatch(rf"(An?|The) [^.]+\. In volume {volume.volume}, [^.]+\.", volume.summary)
    assert len({volume.summary for volume in volumes}) > 0.6 * len(volumes)
    assert {volume.genre for volume in volumes} >= {"action", "romance", "mystery", "horror", "comedy", "sports"}
