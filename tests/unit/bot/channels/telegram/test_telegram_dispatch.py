"""Updates of one chat keep their order, and none is lost while the database is away."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.types import Update
from structlog.testing import capture_logs

from bot.channels.telegram import dispatch
from bot.channels.telegram.dispatch import BackgroundTasks, dispatch_updates, ordering_key
from consilium.retry import BackoffConfig
from db.errors import DatabaseUnreachable


def make_update(number: int, chat: int, kind: str = "message") -> Update:
    sender = {"id": 7, "is_bot": False, "first_name": "Anna"}
    place = {"id": chat, "type": "private"}
    payload = {"message_id": number, "date": 0, "chat": place, "from": sender, "edit_date": 1, "text": str(number)}
    if kind == "callback_query":
        payload = {"id": "1", "from": sender, "chat_instance": "x", "data": "d", "message": payload}
    if kind == "stopped_message_generation":
        payload = {"chat": place, "draft_id": 5}
    return Update.model_validate({"update_id": number, kind: payload})


@pytest.mark.parametrize("kind", ["message", "edited_message", "callback_query", "stopped_message_generation"])
def test_ordering_key_is_the_chat(kind: str) -> None:
    assert ordering_key(make_update(1, 5, kind)) == 5


async def test_chats_run_concurrently_and_each_in_order() -> None:
    handled: list[int] = []
    other_chat_done = asyncio.Event()

    async def handle(update: Update) -> None:
        if update.update_id == 1:
            await other_chat_done.wait()
        handled.append(update.update_id)
        if update.update_id == 4:
            other_chat_done.set()

    async with asyncio.timeout(5):
        updates = [make_update(1, 5), make_update(2, 5), make_update(3, 6), make_update(4, 6)]
        await dispatch_updates(updates, handle, 2)
    assert handled == [3, 4, 1, 2]


async def test_concurrency_is_bounded() -> None:
    running, peak = 0, 0

    async def handle(_update: Update) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0)
        running -= 1

    await dispatch_updates([make_update(n, n) for n in range(1, 30)], handle, 3)
    assert peak == 3


async def test_update_is_retried_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_RETRY_BACKOFF", BackoffConfig(initial=0.001, maximum=0.001))
    attempts: list[int] = []

    async def handle(update: Update) -> None:
        attempts.append(update.update_id)
        if len(attempts) < 4:
            raise DatabaseUnreachable(server="x", reason="away")

    with capture_logs() as logs:
        await dispatch_updates([make_update(1, 5), make_update(2, 5)], handle, 1)
    assert attempts == [1, 1, 1, 1, 2]
    assert [(entry["event"], entry["update"]) for entry in logs if entry["event"].startswith("telegram.")] == [
        ("telegram.update_deferred", 1)
    ] * 3


async def test_an_unexpected_error_drops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_RETRY_BACKOFF", BackoffConfig(initial=0.001, maximum=0.001))
    handled: list[int] = []
    surprises = iter([KeyError("words of a person"), ZeroDivisionError()])

    async def handle(update: Update) -> None:
        if (surprise := next(surprises, None)) is not None:
            raise surprise
        handled.append(update.update_id)

    with capture_logs() as logs:
        await dispatch_updates([make_update(1, 5), make_update(2, 5)], handle, 1)
    assert handled == [1, 2]
    assert [type(entry["reason"]).__name__ for entry in logs if entry["event"].startswith("telegram.")] == [
        "KeyError",
        "ZeroDivisionError",
    ]


async def test_background_tasks_are_bounded_and_cancelled_on_close() -> None:
    background, started = BackgroundTasks(limit=2), list[int]()

    async def task(n: int) -> None:
        started.append(n)
        await asyncio.Event().wait()

    with capture_logs() as logs:
        for n in range(3):
            background.start(task(n))
        await asyncio.sleep(0)
        await background.close()
    assert started == [0, 1]
    assert [entry["event"] for entry in logs if entry["event"].startswith("telegram.")] == [
        "telegram.background_task_dropped"
    ]
