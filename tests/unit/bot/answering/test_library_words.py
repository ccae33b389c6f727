"""What the library is searched for, and which of its words answer a message that goes on from another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from bot.answering.library_words import Found, find_words_on, search_library
from bot.library.cite import NOTHING_BEFORE, SaidBefore
from bot.library.passage import Nearness, Passage
from bot.library.retriever import Retrieved, Retriever
from bot.minds.resolve import ResolvedMode
from tests.unit.bot.library.test_known_answers import PASSAGE

BEFORE = SaidBefore("How long should I sleep?", ("Sleep eight hours. Go to bed at ten.",))
MODE = cast(ResolvedMode, None)


class Searches(Retriever):
    """Notes what it is asked, and finds a passage that says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def retrieve(self, question: str, mode: Any, *, before: str = "") -> Retrieved:
        self.asked.append((before, question))
        return Retrieved((replace(PASSAGE, quote=f"{before}|{question}"),), ("an example",))


def passage(quote: str, score: float = 1.0, similarity: float = 0.7) -> Passage:
    return replace(PASSAGE, quote=quote, content=quote, nearness=Nearness(score, similarity))


def words_on(found: Found, *, in_part: bool = True) -> str | None:
    words = find_words_on(found, in_place_of_model=True, in_part=in_part, is_small_talk=False)
    return words.text if words else None


async def test_a_question_that_stands_alone_is_searched_for_once() -> None:
    searches = Searches()
    found = await search_library(searches, "What is iron?", MODE, before=NOTHING_BEFORE)
    assert searches.asked == [("", "What is iron?")]
    assert (found.alone, found.earlier) == ((), ())


async def test_what_goes_on_is_searched_for_with_what_was_asked_and_alone_where_it_has_a_subject() -> None:
    searches = Searches()
    found = await search_library(searches, "and how often?", MODE, before=BEFORE)
    assert searches.asked == [(BEFORE.questions, "and how often?")]
    assert found.alone == ()
    searches = Searches()
    found = await search_library(searches, "and why is ice so slippery?", MODE, before=BEFORE)
    assert searches.asked == [(BEFORE.questions, "and why is ice so slippery?"), ("", "why is ice so slippery?")]
    assert [each.quote for each in found.alone] == ["|why is ice so slippery?"]


async def test_what_is_about_an_answer_is_searched_for_by_what_was_asked_too() -> None:
    searches = Searches()
    found = await search_library(searches, "tried that, it doesn't work", MODE, before=BEFORE)
    assert [each.quote for each in found.earlier] == [f"|{BEFORE.questions}"]
    assert [each.quote for each in found.alone] == ["|tried that, it doesn't work"]
    assert found.without_passages().retrieved == Retrieved(examples=("an example",))


def test_another_answer_comes_before_a_reply_that_fits_any_and_doubt_the_other_way_round() -> None:
    another, reply = passage("Nine hours, if you train."), passage("Change one thing at a time.")
    tried = Found("tried that, it doesn't work", before=BEFORE, alone=[reply], earlier=[another])
    assert words_on(tried) == another.quote
    assert words_on(replace(tried, earlier=[])) == reply.quote
    assert words_on(replace(tried, asked="are you sure?")) == reply.quote


def test_words_about_an_answer_are_not_looked_for_in_other_texts() -> None:
    lever = passage("Examples of a lever are a seesaw and a spanner.", score=0.6)
    found = Found("can you give me an example?", Retrieved((lever,)), BEFORE)
    assert words_on(found) is None


def test_where_the_model_writes_the_language_it_is_asked_first() -> None:
    found = Found("tried that", before=BEFORE, alone=[passage("Change one thing.")])
    assert find_words_on(found, in_place_of_model=False, in_part=False, is_small_talk=False) is None
