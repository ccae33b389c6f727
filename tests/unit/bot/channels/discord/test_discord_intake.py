"""Submitting messages while the database is unavailable."""

from __future__ import annotations

from typing import Any, NoReturn, cast

import pytest

from bot.channels.discord.addresses import AnswerTarget
from bot.channels.discord.intake import MAX_UNEXPECTED, Intake
from bot.channels.discord.platform import PLATFORM
from bot.core.errors import EmptyMessage, MessageNotStored
from bot.core.messages import Incoming, Outcome
from consilium.retry import BackoffConfig
from db.errors import DatabaseUnreachable

MESSAGE = Incoming(PLATFORM, "1", "2", "How far?", update="3", address=AnswerTarget("2", "3", "1").to_address())


class Receiver:
    """An inbox that accepts nothing, and a platform and reply that record the refusal."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0
        self.refusals: list[Outcome] = []

    async def receive(self, incoming: Incoming) -> None:
        self.attempts += 1
        raise self.errors.pop(0) if self.errors else DatabaseUnreachable(server="db", reason="down")

    def anonymous_transaction(self) -> NoReturn:
        raise DatabaseUnreachable(server="db", reason="down")

    def refusal_outcome(self, incoming: Incoming, error: Exception) -> Outcome:
        assert isinstance(error, (MessageNotStored, EmptyMessage))
        return Outcome("core", error=str(error))

    def reply(self, *_: object) -> Receiver:
        return self

    async def finish(self, outcome: Outcome) -> None:
        self.refusals.append(outcome)

    async def close(self) -> None:
        pass


async def submit(retry_seconds: float, *errors: Exception) -> Receiver:
    receiver = Receiver(*errors)
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


async def test_unexpected_errors_are_retried_a_few_times_and_then_the_person_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.channels.discord.intake._BACKOFF", BackoffConfig(initial=0.001, maximum=0.001))
    receiver = await submit(600, *(KeyError(n) for n in range(20)))
    assert receiver.attempts == MAX_UNEXPECTED + 1
    [told] = receiver.refusals
    assert told.error is not None
    assert "could not be taken in" in told.error


async def test_a_refusal_is_shown_at_once() -> None:
    receiver = await submit(600, EmptyMessage())
    assert receiver.attempts == 1
    assert [told.error for told in receiver.refusals] == [str(EmptyMessage())]
