"""Only the citer gives marks: those of models, documents and old answers never pass for them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.library.cite import Citer, best_quotation, collect_evidence, strip_marks
from bot.minds.quoting import QuotedPassage
from bot.minds.schema import Trust
from tests.fixtures.passages import passage

TRACES = ("[1]", "[2]", "[^1]", "[№1]", "[1, 2]", "[ 3 ]", "［1］", "【1†source】", "↑")
SENTENCE = "A recruit earns 7.5 hours of sleep a night"
_NUMBER_IN_BRACKETS = re.compile(r"[\[［【]\s*[\^№#]?\s*\d")


@given(st.lists(st.sampled_from([SENTENCE, "He is glad", ". ", ".", " ", "\n", *TRACES]), max_size=10))
def test_every_mark_of_an_answer_is_the_citers(pieces: list[str]) -> None:
    citer = Citer([passage(f"{SENTENCE}.")])
    shown = citer.feed("".join(pieces)) + citer.finish()
    marks = re.findall(r"\[(\d+)\]", shown)
    assert set(marks) <= {str(number) for number in range(1, len(citer.cited) + 1)}
    assert len(_NUMBER_IN_BRACKETS.findall(shown)) == len(marks)


@given(st.lists(st.sampled_from([*TRACES, "word", " ", "."]), max_size=8))
def test_footnotes_of_a_passage_are_in_no_quotation_and_no_prompt(traces: list[str]) -> None:
    text = f"{SENTENCE}{''.join(traces)}. In the quiet week everyone earns 8.5 hours."
    quotation = best_quotation("How many hours of sleep does a recruit earn?", collect_evidence([passage(text)]))
    assert quotation is not None
    assert not _NUMBER_IN_BRACKETS.search(quotation.text)
    line = str(QuotedPassage.from_untrusted(1, Trust.AUTHOR, "On Rest", "§ Sleep", text))
    assert [match.start() for match in re.finditer(r"[\[［]\s*[\^№#]?\s*\d[\d\s,;]*[\]］]", line)] == [0]


def test_footnotes_do_not_keep_a_sentence_from_its_mark() -> None:
    [evidence] = collect_evidence([passage(f"{SENTENCE}.[4] ↑ He is glad.")])
    assert evidence.support(f"{SENTENCE}.")


def test_lists_and_code_keep_their_brackets() -> None:
    assert strip_marks("Sorted: [1, 2, 3]. Done [1, 2].") == "Sorted: [1, 2, 3]. Done."
    assert strip_marks("`a[1]` and ```b[2]``` [3]") == "`a[1]` and ```b[2]```"
    citer = Citer([])
    assert citer.feed("x = [1, 2, 3] and so [4].") + citer.finish() == "x = [1, 2, 3] and so."
