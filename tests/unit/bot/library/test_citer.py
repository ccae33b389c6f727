"""Which sentences of an answer get a mark."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.library.cite import Citer, collect_evidence, strip_marks
from bot.library.passage import Passage
from bot.minds.schema import CollectionKind, Trust
from tests.fixtures.passages import passage

SLEEP = passage(
    "Sleep is the wage. A recruit earns at least 7.5 hours a night. In the quiet week everyone earns 8.5.", 1
)
ROAD = passage("The long road lasts sixty minutes. Do not hurry on the long road.", 2, where="§ The road")
RUSSIAN = passage("Новобранец спит не меньше семи с половиной часов. Спешка — это заём.", 3, where="00:01:00")
PASSAGES = (SLEEP, ROAD, RUSSIAN)


def cited(answer: str, passages: tuple[Passage, ...] = PASSAGES) -> tuple[str, list[int]]:
    citer = Citer(passages)
    text = citer.feed(answer) + citer.finish()
    return text, [one.id for one in citer.cited]


@pytest.mark.parametrize(
    ("answer", "shown", "ids"),
    [
        ("A recruit earns 7.5 hours of sleep a night.", "A recruit earns 7.5 hours of sleep a night. [1]", [1]),
        ("A recruit earns seven and a half hours a night", "A recruit earns seven and a half hours a night [1]", [1]),
        ("A recruit earns 9 hours a night.", "A recruit earns 9 hours a night.", []),
        ("A recruit earns nine hours a night.", "A recruit earns nine hours a night.", []),
        ("A recruit earns 7.5 apples a night.", "A recruit earns 7.5 apples a night.", []),
        ("Does a recruit earn 7.5 hours a night?", "Does a recruit earn 7.5 hours a night?", []),
        ("Hurry on the long road.", "Hurry on the long road.", []),
        ("Do not hurry on the long road.", "Do not hurry on the long road. [1]", [2]),
        ("Sleep well.", "Sleep well.", []),
        ("Новобранец спит 7,5 часа.", "Новобранец спит 7,5 часа. [1]", [3]),
        ("Новобранец спит восемь часов.", "Новобранец спит восемь часов.", []),
        (
            "The long road lasts 60 minutes! A recruit earns 7.5 hours a night. Good.",
            "The long road lasts 60 minutes! [1] A recruit earns 7.5 hours a night. [2] Good.",
            [2, 1],
        ),
    ],
)
def test_marks_after_supported_sentences(answer: str, shown: str, ids: list[int]) -> None:
    assert cited(answer) == (shown, ids)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("Eat well [1]. Go home [2, 3].", "Eat well. Go home."),
        ("Eat well. [9] Go home.", "Eat well. Go home."),
        ("Eat [17]well.", "Eat well."),
        ("Eat well [1-3]. Go home [№2] [^1].", "Eat well. Go home."),
        ("A recruit earns 7.5 hours a night [1].", "A recruit earns 7.5 hours a night. [1]"),
        ("A recruit earns 7.5 hours a night. [2]\n\nNext.", "A recruit earns 7.5 hours a night. [1]\n\nNext."),
        ("Use `a[1]` and\n```\nx = b[2]\n```\nthen [note] [", "Use `a[1]` and\n```\nx = b[2]\n```\nthen [note] ["),
        ("[Your Name] [[1] [1", "[Your Name] [ [1"),
    ],
)
def test_marks_of_the_model_are_checked(answer: str, shown: str) -> None:
    assert cited(answer)[0] == shown


def test_model_chooses_among_supporting_passages() -> None:
    twin = passage(SLEEP.quote, 4, where="§ Again")
    answer = "A recruit earns 7.5 hours a night"
    assert cited(f"{answer} [2].", (SLEEP, twin))[1] == [4]
    assert cited(f"{answer} [1][2].", (SLEEP, twin)) == (f"{answer}. [1][2]", [1, 4])
    assert cited(f"{answer}.", (SLEEP, twin))[1] == [1]


def test_style_examples_and_user_words_are_never_cited() -> None:
    voice = passage(SLEEP.quote, 5, kind=CollectionKind.VOICE)
    user_words = passage(SLEEP.quote, 6, trust=Trust.USER)
    assert collect_evidence([voice, user_words]) == []
    assert cited("A recruit earns 7.5 hours a night [1] [2].", (voice, user_words)) == (
        "A recruit earns 7.5 hours a night.",
        [],
    )
    # Numbers are places in the prompt, with the left-out passages counted.
    assert [one.number for one in collect_evidence([user_words, SLEEP])] == [2]


_PIECES = st.lists(
    st.sampled_from(
        [
            "A recruit earns 7.5 hours a night",
            ".",
            " ",
            "\n",
            "[1]",
            "[2",
            ", 3]",
            "[",
            "]",
            "`",
            "```",
            "x[1]",
            "?",
            "«да»",
        ]
    ),
    max_size=14,
)


@given(_PIECES, st.lists(st.integers(0, 200), max_size=6))
def test_result_is_independent_of_the_pieces(pieces: list[str], cuts: list[int]) -> None:
    answer = "".join(pieces)
    whole = cited(answer)
    citer = Citer(PASSAGES)
    edges = sorted({0, *(min(cut, len(answer)) for cut in cuts), len(answer)})
    shown = "".join(citer.feed(answer[a:b]) for a, b in pairwise(edges)) + citer.finish()
    assert (shown, [one.id for one in citer.cited]) == whole


@given(st.text(alphabet="ab.[]12, \n`", max_size=60))
def test_only_marks_and_blanks_change(answer: str) -> None:
    shown, ids = cited(answer)
    assert ids == []
    bare = "".join(strip_marks(shown).split())
    assert "`" in answer or bare == "".join(strip_marks(answer).split())
