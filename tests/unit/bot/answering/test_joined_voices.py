"""How two voices are joined: supported claims, quotations, and figures without support."""

from __future__ import annotations

from bot.answering.consilium import (
    build_archivist_prompt,
    has_unsupported_figures,
    library_quotations,
    supported_claims,
)
from bot.core.i18n import Translator
from bot.library.cite import collect_evidence
from tests.fixtures.passages import passage
from tests.unit.bot.answering.test_prompt_budget import WordCounter

SLEEP = passage("A recruit earns at least 7.5 hours of sleep a night. Sleep is the wage.", 1)
WEEK = passage("In the quiet week everyone sleeps 8.5 hours a night.", 2)
EVIDENCE = collect_evidence([SLEEP, WEEK])


def test_archivist_keeps_only_supported_claims() -> None:
    recalled = "A recruit earns 7.5 hours of sleep [2]. He earns 9 hours of sleep on Sunday [1]. He is happy."
    (claim,) = supported_claims(recalled, EVIDENCE)
    assert (claim.text, claim.passages) == ("A recruit earns 7.5 hours of sleep.", [SLEEP])
    assert supported_claims("", EVIDENCE) == []


def test_quotations_fill_up_missing_claims() -> None:
    question = "How many hours of sleep a night?"
    say = Translator("en")
    assert [claim.passages for claim in library_quotations(question, EVIDENCE, 0, say)] == [[SLEEP], [WEEK]]
    assert [claim.passages for claim in library_quotations(question, EVIDENCE, 1, say)] == [[SLEEP]]
    assert library_quotations(question, EVIDENCE, 2, say) == []
    assert library_quotations("Who was Leonidas?", EVIDENCE, 0, say) == []


def test_unsupported_figures_are_detected() -> None:
    assert has_unsupported_figures("Rest. Sleep for 12 hours on Sunday.", EVIDENCE)
    assert not has_unsupported_figures("A recruit earns 7.5 hours of sleep a night.", EVIDENCE)
    assert not has_unsupported_figures("Sleep long and be glad [3].", EVIDENCE)


def test_archivist_prompt_has_the_passages_that_fit() -> None:
    counter = WordCounter()
    full = build_archivist_prompt("How long?", [SLEEP, WEEK], "en", counter, 500)
    assert full is not None
    assert full.passages == (SLEEP, WEEK)
    assert full.messages[-1].content.endswith("\n\nHow long?")
    shorter = build_archivist_prompt("How long?", [SLEEP, WEEK], "en", counter, full.tokens - 1)
    assert shorter is not None
    assert shorter.passages == (SLEEP,)
    assert build_archivist_prompt("How long?", [SLEEP], "en", counter, 5) is None
    assert build_archivist_prompt("How long?", [], "en", counter, 500) is None
