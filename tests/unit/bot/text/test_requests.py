"""Which messages ask for facts."""

from __future__ import annotations

import pytest

from bot.text.requests import asks_for_facts


@pytest.mark.parametrize(
    "message",
    [
        "Translate into English: я иду домой",
        "Could you please rewrite this paragraph for me?",
        "The runner sleeps nine hours in the third week. Translate this into French.",
        "Write a short poem about rain",
        "Write me a python function that sorts a list",
        "Summarise the following text: The runner sleeps.",
        "Make this shorter: The pool is closed in July.",
        "### Task:\nGenerate a concise title for the chat.",
        "Tell me a joke",
        "Thank you very much!",
        "Переведи на английский: бегун спит девять часов",
        "Напиши стихи о дожде",
        "Пожалуйста, исправь ошибки: он пошол",
        "Сочини сказку про бегуна",
        "Привет! Как дела?",
        'How do you say "sleep well" in Italian?',
        'Как будет по-английски "сон"?',
        "Кратко перескажи этот текст: бегун спит.",
        "Переформулируй: я хочу спать",
        "Поздравь маму с днём рождения",
        "Подбери рифму к слову сон",
        'Give me a synonym for "tired"',
        "Turn this into a list: apples, pears",
        "Ответь как пират",
        "What is 2+2?",
    ],
)
def test_tasks_and_small_talk_ask_for_none(message: str) -> None:
    assert not asks_for_facts(message)


@pytest.mark.parametrize(
    "message",
    [
        "How many hours should I sleep?",
        "Tell me about the quiet week",
        "Write down how many hours a recruit sleeps",
        "Summarise the quiet week",
        "Good morning! How many sets do I do?",
        "How do I convert effort into strength?",
        "Did my coach write this?",
        "Как перевести дух после бега?",
        "Расскажи о сне новобранца",
        "Составь план тренировок на неделю",
        "Объясни правило двух повторений",
        "Who translated the book?",
        "What rhymes does the author use?",
        "Как продолжить тренировки после болезни?",
        "What is the rule for rest days?",
        "Как сказать тренеру, что я болею?",
    ],
)
def test_questions_do(message: str) -> None:
    assert asks_for_facts(message)


def test_long_repetitions_are_read_quickly() -> None:
    assert asks_for_facts("привет" * 100_000 + "?")
