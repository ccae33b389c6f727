"""What an answer costs the database: the transactions of the person's, and how often the past is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.turns import turns
from db.turns.turns import Turn
from tests.fakes.talk import Talk

TRANSACTIONS = {
    "the claim, with the conversation",
    "what was said before, and what there is to recall",
    "recall",
    "the answer begins",
    "its message",
    "the answer is whole",
    "the turn ends",
    "it is remembered",
}


class Counted:
    """How many transactions of people's were begun, and how often a window was read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.transactions = 0
        self.windows = 0
        begin, load_window = Database.person_transaction, turns.load_window

        @asynccontextmanager
        async def person_transaction(
            database: Database, user_id: UUID, *, chat: str | None = None, by_key: bool = False
        ) -> AsyncIterator[PersonConnection]:
            self.transactions += 1
            async with begin(database, user_id, chat=chat, by_key=by_key) as connection:
                yield connection

        async def count_window(connection: PersonConnection, session_id: UUID, limit: int, before: int) -> list[Turn]:
            self.windows += 1
            return await load_window(connection, session_id, limit, before)

        monkeypatch.setattr(Database, "person_transaction", person_transaction)
        monkeypatch.setattr(turns, "load_window", count_window)

    def start(self) -> None:
        self.transactions = self.windows = 0


async def test_a_question_and_one_that_follows_up(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    await talk.say("7", "/mode base")
    await talk.say("7", "How far should I run today?")
    await talk.settled()
    for question in ("How much water does that take?", "Why?", "And how often?"):
        counted.start()
        await talk.say("7", question)
        await talk.settled()
        assert counted.transactions <= len(TRANSACTIONS), question
        assert counted.windows == 1, question


async def test_somebody_of_whom_nothing_is_known_is_not_searched(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    await talk.say("7", "How far should I run today?", platform="discord")
    await talk.settled()
    assert counted.transactions <= len(TRANSACTIONS - {"recall"})
