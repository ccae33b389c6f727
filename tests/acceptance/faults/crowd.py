"""People who keep asking whatever fails, and what their chats must show in the end."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from tests.fakes.telegram.server import FakeTelegram

WORDS = ["river", "stone", "morning", "bread", "ladder", "winter", "pocket", "engine", "yellow", "circle"]
ANSWER = re.compile(r"«.*q(?P<chat>\d+)-(?P<number>\d+) .*»\.", re.DOTALL)
"""A complete answer of the engine that echoes the question, which has a mark of its own."""
MARK = re.compile(r"q\d+-\d+")
REASONS = ("/retry", "could not be taken in")
"""What the sentences that end a question without an answer say."""
MAX_UNANSWERED = 4
"""Unanswered questions of a person before they wait with the next: a steady load, not a growing queue."""


@dataclass
class Person:
    """A person in their private chat, and the message ids of their questions."""

    chat: int
    asked: dict[int, int] = field(default_factory=dict)
    """Message ids by the number of the question."""


@dataclass
class Verdict:
    """What all chats show in the end."""

    asked: int = 0
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    falsely_kept: list[str] = field(default_factory=list)
    """Questions of which their sender was told that they are kept, and nothing of them is stored."""
    failed: list[str] = field(default_factory=list)
    """Questions answered with a sentence that says why there is no answer."""
    orphans: int = 0
    """Messages of the bot without an answer: placeholders whose sender died before it knew their ids."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.falsely_kept)


class Crowd:
    """People who ask, and a look at what they got."""

    def __init__(self, telegram: FakeTelegram, people: int, seed: int) -> None:
        self._telegram = telegram
        self._random = random.Random(seed)
        self.people = [Person(telegram.users.person(f"Person {n}", language="en")) for n in range(people)]
        for person in self.people:
            telegram.users.start(person.chat)

    async def ask_on(self, pause: tuple[float, float], until: asyncio.Event) -> None:
        """Each person asks one question after another, with at most `MAX_UNANSWERED` of them open."""
        async with asyncio.TaskGroup() as group:
            for person in self.people:
                group.create_task(self._ask_on(person, pause, until))

    async def _ask_on(self, person: Person, pause: tuple[float, float], until: asyncio.Event) -> None:
        while not until.is_set():
            if len(person.asked) - len(self._ends(person)) < MAX_UNANSWERED:
                self.ask(person)
            try:
                async with asyncio.timeout(self._random.uniform(*pause)):
                    await until.wait()
            except TimeoutError:
                continue

    def ask(self, person: Person) -> None:
        """Ask one more question."""
        number = len(person.asked)
        words = " ".join(self._random.choices(WORDS, k=self._random.randint(3, 12)))
        text = f"What of q{self.people.index(person)}-{number} {words}?"
        person.asked[number] = self._telegram.users.say(person.chat, person.chat, text)

    def everybody_answered(self) -> bool:
        """Whether each person has had an answer."""
        return all(self._ends(person) for person in self.people)

    def unanswered(self) -> int:
        """How many questions have neither an answer nor a reason yet."""
        return sum(len(person.asked) for person in self.people) - sum(len(self._ends(person)) for person in self.people)

    def verdict(self, stored: Collection[str]) -> Verdict:
        """Judge every chat.

        Args:
            stored: the questions that are in the database.
        """
        verdict = Verdict()
        marks = {mark[0] for question in stored if (mark := MARK.search(question))}
        for n, person in enumerate(self.people):
            self._judge(n, person, verdict, marks)
        return verdict

    def _ends(self, person: Person) -> dict[int, str]:
        """The answers or reasons, by the message with the question."""
        return {
            shown.reply_to: shown.text
            for shown in self._telegram.users.answers(person.chat)
            if shown.reply_to is not None
            and (ANSWER.search(shown.text) or any(reason in shown.text for reason in REASONS))
        }

    def _judge(self, n: int, person: Person, verdict: Verdict, stored: Collection[str]) -> None:
        shown = self._telegram.users.answers(person.chat)
        by_question: Counter[int] = Counter()
        for message in shown:
            if match := ANSWER.search(message.text):
                assert int(match["chat"]) == n, f"an answer in another's chat: {message.text!r}"
                by_question[int(match["number"])] += 1
        ends = self._ends(person)
        for number, asked in person.asked.items():
            name = f"q{n}-{number}"
            verdict.asked += 1
            if "kept" in ends.get(asked, "") and name not in stored:
                verdict.falsely_kept.append(name)
            if by_question[number] > 1:
                verdict.doubled.append(name)
            if by_question[number]:
                verdict.answered += 1
            elif asked in ends:
                verdict.failed.append(f"{name}: {ends[asked]}")
            else:
                verdict.lost.append(name)
        self._judge_order(n, person, verdict)
        explained = len(by_question) + sum(1 for text in ends.values() if not ANSWER.search(text))
        verdict.orphans += max(0, len(shown) - explained - 1)

    def _judge_order(self, n: int, person: Person, verdict: Verdict) -> None:
        first_whole: dict[int, float] = {}
        for state in self._telegram.records.states:
            match = ANSWER.search(state.text) if state.chat == person.chat and state.author != person.chat else None
            if match and state.event in ("sent", "edited"):
                first_whole.setdefault(int(match["number"]), state.at)
        in_time = sorted(first_whole, key=first_whole.__getitem__)
        verdict.out_of_order += [
            f"q{n}-{b} before q{n}-{a}" for a, b in zip(sorted(in_time), in_time, strict=True) if a != b
        ]
