"""What stands of what the archivist says, and what of the author's figures is known."""

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


def test_only_what_the_library_bears_out_is_the_archivists_to_say() -> None:
    recalled = "A recruit earns 7.5 hours of sleep [2]. He earns 9 hours of sleep on Sunday [1]. He is happy."
    (claim,) = supported_claims(recalled, EVIDENCE)
    assert (claim.text, claim.passages) == ("A recruit earns 7.5 hours of sleep.", [SLEEP])
    assert supported_claims("", EVIDENCE) == []


def test_the_librarys_own_words_make_up_for_what_is_not_recalled() -> None:
    question = "How many hours of sleep a night?"
    say = Translator("en")
    assert [claim.passages for claim in library_quotations(question, EVIDENCE, 0, say)] == [[SLEEP], [WEEK]]
    assert [claim.passages for claim in library_quotations(question, EVIDENCE, 1, say)] == [[SLEEP]]
    assert library_quotations(question, EVIDENCE, 2, say) == []
    assert library_quotations("Who was Leonidas?", EVIDENCE, 0, say) == []


def test_figures_that_no_passage_bears_out_are_noticed() -> None:
    assert has_unsupported_figures("Rest. Sleep for 12 hours on Sunday.", EVIDENCE)
    assert not has_unsupported_figures("A recruit earns 7.5 hours of sleep a night.", EVIDENCE)
    assert not has_unsupported_figures("Sleep long and be glad [3].", EVIDENCE)


def test_the_archivist_is_shown_as_many_passages_as_fit() -> None:
    counter = WordCounter()
    whole = build_archivist_prompt("How long?", [SLEEP, WEEK], "en", counter, 500)
    assert whole is not None
    assert whole.passages == (SLEEP, WEEK)
    assert whole.messages[-1].content.endswith("\n\nHow long?")
    less = build_archivist_prompt("How long?", [SLEEP, WEEK], "en", counter, whole.tokens - 1)
    assert less is not None
    assert less.passages == (SLEEP,)
    assert build_archivist_prompt("How long?", [SLEEP], "en", counter, 5) is None
    assert build_archivist_prompt("How long?", [], "en", counter, 500) is None
