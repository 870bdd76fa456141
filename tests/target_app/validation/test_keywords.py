"""target_app.validation.keywords: whole words in Latin letters, any place in Japanese."""

from target_app.validation.keywords import keyword_faults


def faults(answer, expected=(), forbidden=()):
    return list(keyword_faults(answer, expected, forbidden))


def test_expected_words_must_be_there():
    """Each missing one is named; case and width don't matter."""
    assert faults("In STOCK: volume \uff13\uff14", ["in stock", "34", "price"]) == ["'price' is missing"]


def test_forbidden_words_must_not():
    """Each one found is named."""
    assert faults("Read the scans online", forbidden=["scans", "torrent"]) == ["'scans' is forbidden"]


def test_latin_words_are_whole():
    """Neither part of a longer word nor of a longer number."""
    assert faults("The cart holds 134.", ["art", "34"]) == ["'art' is missing", "'34' is missing"]
    assert faults("在庫は34巻まで、artブックも", ["art", "34", "在庫"]) == []


def test_signs_are_no_patterns():
    """A keyword is a text."""
    assert faults("Haikyu!! (C++)", ["haikyu!!", "c++", "(c"]) == []
