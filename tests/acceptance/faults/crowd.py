"""People who go on asking whatever happens, and what they must find in their chats in the end."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass, field

from tests.fakes.telegram.server import FakeTelegram

WORDS = ["river", "stone", "morning", "bread", "ladder", "winter", "pocket", "engine", "yellow", "circle"]
MARK = re.compile(r"q(\d+)-(\d+)\b")
"""What tells one question from all others, and its answer with it."""
ANSWER = re.compile(r"«.*q(?P<chat>\d+)-(?P<number>\d+) .*»\.", re.DOTALL)
"""A whole answer of the engine that echoes."""


PATIENT = 4
"""Unanswered questions after which a person waits before he asks another: a steady load, and not a growing heap."""


@dataclass
class Person:
    """One private chat, and the message ids of what was asked in it."""

    chat: int
    asked: dict[int, int] = field(default_factory=dict)
    """Number of a question to its message."""


@dataclass
class Verdict:
    """What was found."""

    asked: int = 0
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Answered with a sentence that says why not."""
    orphans: int = 0
    """Messages of the bot's that show no answer: placeholders whose sender died before it knew their ids."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order)


class Crowd:
    """Asks and looks."""

    def __init__(self, telegram: FakeTelegram, people: int, seed: int) -> None:
        self._telegram = telegram
        self._random = random.Random(seed)
        self.people = [Person(telegram.users.person(f"Person {n}", language="en")) for n in range(people)]
        for person in self.people:
            telegram.users.start(person.chat)

    async def ask_on(self, pause: tuple[float, float], until: asyncio.Event) -> None:
        """Each asks one question after another, whether the last is answered or not, but for `PATIENT` of them."""
        async with asyncio.TaskGroup() as group:
            for person in self.people:
                group.create_task(self._ask_on(person, pause, until))

    async def _ask_on(self, person: Person, pause: tuple[float, float], until: asyncio.Event) -> None:
        while not until.is_set():
            if len(person.asked) - len(self._ends(person)) < PATIENT:
                self.ask(person)
            try:
                async with asyncio.timeout(self._random.uniform(*pause)):
                    await until.wait()
            except TimeoutError:
                continue

    def ask(self, person: Person) -> None:
        """One more question."""
        number = len(person.asked)
        words = " ".join(self._random.choices(WORDS, k=self._random.randint(3, 12)))
        text = f"What of q{self.people.index(person)}-{number} {words}?"
        person.asked[number] = self._telegram.users.say(person.chat, person.chat, text)

    def unanswered(self) -> int:
        """How many questions have no answer or reason yet."""
        return sum(len(person.asked) for person in self.people) - sum(len(self._ends(person)) for person in self.people)

    def verdict(self) -> Verdict:
        """Look through every chat."""
        found = Verdict()
        for n, person in enumerate(self.people):
            self._judge(n, person, found)
        return found

    def _ends(self, person: Person) -> dict[int, str]:
        """By message asked: what it was answered with, an answer or a reason."""
        return {
            shown.reply_to: shown.text
            for shown in self._telegram.users.answers(person.chat)
            if shown.reply_to is not None and (ANSWER.search(shown.text) or "/retry" in shown.text)
        }

    def _judge(self, n: int, person: Person, found: Verdict) -> None:
        shown = self._telegram.users.answers(person.chat)
        by_question: Counter[int] = Counter()
        for message in shown:
            if match := ANSWER.search(message.text):
                assert int(match["chat"]) == n, f"an answer in another's chat: {message.text!r}"
                by_question[int(match["number"])] += 1
        ends = self._ends(person)
        for number, asked in person.asked.items():
            name = f"q{n}-{number}"
            found.asked += 1
            if by_question[number] > 1:
                found.doubled.append(name)
            if by_question[number]:
                found.answered += 1
            elif asked in ends:
                found.failed.append(f"{name}: {ends[asked]}")
            else:
                found.lost.append(name)
        self._judge_order(n, person, found)
        told = len(by_question) + sum(1 for text in ends.values() if not ANSWER.search(text))
        found.orphans += max(0, len(shown) - told - 1)

    def _judge_order(self, n: int, person: Person, found: Verdict) -> None:
        first_whole: dict[int, float] = {}
        for state in self._telegram.records.states:
            match = ANSWER.search(state.text) if state.chat == person.chat and state.author != person.chat else None
            if match and state.event in ("sent", "edited"):
                first_whole.setdefault(int(match["number"]), state.at)
        in_time = sorted(first_whole, key=first_whole.__getitem__)
        found.out_of_order += [
            f"q{n}-{b} before q{n}-{a}" for a, b in zip(sorted(in_time), in_time, strict=True) if a != b
        ]
