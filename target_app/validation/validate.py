"""All checks of one answer, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from target_app.validation.expectation import Expectation
from target_app.validation.finding import Check, Finding
from target_app.validation.grounding import grounding_faults
from target_app.validation.keywords import keyword_faults
from target_app.validation.language import language_fault
from target_app.validation.layout import layout_fault
from target_app.validation.length import length_fault
from target_app.validation.safety import leaks, personal_data


def validate(answer: str, expectation: Expectation) -> tuple[Finding, ...]:
    """What is wrong with an answer; nothing where it is fit to be given."""
    return tuple(
        Finding(check, reason) for check, reasons in _faults(answer, expectation) for reason in reasons if reason
    )


def _faults(answer: str, expectation: Expectation) -> Iterator[tuple[Check, Iterable[str | None]]]:
    if expectation.is_safe:
        yield Check.SAFETY, _unsafe(answer, expectation)
    if expectation.format is not None:
        yield Check.FORMAT, [layout_fault(answer, expectation.format)]
    if expectation.language is not None:
        yield Check.LANGUAGE, [language_fault(answer, expectation.language)]
    if expectation.bounds_chars is not None:
        yield Check.LENGTH, [length_fault(answer, expectation.bounds_chars)]
    if expectation.sources is not None:
        yield Check.GROUNDING, grounding_faults(answer, expectation.sources, expectation.question)
    yield Check.KEYWORDS, keyword_faults(answer, expectation.expected, expectation.forbidden)


def _unsafe(answer: str, expectation: Expectation) -> Iterator[str]:
    yield from (f"{kind} in the answer" for kind in personal_data(answer, expectation.own_contacts))
    if expectation.system is not None and leaks(answer, expectation.system):
        yield "a part of the system prompt in the answer"
