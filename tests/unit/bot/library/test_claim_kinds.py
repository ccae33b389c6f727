"""Kinds of claims: lead-ins, causes, exceptions, comparisons turned round, transcripts, rows that say yes or no."""

from __future__ import annotations

import pytest

from bot.library.cite import collect_evidence
from bot.library.cite.lead_ins import strip_lead_ins
from bot.minds.schema import CollectionKind
from bot.text.quantity_spellings import unify_spellings
from tests.fixtures.passages import passage


def is_supported(sentence: str, quote: str, kind: CollectionKind = CollectionKind.ARTICLE) -> bool:
    [evidence] = collect_evidence([passage(quote, title="", where="", kind=kind)])
    return bool(evidence.support(sentence))


SLEEP = "The runner sleeps nine hours in the third week."
LEAD_INS = (
    "According to the text, ",
    "As the author writes, ",
    "Yes, ",
    "The author says that ",
    "- ",
    "1. ",
    "Note that ",
    "In short: ",
    "The table shows that ",
)
SON = "На третьей неделе бегун спит девять часов."
RUSSIAN_LEAD_INS = (
    "Согласно тексту, ",
    "Как пишет автор, ",
    "Да, ",
    "Автор говорит, что ",
    "В книге сказано, что ",
    "Важно помнить, что ",
    "По словам автора, ",
)


@pytest.mark.parametrize(
    ("lead_in", "sentence"), [*((start, SLEEP) for start in LEAD_INS), *((start, SON) for start in RUSSIAN_LEAD_INS)]
)
def test_lead_ins_neither_cost_a_mark_nor_earn_one(lead_in: str, sentence: str) -> None:
    assert is_supported(lead_in + sentence, sentence)
    assert not is_supported(lead_in + sentence.replace("nine", "ten").replace("девять", "десять"), sentence)


def test_what_others_say_keeps_its_frame() -> None:
    assert strip_lead_ins("Some critics say that sugar helps.") == "Some critics say that sugar helps."
    assert strip_lead_ins("Yes, it is a myth that sugar helps.") == "it is a myth that sugar helps."
    assert strip_lead_ins("The runner sleeps, according to the author.") == "The runner sleeps."


@pytest.mark.parametrize(
    ("quote", "true", "false"),
    [
        (
            "The path is closed because the river flooded it.",
            "The river flooded the path, so it is closed.",
            "The river flooded the path because it is closed.",
        ),
        (
            "Every guest except the cook pays ten euros.",
            "Every guest pays ten euros, except the cook.",
            "Every guest pays ten euros.",
        ),
        ("Iron is heavier than cork.", "Cork is lighter than iron.", "Iron is lighter than cork."),
        ("Железо тяжелее пробки.", "Пробка легче железа.", "Железо легче пробки."),
        (
            "Lamps must be switched off at night, except in an emergency.",
            "At night lamps must be switched off, except in an emergency.",
            "Lamps must be switched off at night.",
        ),
        (
            "При появлении дыма насос выключают и зовут мастера.",
            "Если появился дым, насос выключают и зовут мастера.",
            "Насос выключают и зовут мастера.",
        ),
        (
            "Fibre, probably, lowers blood pressure.",
            "Probably, fibre lowers blood pressure.",
            "Fibre lowers blood pressure.",
        ),
        (
            "The bank expects that prices will fall.",
            "The bank expects prices to fall.",
            "Prices will certainly fall soon.",
        ),
        (
            "Take vitamin C before every meal.",
            "Vitamin C is taken before every meal.",
            "Take vitamin D before every meal.",
        ),
        ("Never swim here after a storm.", "Never swim here after a storm.", "Never swim here."),
        (
            "Anna: I never eat before a race. Boris: I always eat two bananas before a race.",
            "Boris says that he always eats two bananas before a race.",
            "Anna says that she always eats two bananas before a race.",
        ),
    ],
)
def test_a_claim_is_supported_and_what_it_is_changed_into_is_not(quote: str, true: str, false: str) -> None:
    assert is_supported(true, quote)
    assert not is_supported(false, quote)


PLANET = "planet: Tolar; moons: 4; mean depth: 31 m; maximum depth: 96 m; rings: no; air: yes; surface: 12.4 km²"


@pytest.mark.parametrize(
    ("sentence", "is_true"),
    [
        ("Tolar has no rings.", True),
        ("Tolar has rings.", False),
        ("The mean depth of Tolar is 31 metres.", True),
        ("The mean depth of Tolar is 96 m.", False),
        ("Tolar has a surface of 12.4 square kilometres.", True),
        ("Tolar has a surface of 12.4 kilometres.", False),
        ("The moons of Tolar are 31.", False),
    ],
)
def test_a_row_is_read_by_its_columns(sentence: str, is_true: bool) -> None:
    assert is_supported(sentence, PLANET, CollectionKind.TABLE) is is_true


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        ("at 10:40 pm", "at 22:40"),
        ("at 12 am", "at 0:00"),
        ("at 07:35", "at 7:35"),
        ("half an hour", "30 minutes"),
        ("четверть часа", "15 минут"),
        ("12 km²", "12 square km"),
        ("340 м/с", "340 м в секунду"),
        ("twice a day", "2 times a day"),
        ("twice as much", "twice as much"),
        ("I am 5", "I am 5"),
    ],
)
def test_one_quantity_has_one_spelling(written: str, spelling: str) -> None:
    assert unify_spellings(written) == spelling


def test_long_blanks_are_read_quickly() -> None:
    assert strip_lead_ins("Yes, " + "a" + " " * 200_000 + "b") == "a" + " " * 200_000 + "b"
