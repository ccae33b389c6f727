"""The verdict of the fault campaign sees everything that can go wrong in a chat; each is brought about once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.acceptance.faults.chats import Document, Seen, State
from tests.acceptance.faults.crowd import Crowd


class ScriptedChats:
    """One chat that shows what a test has put there."""

    mark = "q"
    connected = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, Document | None]] = []
        self.shown: list[Seen] = []
        self.history: list[State] = []

    def join(self, name: str) -> str:
        return "1"

    def ask(self, chat: str, text: str, document: Document | None = None) -> str:
        self.asked.append((text, document))
        return f"question {len(self.asked) - 1}"

    def messages(self, chat: str) -> Sequence[Seen]:
        return self.shown

    def states(self, chat: str) -> Sequence[State]:
        return self.history

    def show(self, text: str, reply_to: int | None = None) -> None:
        """The bot sends a message that stays."""
        number = str(len(self.shown))
        self.shown.append(Seen(number, text, None if reply_to is None else f"question {reply_to}"))
        self.history.append(State(float(number), number, text))

    def answer(self, number: int) -> None:
        """The bot answers a question."""
        self.show(f"«{self.asked[number][0]}».", number)


@pytest.fixture
def chats() -> ScriptedChats:
    return ScriptedChats()


@pytest.fixture
def crowd(chats: ScriptedChats) -> Crowd:
    crowd = Crowd([chats], 1, seed=1)
    for _ in range(5):
        crowd.ask(crowd.people[0])
    chats.show("Hello! I am somebody.")
    return crowd


def stored(chats: ScriptedChats) -> list[str]:
    return [text for text, _ in chats.asked]


def test_all_answered_in_order_is_clean(crowd: Crowd, chats: ScriptedChats) -> None:
    for number in range(5):
        chats.answer(number)
    verdict = crowd.verdict(stored(chats))
    assert (verdict.clean, verdict.asked, verdict.answered, verdict.documents) == (True, 5, 5, 1)
    assert (verdict.failed, verdict.unfinished, crowd.unanswered()) == ([], [], 0)
    assert [document is not None for _, document in chats.asked] == [False] * 4 + [True]


def test_a_question_without_an_end_is_lost(crowd: Crowd, chats: ScriptedChats) -> None:
    for number in (0, 1, 3, 4):
        chats.answer(number)
    verdict = crowd.verdict(stored(chats))
    assert (verdict.lost, verdict.clean, crowd.unanswered()) == (["q0-2"], False, 1)


def test_a_second_answer_is_a_double(crowd: Crowd, chats: ScriptedChats) -> None:
    for number in (0, 1, 1, 2, 3, 4):
        chats.answer(number)
    assert crowd.verdict(stored(chats)).doubled == ["q0-1"]


def test_answers_in_another_order_are_seen(crowd: Crowd, chats: ScriptedChats) -> None:
    for number in (0, 2, 1, 3, 4):
        chats.answer(number)
    assert len(crowd.verdict(stored(chats)).out_of_order) == 2


def test_a_reason_ends_a_question_and_kept_must_be_true(crowd: Crowd, chats: ScriptedChats) -> None:
    for number in (0, 1, 2):
        chats.answer(number)
    chats.show("It broke. Your question is kept: /retry asks it again.", 3)
    chats.show("It broke. Your question is kept: /retry asks it again.", 4)
    verdict = crowd.verdict(stored(chats)[:4])
    assert ([text.partition(":")[0] for text in verdict.failed], verdict.lost) == (["q0-3", "q0-4"], [])
    assert (verdict.falsely_kept, verdict.clean) == (["q0-4"], False)


@pytest.mark.parametrize(
    "text", ["…", "Your earlier messages are answered first; before this one: 2.", "«What of q0-1"]
)
def test_a_message_that_became_nothing_is_unfinished(crowd: Crowd, chats: ScriptedChats, text: str) -> None:
    for number in (0, 1, 2):
        chats.answer(number)
    chats.show(text, 3)
    chats.answer(3)
    chats.answer(4)
    verdict = crowd.verdict(stored(chats))
    assert verdict.clean
    assert [(state.at, state.text) for state in verdict.unfinished] == [(4.0, text)]
