"""What is said again of an answer: shorter, in other words, with an example, or another in its place."""

from __future__ import annotations

from dataclasses import replace

from bot.library.again import answer_again
from bot.library.cite import SaidBefore
from bot.library.passage import Nearness, Passage
from bot.text.about_answer import AboutAnswer
from tests.unit.bot.library.test_known_answers import PASSAGE

ANSWER = "Sleep eight hours. Go to bed at ten."
BEFORE = SaidBefore("How long should I sleep?", (f"{ANSWER} [1]",))


def passage(number: int, quote: str, score: float) -> Passage:
    return replace(PASSAGE, id=number, quote=quote, content=quote, nearness=Nearness(score, 0.7))


SAID = passage(1, ANSWER, 1.4)
SAME = passage(2, "Eight hours are right for most people.", 1.1)
OTHER = passage(3, "Nine hours if you train, seven if you do not.", 0.9)
EXAMPLE = passage(4, "A nurse on night shifts, for example, sleeps in two parts.", 0.7)
FAR = passage(5, "The heart beats sixty times a minute.", 0.3)


def again(wanted: AboutAnswer, *passages: Passage, question: str = "again?") -> str | None:
    found = answer_again(wanted, question, passages, BEFORE)
    return found.text if found else None


def test_shorter_is_the_first_sentence_of_what_was_said() -> None:
    assert again(AboutAnswer.SHORTER, SAME, SAID) == "Sleep eight hours."
    assert again(AboutAnswer.SHORTER, SAME, OTHER) is None, "what was said is not among them"


def test_otherwise_is_another_answer_to_the_same_question_or_else_the_first_sentence() -> None:
    assert again(AboutAnswer.OTHERWISE, SAID, OTHER, SAME) == SAME.quote
    assert again(AboutAnswer.OTHERWISE, SAID, OTHER) == "Sleep eight hours."
    assert again(AboutAnswer.OTHERWISE, OTHER) == OTHER.quote
    assert again(AboutAnswer.OTHERWISE, FAR) is None


def test_instead_of_an_answer_comes_the_nearest_that_was_not_given() -> None:
    assert again(AboutAnswer.INSTEAD, SAID, OTHER, FAR) == OTHER.quote
    assert again(AboutAnswer.INSTEAD, SAID, FAR) is None


def test_an_example_is_something_that_calls_itself_one_or_else_another_answer() -> None:
    assert again(AboutAnswer.EXAMPLE, SAID, OTHER, EXAMPLE) == EXAMPLE.quote
    assert again(AboutAnswer.EXAMPLE, SAID, OTHER) == OTHER.quote
    assert again(AboutAnswer.EXAMPLE, SAID, FAR) is None


def test_doubt_is_not_met_with_the_same_once_more_nor_anybody_with_another_language() -> None:
    assert again(AboutAnswer.DOUBT, SAID, SAME, OTHER) is None
    assert again(AboutAnswer.INSTEAD, SAID, OTHER, question="а ещё?") is None
