"""Where a sentence ends."""

from __future__ import annotations

import pytest

from bot.text.sentences import ends_sentence, split_at_marks, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("В 2019 г. клуб собрал 1200 человек. Он рос.", ["В 2019 г. клуб собрал 1200 человек.", "Он рос."]),
        ("Стихи А. С. Пушкина. И проза.", ["Стихи А. С. Пушкина.", "И проза."]),
        ("Dr. Smith ran, e.g. uphill. He won.", ["Dr. Smith ran, e.g. uphill.", "He won."]),
        ("Было в 2019 г.\nСтало иначе.", ["Было в 2019 г.", "Стало иначе."]),
    ],
)
def test_abbreviation_does_not_end_a_sentence(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences
    assert all(ends_sentence(sentence) for sentence in sentences if not sentence.endswith("г."))


def test_split_at_marks() -> None:
    assert split_at_marks("One. Two?! 3.5 km…\n\n Last ") == ["One.", "Two?!", "3.", "5 km…", "Last"]
