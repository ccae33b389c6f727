"""Where a sentence ends."""

from __future__ import annotations

import pytest

from bot.recall.library.cite import evidence_of
from bot.recall.library.cite.sentences import is_over, sentences
from tests.fixtures.passages import passage


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("В 2019 г. клуб собрал 1200 человек. Он рос.", ["В 2019 г. клуб собрал 1200 человек.", "Он рос."]),
        ("Стихи А. С. Пушкина. И проза.", ["Стихи А. С. Пушкина.", "И проза."]),
        ("Dr. Smith ran, e.g. uphill. He won.", ["Dr. Smith ran, e.g. uphill.", "He won."]),
        ("Было в 2019 г.\nСтало иначе.", ["Было в 2019 г.", "Стало иначе."]),
    ],
)
def test_a_point_behind_an_abbreviation_ends_nothing(text: str, found: list[str]) -> None:
    assert sentences(text) == found
    assert all(is_over(sentence) for sentence in found if not sentence.endswith("г."))


def test_another_year_is_not_borne_out() -> None:
    [evidence] = evidence_of([passage("В 2019 г. клуб насчитывал 1200 человек.", 1)])
    assert evidence.support("В 2019 г. клуб насчитывал 1200 человек.")
    assert not evidence.support("В 2018 г. клуб насчитывал 1200 человек.")
