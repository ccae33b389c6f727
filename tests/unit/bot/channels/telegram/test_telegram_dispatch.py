"""Updates of one chat keep their order, and none is passed over while the database is away."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.types import Update
from structlog.testing import capture_logs

from bot.channels.telegram.background import BackgroundTasks
from bot.channels.telegram.dispatch import dispatch_updates, ordering_key
from db.errors import DatabaseUnreachable


def update(number: int, chat: int, kind: str = "message") -> Update:
    sender = {"id": 7, "is_bot": False, "first_name": "Anna"}
    place = {"id": chat, "type": "private"}
    told = {"message_id": number, "date": 0, "chat": place, "from": sender, "edit_date": 1, "text": str(number)}
    if kind == "callback_query":
        told = {"id": "1", "from": sender, "chat_instance": "x", "data": "d", "message": told}
    if kind == "stopped_message_generation":
        told = {"chat": place, "draft_id": 5}
    return Update.model_validate({"update_id": number, kind: told})


@pytest.mark.parametrize("kind", ["message", "edited_message", "callback_query", "stopped_message_generation"])
def test_a_chats_updates_are_in_one_lane(kind: str) -> None:
    assert ordering_key(update(1, 5, kind)) == 5


async def test_chats_go_side_by_side_and_each_in_order() -> None:
    taken: list[int] = []
    others = asyncio.Event()

    async def take(one: Update) -> None:
        if one.update_id == 1:
            await others.wait()
        taken.append(one.update_id)
        if one.update_id == 4:
            others.set()

    async with asyncio.timeout(5):
        await dispatch_updates([update(1, 5), update(2, 5), update(3, 6), update(4, 6)], take, 2)
    assert taken == [3, 4, 1, 2]


async def test_no_more_chats_than_allowed_at_once() -> None:
    running, most = 0, 0

    async def take(one: Update) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await dispatch_updates([update(n, n) for n in range(1, 30)], take, 3)
    assert most == 3


async def test_an_update_comes_again_until_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.telegram.dispatch._INITIAL_RETRY_DELAY", 0.001)
    tries: list[int] = []

    async def take(one: Update) -> None:
        tries.append(one.update_id)
        if len(tries) < 4:
            raise DatabaseUnreachable(server="x", reason="away")

    await dispatch_updates([update(1, 5), update(2, 5)], take, 1)
    assert tries == [1, 1, 1, 1, 2]


async def test_what_nobody_foresaw_is_logged_and_holds_up_nothing() -> None:
    taken: list[int] = []

    async def take(one: Update) -> None:
        if one.update_id == 1:
            raise KeyError("surprise")
        taken.append(one.update_id)

    with capture_logs() as logs:
        await dispatch_updates([update(1, 5), update(2, 5)], take, 1)
    assert taken == [2]
    assert [entry["event"] for entry in logs] == ["telegram.update_dropped"]


async def test_errands_are_bounded_and_end_with_their_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.telegram.background.MAX_TASKS", 2)
    errands, ran = BackgroundTasks(), list[int]()

    async def errand(n: int) -> None:
        ran.append(n)
        await asyncio.Event().wait()

    with capture_logs() as logs:
        for n in range(3):
            errands.start(errand(n))
        await asyncio.sleep(0)
        await errands.close()
    assert ran == [0, 1]
    assert [entry["event"] for entry in logs] == ["telegram.background_task_dropped"]
