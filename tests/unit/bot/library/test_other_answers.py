"""Answers to other questions beside the documents of a library."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.library.other_answers import find_other_answers, share_places
from bot.library.passage import Nearness
from db.library.chunk_search import SearchHit


def hit(
    number: int, place: str, *, document: int = 1, score: float = 1.0, coverage: float = 0.0, title: str = "Answers"
) -> SearchHit:
    return SearchHit(
        id=number,
        document_id=document,
        n=number,
        uri=f"{document}.md",
        title=title,
        collection="library",
        kind="article",
        trust="author",
        place=place,
        content=f"Text {number}.",
        repeats=0,
        dated=None,
        before=None,
        after=None,
        after_repeats=None,
        similarity=0.5,
        rank=1.0,
        coverage=coverage,
        score=score,
    )


ANSWERS = [
    hit(1, "§ How much water should I drink?"),
    hit(2, "§ How much water should I drink before a race?"),
    hit(3, "§ What is in the water?"),
    hit(4, "§ thirsty again"),
]
ARTICLE = [hit(number, f"§ Water › Part {number}", document=2) for number in (11, 12, 13)]
QUESTION = "How much water should one drink?"


def test_answers_to_this_question_are_no_other_answers() -> None:
    others = find_other_answers(QUESTION, [*ANSWERS, *ARTICLE])
    assert 1 not in others
    assert 2 not in others, "the heading is more particular and has all that is asked"
    assert others == {3, 4}, "in a list of answers, what was said instead of asked is a heading like the others"


def test_a_heading_that_lacks_what_is_asked_or_names_a_case_asks_something_else() -> None:
    assert find_other_answers("How much water should a runner with a fever drink?", ANSWERS[:1]) == {1}
    case = hit(5, "§ How much water should I drink at 30 degrees?")
    assert find_other_answers(QUESTION, [case]) == {5}
    russian = hit(6, "§ Что такое тихая неделя?")
    assert find_other_answers("Сколько спать в тихую неделю?", [russian]) == {6}
    assert find_other_answers("что такое тихая неделя", [russian]) == frozenset()


def test_rows_entries_and_lectures_answer_nothing() -> None:
    places = ["row 3", "2026-03-04", "00:01:02–00:02:03", "¶ 1", ""]
    assert find_other_answers(QUESTION, [hit(number, place) for number, place in enumerate(places)]) == frozenset()


def test_a_document_with_a_question_among_its_headings_is_no_list_of_answers() -> None:
    article = [
        hit(1, "§ Why we drink"),
        *(hit(number, f"§ {name}") for number, name in ((2, "Salt"), (3, "Heat"), (4, "Tea"))),
    ]
    assert find_other_answers(QUESTION, article) == {1}


def test_a_document_that_has_what_is_asked_goes_before_answers_to_other_questions() -> None:
    crowd = [hit(number, "§ What is water?", score=1 - number / 100) for number in range(1, 20)]
    article = hit(50, "§ The left page", document=2, score=0.75, coverage=1.0)
    hits = [*crowd, article]
    asked = "How much water does the left page cost?"
    assert [one.id for one in share_places(asked, hits, find_other_answers(asked, hits), 4)] == [1, 2, 50, 3]
    beside = [replace(article, id=number, score=0.7 - number / 1000) for number in (51, 52)]
    chosen = share_places(asked, [*hits, *beside], {one.id for one in crowd}, 4)
    assert [one.id for one in chosen] == [1, 2, 50, 51]


def test_without_answers_to_other_questions_the_order_is_the_searchs() -> None:
    hits = [hit(number, "§ Part", score=1 - number / 100, coverage=number / 10) for number in range(10)]
    assert share_places(QUESTION, hits, frozenset(), 4) == hits[:4]


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 2), st.floats(0, 1)), max_size=30),
    st.integers(1, 8),
    st.sampled_from([QUESTION, "Water?", "Вода?"]),
)
def test_places_are_filled_once_and_at_most_half_with_other_answers(
    drawn: list[tuple[bool, float, float]], limit: int, question: str
) -> None:
    hits = [
        hit(number, "§ Part", score=score, coverage=coverage)
        for number, (_, score, coverage) in enumerate(sorted(drawn, key=lambda one: -one[1]))
    ]
    others = {number for number, (is_other, _, _) in enumerate(sorted(drawn, key=lambda one: -one[1])) if is_other}
    chosen = [one.id for one in share_places(question, hits, others, limit)]
    assert len(chosen) == len(set(chosen)) == min(limit, len(hits))
    documents = len(hits) - len(others)
    if documents >= limit:
        assert len(others.intersection(chosen)) <= max(1, limit // 2)
    # Among themselves answers keep their order.
    kept = [number for number in chosen if number in others]
    assert kept == sorted(kept)


def test_what_stands_below_this_very_question_comes_first() -> None:
    crowd = [hit(number, f"§ Who is number {number}?", score=2.0) for number in range(1, 9)]
    found = share_places("who are you", [*crowd, hit(9, "§ Who are you?", score=0.1)], (), 3)
    assert found[0].id == 9
    assert len(found) == 3


@pytest.mark.parametrize(("similarity", "place"), [(0.65, 0), (0.55, 2), (0.45, None)])
def test_the_heading_that_means_most_nearly_the_same_has_a_place(similarity: float, place: int | None) -> None:
    crowd = [hit(number, f"§ Part {number}", score=2.0 - number / 100) for number in range(1, 9)]
    nearest = hit(9, "§ And what if it freezes?", score=0.1)
    near = {9: Nearness(score=0.3, similarity=similarity), 3: Nearness(score=0.2, similarity=0.1)}
    found = [one.id for one in share_places("Why is ice slippery?", [*crowd, nearest], (), 3, near)]
    assert (found.index(9) if 9 in found else None) == place


def test_where_a_question_goes_on_the_nearest_by_meaning_and_words_has_the_place() -> None:
    crowd = [hit(number, f"§ Part {number}", score=2.0 - number / 100) for number in range(1, 9)]
    asked_before, follows = hit(9, "§ Is ice slippery?", score=0.1), hit(10, "§ Why is ice slippery?", score=0.1)
    near = {9: Nearness(score=-0.1, similarity=0.9), 10: Nearness(score=0.8, similarity=0.7)}
    found = share_places("Is ice slippery? why?", [*crowd, asked_before, follows], (), 3, near, goes_on=True)
    assert found[0].id == 10
    assert 9 not in {one.id for one in found}
