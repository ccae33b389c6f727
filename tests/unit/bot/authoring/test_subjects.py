"""Subjects: groups that stand out from chance, and the topics that are made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.authoring.candidates import Candidate, Origin, Turn
from bot.authoring.errors import NoSuchSubject, SubjectNameUnusable
from bot.authoring.subjects.clustering import adjusted_rand_index, find_groups
from bot.authoring.subjects.proposal import (
    OVER_CHANCE,
    Proposal,
    is_usable,
    proposal_from_record,
    proposal_to_record,
    propose,
)
from bot.authoring.subjects.words import telling_words
from bot.minds.grammar import parse_expression

DIMENSIONS = 48
KITCHEN = ("Как сварить борщ?", "Сколько варить свёклу для борща?", "Какую капусту класть в борщ?")
GARDEN = ("When should I plant tomatoes?", "Why do my tomatoes crack?", "How deep do I plant a tomato seedling?")


def clouds(sizes: list[int], seed: int, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around centres that are far from each other, and the centre of each."""
    chance = np.random.default_rng(seed)
    centres = np.linalg.qr(chance.normal(size=(DIMENSIONS, len(sizes))))[0].T
    labels = np.repeat(np.arange(len(sizes)), sizes)
    points = centres[labels] + chance.normal(scale=spread / np.sqrt(DIMENSIONS), size=(len(labels), DIMENSIONS))
    return points / np.linalg.norm(points, axis=1, keepdims=True), labels


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(30, 60), min_size=2, max_size=4), st.integers(0, 1000))
def test_groups_that_are_apart_are_found(sizes: list[int], seed: int) -> None:
    points, labels = clouds(sizes, seed)
    found = find_groups(points, min_size=20)
    assert found.count == len(sizes)
    assert adjusted_rand_index(labels, found.labels) > 0.95
    assert found.separation > OVER_CHANCE * found.chance


@pytest.mark.parametrize("seed", range(4))
def test_one_cloud_is_no_subject_however_it_is_cut(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(150, DIMENSIONS))
    candidates = [candidate(f"Question {number}?") for number in range(150)]
    assert propose(candidates, points, min_size=30).subjects == ()


def test_the_same_vectors_give_the_same_groups() -> None:
    points, _ = clouds([40, 40, 40], 3)
    first, second = find_groups(points, min_size=20), find_groups(points, min_size=20)
    assert np.array_equal(first.labels, second.labels)
    assert (first.stability, first.chance) == (second.stability, second.chance)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=60))
def test_equal_groupings_agree_whatever_the_groups_are_called(labels: list[int]) -> None:
    first = np.array(labels)
    assert adjusted_rand_index(first, first) == pytest.approx(1)
    assert adjusted_rand_index(first, 3 - first) == pytest.approx(1)


def candidate(question: str, answer: str = "So it is.") -> Candidate:
    return Candidate(question, Origin.QUESTIONS, "faq.md", "faq", (Turn("user", question), Turn("assistant", answer)))


def proposed() -> Proposal:
    points, _ = clouds([60, 60], 1)
    texts = [*KITCHEN * 20, *GARDEN * 20]
    made = [candidate(f"{text} {number}") for number, text in enumerate(texts)]
    return propose(made, points, min_size=30, taken=("борщ",))


def test_a_subject_has_a_name_that_modes_can_be_written_with() -> None:
    found = proposed()
    assert len(found.subjects) == 2
    names = [subject.name for subject in found.subjects]
    assert "борщ" not in names, "it stands for something else"
    assert any(name.startswith("tomato") for name in names)
    for subject in found.subjects:
        assert str(parse_expression(subject.name)) == subject.name
        assert len(subject.samples) == 3
    assert found.common + sum(len(subject.ids) for subject in found.subjects) == found.dialogues
    assert found.common >= 0.2 * found.dialogues
    assert proposal_from_record(proposal_to_record(found)) == found


def test_subjects_are_renamed_merged_and_dropped() -> None:
    found = proposed()
    first, second = (subject.name for subject in found.subjects)
    renamed = found.renamed("1", "Кухня")
    assert renamed.subjects[0].name == "кухня"
    for unusable in ("auto", second, "a b", "+"):
        with pytest.raises(SubjectNameUnusable):
            found.renamed(first, unusable)
    merged = found.merged(first, second)
    assert [len(subject.ids) for subject in merged.subjects] == [sum(len(each.ids) for each in found.subjects)]
    assert found.dropped(first).common == found.common + len(found.subjects[0].ids)
    with pytest.raises(NoSuchSubject):
        found.dropped("nothing")
    with pytest.raises(NoSuchSubject):
        found.merged(first, "1")


def test_telling_words_are_nouns_in_their_dictionary_form() -> None:
    kitchen, garden = telling_words([KITCHEN, GARDEN])
    assert kitchen[0].text == "борщ"
    assert kitchen[0].language == "ru"
    assert {word.text for word in garden[:2]} & {"tomatoes", "tomato", "plant"}


def test_contractions_numbers_and_what_stands_for_personal_data_name_nothing() -> None:
    texts = ["It doesn't matter: [phone 3], twenty, see https://example.com @anna"] * 5
    words, _ = telling_words([texts, ["Something else entirely"]])
    assert {word.text for word in words} <= {"matter"}


@given(st.text(max_size=20))
def test_only_names_of_the_grammar_are_usable(text: str) -> None:
    if is_usable(text, ()):
        assert str(parse_expression(text)) == text
