"""Where a sentence ends."""

from __future__ import annotations

import pytest

from bot.library.cite import collect_evidence
from bot.text.sentences import ends_sentence, split_sentences
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
    assert split_sentences(text) == found
    assert all(ends_sentence(sentence) for sentence in found if not sentence.endswith("г."))


def test_another_year_is_not_borne_out() -> None:
    [evidence] = collect_evidence([passage("В 2019 г. клуб насчитывал 1200 человек.", 1)])
    assert evidence.support("В 2019 г. клуб насчитывал 1200 человек.")
    assert not evidence.support("В 2018 г. клуб насчитывал 1200 человек.")
