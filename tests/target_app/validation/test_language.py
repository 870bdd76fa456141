"""target_app.validation.language: any kana is Japanese, names don't count, English around names stays English."""

import pytest

from target_app.validation.language import language_fault, language_in


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("Yes, volume 34 is in stock.", "en"),
        ("Hello!", "en"),
        ("はい、在庫があります。", "ja"),
        ("在庫有", "ja"),
        ("ハンカクカタカナ", "ja"),
        ("『ONE PIECE』はJUMP COMICSから発売中です。", "ja"),
        ("SPY×FAMILYの最新巻はKindleでもお読みいただけます。", "ja"),
        ("That Time I Got Reincarnated as a Slimeは人気です。", "ja"),
        ("Attack on Titan (進撃の巨人) volume 34 is in stock at the moment.", "en"),
        ("You would like 『進撃の巨人』, which is dark and long.", "en"),
        ("The series 進撃の巨人 is dark and very long, but worth it.", "en"),
        ("在庫があります。 It is also on sale this week only.", "mixed"),
        ("Thank you for your question. 在庫はございません", "mixed"),
        ("¥660", None),
        ("34", None),
        ("", None),
    ],
)
def test_language_of_answers(answer, wanted):
    """The rule of the module, case by case."""
    assert language_in(answer) == wanted


@pytest.mark.parametrize(
    ("answer", "expected", "is_fault"),
    [
        ("はい。", "ja", False),
        ("はい。", "en", True),
        ("Yes, of course.", "ja", True),
        ("Yes, of course.", "en", False),
        ("Yes.", "mixed", False),
        ("はい。", "mixed", False),
        ("在庫があります。 It is also on sale this week only.", "ja", True),
        ("¥660", "ja", False),
    ],
)
def test_faults(answer, expected, is_fault):
    """Another language than expected is a fault, no language is none; mixed takes all."""
    assert (language_fault(answer, expected) is not None) == is_fault
