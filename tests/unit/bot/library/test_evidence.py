"""Which passages support a statement."""

from __future__ import annotations

import pytest

from bot.library.cite import collect_evidence
from tests.fixtures.passages import passage


@pytest.mark.parametrize(
    ("passage_text", "claim", "is_supported"),
    [
        ("Пейте воду до завтрака каждый день.", "Пейте воду до завтрака каждый день.", True),
        ("Пейте воду до завтрака каждый день.", "Пейте воду после завтрака каждый день.", False),
        ("Drink water before breakfast daily.", "Drink water after breakfast daily.", False),
        ("Новобранец спит не меньше семи часов.", "Новобранец спит не больше семи часов.", False),
        ("Новобранец спит не меньше семи часов.", "Новобранец спит семь часов и больше.", True),
        ("Add more than ten percent load a week.", "Add less than ten percent load a week.", False),
        ("После бега отдыхайте от 45 до 60 минут.", "После бега отдыхайте от 45 до 60 минут.", True),
        ("Прогулка полезна для сердца спортсмена.", "Прогулка бесполезна для сердца спортсмена.", False),
        ("Running slowly increases endurance steadily.", "Running slowly decreases endurance steadily.", False),
        ("Тренируйтесь дважды в день летом.", "Тренируйтесь трижды в день летом.", False),
        ("В клубе занимались 1 200 человек летом.", "В клубе занимались 1200 человек летом.", True),
        ("В клубе занимались 1 200 человек летом.", "В клубе занимались 200 человек летом.", False),
        ("Клуб собрал три миллиона рублей летом.", "Клуб собрал один миллион рублей летом.", False),
        ("The load grew by 20 % during spring weeks.", "The load grew by 20 percent during spring weeks.", True),
        ("The load grew by 20% during spring weeks.", "The load grew by 20 grams during spring weeks.", False),
        ("The lesson costs €20 for every recruit.", "The lesson costs 20 dollars for every recruit.", False),
    ],
)
def test_support_of_a_claim(passage_text: str, claim: str, is_supported: bool) -> None:
    [evidence] = collect_evidence([passage(passage_text)])
    assert bool(evidence.support(claim)) is is_supported


def test_support_needs_the_same_year() -> None:
    [evidence] = collect_evidence([passage("В 2019 г. клуб насчитывал 1200 человек.", 1)])
    assert evidence.support("В 2019 г. клуб насчитывал 1200 человек.")
    assert not evidence.support("В 2018 г. клуб насчитывал 1200 человек.")
