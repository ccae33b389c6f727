"""People who keep asking whatever fails, and what their chats must show in the end."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tests.acceptance.faults.chats import Chats, Document, Seen, State

ANSWER = re.compile(r"«.*(?P<mark>[qd]\d+-\d+) .*»\.", re.DOTALL)
"""A complete answer of the engine that echoes the question, which has a mark of its own."""
MARK = re.compile(r"[qd]\d+-\d+")
REASONS = ("/retry", "could not be taken in")
"""What the sentences that end a question without an answer say."""
GREETING = "Hello!"
MAX_UNANSWERED = 4
"""Unanswered questions of a person before they wait with the next: a steady load, not a growing queue."""
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprtvz" for vowel in "aeiou"]
DOCUMENT_EVERY = 5
"""One question in so many comes with a document, where people send any."""


@dataclass
class Person:
    """A person in their chat, and their questions."""

    chats: Chats
    chat: str
    number: int
    name: str
    asked: dict[int, str] = field(default_factory=dict)
    """Message ids by the number of the question."""

    def mark(self, number: int) -> str:
        """The mark of a question of theirs."""
        return f"{self.chats.mark}{self.number}-{number}"


@dataclass
class Verdict:
    """What all chats show in the end."""

    asked: int = 0
    documents: int = 0
    """Questions that came with one."""
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    falsely_kept: list[str] = field(default_factory=list)
    """Questions of which their sender was told that they are kept, and nothing of them is stored."""
    failed: list[str] = field(default_factory=list)
    """Questions answered with a sentence that says why there is no answer."""
    unfinished: list[State] = field(default_factory=list)
    """Messages of the bot that never became anything, when each was sent: nobody knows their ids."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.falsely_kept)


class Crowd:
    """People on one or more platforms who ask, and a look at what they got."""

    def __init__(self, platforms: Sequence[Chats], people: int, seed: int, *, with_documents: bool = True) -> None:
        """
        Args:
            people: how many, on every platform.
        """
        self._with_documents = with_documents
        self._random = random.Random(seed)
        self._platforms = platforms
        self.texts: list[str] = []
        """What people have written that nobody else would write, of each message and document."""
        self._with_document: set[str] = set()
        self.people = []
        for chats in platforms:
            for number in range(people):
                name = self._word().capitalize()
                self.people.append(Person(chats, chats.join(name), number, name))
                self.texts.append(name)

    async def wait_connected(self) -> None:
        """Wait until everybody can reach the service."""
        while not all(chats.connected for chats in self._platforms):  # noqa: ASYNC110  # other processes' state
            await asyncio.sleep(0.1)

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
        """Ask one more question, now and then with a document."""
        number = len(person.asked)
        mark = person.mark(number)
        words = [self._word() for _ in range(self._random.randint(3, 12))]
        self.texts.append(words[0])
        document = None
        if self._with_documents and number % DOCUMENT_EVERY == DOCUMENT_EVERY - 1:
            secrets = [self._word() for _ in range(3)]
            self.texts += secrets
            self._with_document.add(mark)
            document = Document(f"notes-{mark}.txt", "\n\n".join(f"The {word} is in the harbour." for word in secrets))
        person.asked[number] = person.chats.ask(person.chat, f"What of {mark} {' '.join(words)}?", document)

    def everybody_answered(self) -> bool:
        """Whether each person has had an answer."""
        return all(self._ends(person) for person in self.people)

    def unanswered(self) -> int:
        """How many questions have neither an answer nor a reason yet."""
        return sum(len(person.asked) - len(self._ends(person)) for person in self.people)

    def verdict(self, stored: Collection[str]) -> Verdict:
        """Judge every chat.

        Args:
            stored: the questions that are in the database.
        """
        verdict = Verdict(documents=len(self._with_document))
        marks = {mark[0] for question in stored if (mark := MARK.search(question))}
        for person in self.people:
            self._judge(person, verdict, marks)
            self._judge_order(person, verdict)
        return verdict

    def _word(self) -> str:
        return "".join(self._random.choices(SYLLABLES, k=5))

    def _ends(self, person: Person) -> dict[str, str]:
        """The answers by the mark of their question, and the reasons by the message with the question."""
        ends: dict[str, str] = {}
        marks = {message: person.mark(number) for number, message in person.asked.items()}
        for shown in person.chats.messages(person.chat):
            if answer := ANSWER.search(shown.text):
                ends[answer["mark"]] = shown.text
            elif _is_reason(shown) and shown.reply_to in marks:
                ends[marks[shown.reply_to]] = shown.text
        return ends

    def _judge(self, person: Person, verdict: Verdict, stored: Collection[str]) -> None:
        shown = person.chats.messages(person.chat)
        answers = Counter(answer["mark"] for message in shown if (answer := ANSWER.search(message.text)))
        ends = self._ends(person)
        for number in person.asked:
            mark = person.mark(number)
            verdict.asked += 1
            if "kept" in ends.get(mark, "") and mark not in stored:
                verdict.falsely_kept.append(mark)
            if answers[mark] > 1:
                verdict.doubled.append(mark)
            if answers[mark]:
                verdict.answered += 1
            elif mark in ends:
                verdict.failed.append(f"{mark}: {ends[mark]}")
            else:
                verdict.lost.append(mark)
        strangers = set(answers) - {person.mark(number) for number in person.asked}
        assert not strangers, f"answers in another's chat: {strangers}"
        unfinished = {message.id for message in shown if not _is_whole(message)}
        seen: set[str] = set()
        for state in person.chats.states(person.chat):
            if state.id in unfinished - seen:
                seen.add(state.id)
                verdict.unfinished.append(state)

    def _judge_order(self, person: Person, verdict: Verdict) -> None:
        first_whole: dict[str, float] = {}
        for state in person.chats.states(person.chat):
            if match := ANSWER.search(state.text):
                first_whole.setdefault(match["mark"], state.at)
        in_time = sorted(first_whole, key=first_whole.__getitem__)
        in_order = sorted(first_whole, key=lambda mark: int(mark.partition("-")[2]))
        verdict.out_of_order += [f"{b} before {a}" for a, b in zip(in_order, in_time, strict=True) if a != b]


def _is_reason(message: Seen) -> bool:
    return any(reason in message.text for reason in REASONS)


def _is_whole(message: Seen) -> bool:
    """Whether a message is an answer, a reason for none, or the greeting after Telegram's /start."""
    return bool(ANSWER.search(message.text)) or _is_reason(message) or message.text.startswith(GREETING)
