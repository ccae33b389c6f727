"""Submitting messages while the database is unavailable."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bot.channels.discord.addresses import AnswerTarget
from bot.channels.discord.intake import Intake
from bot.channels.discord.platform import PLATFORM
from bot.core.messages import Incoming, Outcome
from db.errors import DatabaseError, DatabaseUnreachable

MESSAGE = Incoming(PLATFORM, "1", "2", "How far?", update="3", address=AnswerTarget("2", "3", "1").to_address())


class Receiver:
    """An inbox that accepts nothing, and a platform and reply that record the refusal."""

    def __init__(self) -> None:
        self.attempts = 0
        self.refusals: list[Outcome] = []

    async def receive(self, incoming: Incoming) -> None:
        self.attempts += 1
        raise DatabaseUnreachable(server="db", reason="down")

    def refusal_outcome(self, incoming: Incoming, error: Exception) -> Outcome:
        assert isinstance(error, DatabaseError)
        return Outcome("core", error=str(error))

    def reply(self, *_: object) -> Receiver:
        return self

    async def finish(self, outcome: Outcome) -> None:
        self.refusals.append(outcome)

    async def close(self) -> None:
        pass


async def submit(retry_seconds: float) -> Receiver:
    receiver = Receiver()
    service = cast(Any, receiver)
    assert await Intake(service, service, service, retry_seconds=retry_seconds).submit(MESSAGE)
    return receiver


async def test_outage_is_retried_then_refused() -> None:
    receiver = await submit(retry_seconds=0.3)
    assert receiver.attempts > 1
    assert len(receiver.refusals) == 1


async def test_too_many_pending_messages_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.discord.intake.MAX_PENDING", 0)
    receiver = await submit(retry_seconds=600)
    assert receiver.attempts == 1
    assert len(receiver.refusals) == 1
