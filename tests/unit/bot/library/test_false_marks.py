"""The adversarial set: sentences made false by one change get no mark, true ones in other words get one."""

from __future__ import annotations

from functools import cache

import pytest

from bot.library.cite import collect_evidence
from bot.text.language import detect_language
from tests.fixtures.claim_cases import HALVES, OUTSIDE, Score, load_texts, measure, true_pairs, written_pairs
from tests.fixtures.passages import passage

TEXTS = load_texts()
MIN_REFUSED = 0.97
MIN_MARKED = 0.85
MIN_REFUSED_OF_A_KIND = 0.9
"""Of each kind of change with so many pairs that the share says something."""
ENOUGH_PAIRS = 20


@cache
def measured(half: str) -> tuple[Score, Score]:
    return measure([text for text in TEXTS if text.half == half])


def test_set_is_large_and_in_both_languages() -> None:
    true = [pair for text in TEXTS for pair in true_pairs(text)]
    false = [measured(half)[1] for half in HALVES]
    languages = [detect_language(pair.sentence) for pair in true]
    assert len(true) >= 300
    assert 0.4 <= languages.count("ru") / len(languages) <= 0.6
    assert sum(score.total.total() for score in false) >= 1000
    assert len({kind for score in false for kind in score.total}) >= 16
    assert len({text.kind for text in TEXTS}) >= 15


@pytest.mark.parametrize("half", HALVES)
def test_false_sentences_get_no_mark(half: str) -> None:
    _, false = measured(half)
    assert false.rate >= MIN_REFUSED, [pair.sentence for pair in false.wrong]
    for kind, total in false.total.items():
        if total >= ENOUGH_PAIRS:
            assert false.right[kind] / total >= MIN_REFUSED_OF_A_KIND, (kind, false.right[kind], total)


@pytest.mark.parametrize("half", HALVES)
def test_true_sentences_get_a_mark(half: str) -> None:
    true, _ = measured(half)
    assert true.rate >= MIN_MARKED, [pair.sentence for pair in true.wrong]


@pytest.mark.parametrize("part", OUTSIDE)
def test_sentences_from_outside_are_judged_as_well(part: str) -> None:
    pairs = [pair for text in TEXTS if text.half == part for pair in written_pairs(text)]
    for is_true, least in ((True, MIN_MARKED), (False, MIN_REFUSED)):
        judged = [pair for pair in pairs if pair.is_true is is_true]
        wrong = [pair.sentence for pair in judged if not pair.is_judged_right]
        assert len(wrong) <= (1 - least) * len(judged), wrong


WEEKS = """\
In the third week the runner sleeps nine hours and does not lift.

The minimum rest between sets is 90 seconds for beginners.

The pool is closed for repairs in the whole of July.

It is a myth that sugar helps the runner before sleep.

The lake water in January is −5 degrees under the ice.

After a fall the left knee must rest two weeks."""


@pytest.mark.parametrize("sentence", WEEKS.split("\n\n"))
def test_reported_text_supports_its_own_sentences(sentence: str) -> None:
    [evidence] = collect_evidence([passage(WEEKS)])
    assert evidence.support(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "In the fourth week the runner sleeps nine hours and does not lift.",
        "In the third week the runner sleeps nine hours and lifts.",
        "The maximum rest between sets is 90 seconds for beginners.",
        "The pool is closed for repairs in the whole of August.",
        "Sugar helps the runner before sleep.",
        "The lake water in January is 5 degrees under the ice.",
        "The lake water in July is −5 degrees under the ice.",
        "After a fall the right knee must rest two weeks.",
        "After a fall the left knee may rest two weeks.",
        "After a fall the left knee must rest three weeks.",
    ],
)
def test_reported_false_marks_are_gone(sentence: str) -> None:
    [evidence] = collect_evidence([passage(WEEKS)])
    assert not evidence.support(sentence)
