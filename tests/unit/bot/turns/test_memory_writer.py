"""Texts that are to be remembered are saved together while a process is busy, and at once while it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from bot.memory import FinishedTurn
from bot.turns import memory_writer
from bot.turns.memory_writer import EPISODE_BATCH_SIZE, MAX_WAITING_EPISODES, MemoryWriter


class Recorder:
    """Writes down which turns are saved together."""

    def __init__(self) -> None:
        self.batches: list[list[UUID]] = []
        self._under_way: list[UUID] = []

    async def save_episodes(self, turn: FinishedTurn) -> int:
        if not self._under_way:
            self.batches.append(self._under_way)
        self._under_way.append(turn.id)
        await asyncio.sleep(0)
        self._under_way = []
        return 0

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


Remember = Callable[[], None]


@asynccontextmanager
async def writing() -> AsyncIterator[tuple[MemoryWriter, Recorder, Remember]]:
    """A writer at work, what it has saved, and how to have it save another turn."""
    recorder = Recorder()
    writer = MemoryWriter(recorder, extract_facts=False)  # type: ignore[arg-type]
    conversation: Any = SimpleNamespace(session=SimpleNamespace(group_chat=None))

    def remember() -> None:
        turn: Any = SimpleNamespace(
            id=uuid4(), user_id=uuid4(), session_id=uuid4(), question="How far?", created_at=None, seq=1
        )
        writer.enqueue(conversation, turn, SimpleNamespace(text="Ten.", prompt=None))  # type: ignore[arg-type]

    async with writer.running():
        yield writer, recorder, remember


async def saved(writer: MemoryWriter) -> None:
    async with asyncio.timeout(10):
        while writer.pending:  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0)


async def test_an_idle_process_saves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_writer, "MAX_LINGER", 3600)
    async with writing() as (writer, recorder, remember):
        for _ in range(3):
            remember()
            await saved(writer)
        assert recorder.sizes == [1, 1, 1]


async def test_a_busy_one_saves_when_as_many_wait_as_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_writer, "MAX_LINGER", 3600)
    async with writing() as (writer, recorder, remember):
        with writer.answering():
            for _ in range(MAX_WAITING_EPISODES):
                assert recorder.batches == []
                remember()
                for _ in range(10):
                    await asyncio.sleep(0)
            await saved(writer)
            remember()
        await saved(writer)
        assert recorder.sizes == [*[EPISODE_BATCH_SIZE] * (MAX_WAITING_EPISODES // EPISODE_BATCH_SIZE), 1]


async def test_a_busy_one_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_writer, "MAX_LINGER", 0.01)
    async with writing() as (writer, recorder, remember):
        with writer.answering():
            remember()
            remember()
            await saved(writer)
        assert recorder.sizes == [2]


async def test_what_waits_is_saved_when_the_last_answer_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_writer, "MAX_LINGER", 3600)
    async with writing() as (writer, recorder, remember):
        with writer.answering():
            with writer.answering():
                remember()
            for _ in range(10):
                await asyncio.sleep(0)
            assert recorder.batches == []
            remember()
        await saved(writer)
        assert recorder.sizes == [2]
