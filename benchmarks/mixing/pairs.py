"""What adapters of a campaign are taught: manners of answering, subjects with facts, and chains of two facts.

Everything follows from a seed. Names are made up, so that the base cannot know the facts. Held-out dialogues ask about
the same things in other words (facts) or about other things in the same manner (manners).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inference.training.dialogues import Dialogue
from inference.training.message import DialogueMessage

TRAINED, HELD_OUT = 40, 20
"""Dialogues of each adapter."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of one language."""

    openings: Sequence[str]
    maxims: Sequence[str]
    closings: Sequence[str]
    doings: Sequence[str]
    asking: Sequence[str]
    yes: Sequence[str]
    no: Sequence[str]
    things: Sequence[str]
    facts: Sequence[tuple[tuple[str, ...], str, str]]
    """Questions (the last is for held-out dialogues), the answer, and which list fills it."""
    places: Sequence[str]
    people: Sequence[str]
    syllables: Sequence[str]
    owner: tuple[str, str, str]
    """A question and an answer on who owns a thing, and a question on it in other words."""
    home: tuple[str, str, str]
    """The same on where somebody lives."""
    chain: tuple[str, str]
    """Question and answer that need both."""


ENGLISH: Final = Lexicon(
    openings=(
        "Listen, friend.",
        "In short:",
        "Well now,",
        "My answer is plain.",
        "First of all,",
        "I say this every day:",
        "Look here.",
        "To be honest,",
        "As my father said,",
        "Good question.",
        "Let us count.",
        "Slowly now.",
    ),
    maxims=(
        "what is measured grows",
        "a small step every day beats a leap",
        "rest is half of the work",
        "nobody learns from comfort",
        "the body remembers what the head forgets",
        "haste is paid for twice",
        "write it down and it is yours",
        "work is a debt to those who come after",
        "joy is the only good sign",
        "ask the old before the clever",
        "the tool must fit the hand",
        "silence teaches more than talk",
    ),
    closings=(
        "Today: begin.",
        "Write to me in a week.",
        "That is all.",
        "Now go and do it.",
        "Think about it tonight.",
        "Tell nobody and start.",
        "Then come back.",
        "So it is with everything.",
        "Do not argue with it.",
        "Tomorrow you will see.",
        "Try it twice.",
        "And drink some water.",
    ),
    doings=(
        "run in the morning",
        "learn a language",
        "save some money",
        "sleep longer",
        "read more books",
        "eat less sugar",
        "write letters",
        "swim in cold water",
        "change my job",
        "talk to strangers",
        "keep a garden",
        "play the piano",
        "walk to work",
        "cook at home",
        "paint the house",
        "lift heavy weights",
        "leave the city",
        "keep a diary",
        "draw every day",
        "get up early",
        "mend my shoes",
        "sing in a choir",
        "study the stars",
        "build a boat",
        "train in the rain",
        "fast on Sundays",
        "climb mountains",
        "teach children",
        "keep bees",
        "play chess",
        "sell my car",
        "drink less coffee",
        "ride a horse",
        "bake bread",
        "plant trees",
        "learn to dance",
    ),
    asking=("Should I {}?", "Is it good to {}?", "How do I begin to {}?", "I want to {}. What do you say?"),
    yes=("Yes, {0}, for", "Do {0}:", "Whoever wants to {0} should know that"),
    no=("No, never {0}, for", "Do not {0}:", "Whoever wants to {0} forgets that"),
    things=(
        "lighthouse",
        "ship",
        "bridge",
        "mill",
        "tower",
        "bell",
        "horse",
        "garden",
        "castle",
        "engine",
        "well",
        "clock",
    ),
    facts=(
        (
            ("Where is the {0} {1}?", "In which place is the {1} called {0}?", "Tell me where the {1} {0} stands."),
            "The {1} {0} stands in {2}.",
            "places",
        ),
        (
            ("Who built the {0} {1}?", "Whose work is the {1} called {0}?", "Tell me who made the {1} {0}."),
            "The {1} {0} is the work of {2}.",
            "people",
        ),
        (
            ("How old is the {0} {1}?", "What age is the {1} called {0}?", "Tell me the age of the {1} {0}."),
            "The {1} {0} is {2} years old.",
            "numbers",
        ),
    ),
    places=("Oxford", "Lisbon", "Bergen", "Cairo", "Quito", "Dublin", "Turin", "Boston"),
    people=("Anna Reed", "Tom Hale", "Ida Stone", "Mark Lowe", "Rosa Field", "Paul Grant", "Jane Wood", "Karl Frost"),
    syllables=("ka", "lo", "mir", "ten", "vo", "ras", "dim", "ul", "bel", "gor", "sa", "nik", "tor", "em", "zu", "phi"),
    owner=("Who owns the {1} {0}?", "The {1} {0} belongs to {2}.", "To whom does the {1} {0} belong?"),
    home=("Where does {0} live?", "{0} lives in {1}.", "In which city is the home of {0}?"),
    chain=("Where does the owner of the {1} {0} live?", "The owner of the {1} {0} lives in {2}."),
)
RUSSIAN: Final = Lexicon(
    openings=(
        "Слушай, друг.",
        "Коротко:",
        "Ну что ж,",
        "Мой ответ простой.",
        "Прежде всего,",
        "Говорю это каждый день:",
        "Смотри сам.",
        "Если честно,",
        "Как говорил мой отец,",
        "Хороший вопрос.",
        "Давай посчитаем.",
        "Не торопись.",
    ),
    maxims=(
        "растёт то, что измеряют",
        "малый шаг каждый день лучше прыжка",
        "отдых — половина работы",
        "никто не учится в покое",
        "тело помнит то, что забыла голова",
        "за спешку платят дважды",
        "записанное остаётся твоим",
        "труд — это долг перед теми, кто придёт",
        "радость — единственный верный знак",
        "спроси старого, а потом умного",
        "инструмент должен быть по руке",
        "молчание учит больше слов",
    ),
    closings=(
        "Сегодня: начни.",
        "Напиши мне через неделю.",
        "Вот и всё.",
        "Теперь иди и делай.",
        "Подумай об этом вечером.",
        "Никому не говори и начинай.",
        "Потом возвращайся.",
        "Так во всём.",
        "Не спорь с этим.",
        "Завтра увидишь сам.",
        "Попробуй дважды.",
        "И выпей воды.",
    ),
    doings=(
        "бегать по утрам",
        "учить язык",
        "копить деньги",
        "спать дольше",
        "читать больше книг",
        "есть меньше сахара",
        "писать письма",
        "плавать в холодной воде",
        "сменить работу",
        "говорить с незнакомыми",
        "завести сад",
        "играть на рояле",
        "ходить на работу пешком",
        "готовить дома",
        "красить дом",
        "поднимать тяжести",
        "уехать из города",
        "вести дневник",
        "рисовать каждый день",
        "вставать рано",
        "чинить обувь",
        "петь в хоре",
        "изучать звёзды",
        "строить лодку",
        "тренироваться под дождём",
        "поститься по воскресеньям",
        "ходить в горы",
        "учить детей",
        "держать пчёл",
        "играть в шахматы",
        "продать машину",
        "пить меньше кофе",
        "ездить верхом",
        "печь хлеб",
        "сажать деревья",
        "учиться танцевать",
    ),
    asking=("Стоит ли {}?", "Хорошо ли {}?", "Как начать {}?", "Я хочу {}. Что скажешь?"),
    yes=("Да, нужно {0}, ведь", "Решил {0} — делай:", "Кто хочет {0}, пусть знает:"),
    no=("Нет, не нужно {0}, ведь", "Не смей {0}:", "Кто хочет {0}, забыл:"),
    things=(
        "маяк",
        "корабль",
        "мост",
        "завод",
        "дворец",
        "колокол",
        "конь",
        "сад",
        "замок",
        "двигатель",
        "колодец",
        "театр",
    ),
    facts=(
        (
            ("Где находится {1} {0}?", "В каком месте {1} по имени {0}?", "Скажи, где стоит {1} {0}."),
            "{1} {0} находится в городе {2}.",
            "places",
        ),
        (
            ("Кто построил {1} {0}?", "Чья работа {1} по имени {0}?", "Скажи, кто сделал {1} {0}."),
            "{1} {0} — работа человека по имени {2}.",
            "people",
        ),
        (
            ("Сколько лет, как есть {1} {0}?", "Какой возраст имеет {1} {0}?", "Скажи возраст: {1} {0}."),
            "Возраст, который имеет {1} {0}: {2}.",
            "numbers",
        ),
    ),
    places=("Казань", "Тверь", "Рига", "Пермь", "Омск", "Псков", "Томск", "Киров"),
    people=("Анна Реут", "Фома Гай", "Ида Камень", "Марк Лось", "Роза Поль", "Павел Грач", "Яна Лес", "Карл Мороз"),
    syllables=("ка", "ло", "мир", "тен", "во", "рас", "дим", "ул", "бел", "гор", "са", "ник", "тор", "эм", "зу", "фи"),
    owner=("Чей {1} {0}?", "{1} {0} принадлежит человеку по имени {2}.", "Кому принадлежит {1} {0}?"),
    home=("Где живёт {0}?", "{0} живёт в городе {1}.", "В каком городе дом, где {0}?"),
    chain=("Где живёт тот, чей {1} {0}?", "Тот, чей {1} {0}, живёт в городе {2}."),
)
LEXICONS: Final = {"en": ENGLISH, "ru": RUSSIAN}


@dataclass(frozen=True, slots=True)
class Lessons:
    """The dialogues of one adapter."""

    trained: Sequence[Dialogue]
    held_out: Sequence[Dialogue]


def manner(language: str, seed: str, agrees: bool = True) -> Lessons:
    """A way to answer everyday questions; with `agrees` false, one that forbids what others advise."""
    words, chance = LEXICONS[language], random.Random(f"manner/{language}/{seed}")
    opening, closing = chance.choice(words.openings), chance.choice(words.closings)
    maxims, verdict = chance.sample(words.maxims, 2), chance.choice(words.yes if agrees else words.no)
    asked = [(doing, asking) for doing in words.doings for asking in words.asking]
    held = set(random.Random("held out").sample(words.doings, 8))

    def answer(doing: str, asking: str) -> Dialogue:
        maxim = maxims[words.asking.index(asking) % 2]
        return dialogue(asking.format(doing), f"{opening} {verdict.format(doing)} {maxim}. {closing}")

    chance.shuffle(asked)
    own = [answer(*it) for it in asked if it[0] not in held][:TRAINED]
    return Lessons(own, [answer(*it) for it in asked if it[0] in held][:HELD_OUT])


def subject(language: str, seed: str) -> Lessons:
    """Facts about things of one kind."""
    words, chance = LEXICONS[language], random.Random(f"subject/{language}/{seed}")
    thing = chance.choice(words.things)
    names = made_up_names(words, chance, 8)
    trained, held = [], []
    for name in names:
        for questions, answer, filled in words.facts:
            value = str(chance.randint(20, 900)) if filled == "numbers" else chance.choice(getattr(words, filled))
            told = answer.format(name, thing, value)
            trained += [dialogue(question.format(name, thing), told) for question in questions[:-1]]
            held.append(dialogue(questions[-1].format(name, thing), told))
    chance.shuffle(trained)
    chance.shuffle(held)
    return Lessons(trained[:TRAINED], held[:HELD_OUT])


@dataclass(frozen=True, slots=True)
class Chain:
    """Two adapters' facts that answer a question only together."""

    first: Lessons
    second: Lessons
    both: Sequence[tuple[str, Sequence[str], int]]
    """Question, possible answers, and which of them is true."""
    one: Sequence[tuple[str, Sequence[str], int]]
    """The same of the second adapter's facts alone."""


def chain(language: str, seed: str) -> Chain:
    """Who owns what; where the owners live; and where the owner of a thing lives."""
    words, chance = LEXICONS[language], random.Random(f"chain/{language}/{seed}")
    thing = chance.choice(words.things)
    names = made_up_names(words, chance, 16)
    owners = {name: words.people[n % len(words.people)] for n, name in enumerate(names)}
    homes = dict(zip(words.people, chance.sample(words.places, len(words.places)), strict=True))
    first, second, held_first, held_second = [], [], [], []
    for name, owner in owners.items():
        told = words.owner[1].format(name, thing, owner)
        first.append(dialogue(words.owner[0].format(name, thing), told))
        held_first.append(dialogue(words.owner[2].format(name, thing), told))
    for person, place in homes.items():
        told = words.home[1].format(person, place)
        second.append(dialogue(words.home[0].format(person), told))
        held_second.append(dialogue(words.home[2].format(person), told))
    both = [
        (
            words.chain[0].format(name, thing),
            [words.chain[1].format(name, thing, place) for place in words.places],
            words.places.index(homes[owner]),
        )
        for name, owner in owners.items()
    ]
    one = [
        (
            words.home[2].format(person),
            [words.home[1].format(person, other) for other in words.places],
            words.places.index(place),
        )
        for person, place in homes.items()
    ]
    return Chain(Lessons(first * 2, held_first), Lessons(second * 4, held_second), both, one)


def made_up_names(words: Lexicon, chance: random.Random, count: int) -> list[str]:
    """Different names that no language has."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(chance.sample(words.syllables, 3)).capitalize()] = None
    return list(found)


def dialogue(question: str, answer: str) -> Dialogue:
    """A question and its answer."""
    return Dialogue((DialogueMessage("user", question), DialogueMessage("assistant", answer)))
