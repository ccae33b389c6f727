"""Mishaps, limits, and the server in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError, TelegramNetworkError, TelegramRetryAfter, TelegramServerError

from tests.fakes.telegram.limits import Rate
from tests.fakes.telegram.remote import RemoteTelegram, remote_telegram
from tests.fakes.telegram.scripting import Fault
from tests.fakes.telegram.server import TOKEN, FakeTelegram


def texts(telegram: FakeTelegram, chat: int) -> list[str]:
    return [answer.text for answer in telegram.users.answers(chat)]


@pytest.mark.parametrize("after", [False, True])
async def test_what_is_sent_in_a_mishap(telegram: FakeTelegram, bot: Bot, anna: int, after: bool) -> None:
    pending = telegram.faults.pending
    pending += [Fault("sendMessage", kind, after=after) for kind in ("error", "html", "drop")]
    with pytest.raises(TelegramServerError, match="Bad Gateway"):
        await bot.send_message(anna, "error")
    with pytest.raises(ClientDecodeError):
        await bot.send_message(anna, "html")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(anna, "drop")
    pending.append(Fault("sendMessage", "hang", after=after))
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await bot.send_message(anna, "hang", request_timeout=1)
    pending.append(Fault("sendMessage", "slow", after=after, seconds=0.01))
    assert (await bot.send_message(anna, "slow")).text == "slow"
    sent = ["error", "html", "drop", "hang", "slow"] if after else ["slow"]
    assert texts(telegram, anna) == sent
    when = "after" if after else "before"
    assert [(r.fault, r.status) for r in telegram.records.requests] == [
        (f"error {when}", 502), (f"html {when}", 502), (f"drop {when}", None), (f"hang {when}", None),
        (f"slow {when}", 200),
    ]  # fmt: skip


async def test_mishaps_befall_whom_they_are_for(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.faults.pending += [
        Fault("*", "error", chat=anna, times=2, status=500),
        Fault("sendMessage", "error", chat=5),
    ]
    assert await bot.get_me()
    assert await bot.get_updates()
    for _ in range(2):
        with pytest.raises(TelegramServerError, match="Internal Server Error"):
            await bot.send_chat_action(anna, "typing")
    assert await bot.send_message(anna, "x")


async def test_chance_has_a_seed(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.faults.pending.append(Fault("sendMessage", "error", times=None, probability=0.5))
    outcomes = []
    for _ in range(12):
        try:
            outcomes.append(bool(await bot.send_message(anna, "x")))
        except TelegramServerError:
            outcomes.append(False)
    again = FakeTelegram()
    again.faults.pending.append(Fault("sendMessage", "error", times=None, probability=0.5))
    assert outcomes == [again.faults.draw("sendmessage", "") is None for _ in range(12)]
    assert 0 < sum(outcomes) < 12


async def test_whoever_calls_again_too_early_is_noted(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.limits.chat = Rate(1, 1)
    telegram.limits.in_flight = 0
    await bot.send_message(anna, "one")
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(anna, "two")
    assert caught.value.retry_after == 1
    assert telegram.limits.ignored_429 == []
    with pytest.raises(TelegramRetryAfter):
        await bot.edit_message_text("two", chat_id=anna, message_id=telegram.users.answers(anna)[0].id)
    assert [ignored.method for ignored in telegram.limits.ignored_429] == ["editmessagetext"]
    await asyncio.sleep(caught.value.retry_after)
    await bot.send_message(anna, "two")
    assert texts(telegram, anna) == ["one", "two"]
    assert [r.parameters for r in telegram.records.requests if r.status == 429] == [{"retry_after": 1}] * 2


async def test_a_flood_by_script_closes_the_chat(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    boris = telegram.users.person("Boris")
    telegram.users.start(boris)
    telegram.faults.pending += [Fault("sendMessage", "flood", seconds=35), Fault("setMyName", "flood", seconds=86400)]
    for _ in range(2):
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(anna, "x")
        assert caught.value.retry_after == 35
    with pytest.raises(TelegramRetryAfter):
        await bot.set_my_name("Name")
    with pytest.raises(TelegramRetryAfter):
        await bot.set_my_name("Name")
    assert await bot.send_message(boris, "x")
    assert await bot.send_chat_action(anna, "typing")


@pytest_asyncio.fixture
async def remote() -> AsyncIterator[RemoteTelegram]:
    async with remote_telegram("--no-limits", "--seed", "3", "--username", "far_bot") as remote:
        yield remote


async def test_a_server_of_its_own_is_scripted_and_read_from_here(remote: RemoteTelegram) -> None:
    bot = Bot(TOKEN, AiohttpSession(api=TelegramAPIServer.from_base(remote.url)))
    assert (await bot.get_me()).username == "far_bot"
    anna = await remote.act("person", name="Anna")
    await remote.act("start", user=anna)
    await remote.act("document", chat=anna, user=anna, name="a.txt", data=b"bytes")
    document = (await remote.messages(anna))[-1].document
    assert await remote.act("download", file=document) == "Ynl0ZXM="
    await remote.act("fault", method="sendMessage", kind="drop", after=True)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(anna, "twice")
    await bot.send_message(anna, "twice")
    answers = await remote.wait_for(lambda: remote.answers(anna))
    assert [answer.text for answer in answers] == ["twice", "twice"]
    assert await remote.act("doubled", chat=anna) == ["twice"]
    await remote.act("settings", draft_seconds=60)
    await bot.send_message_draft(anna, 5, text="Once", can_stop=True)
    draft = await remote.draft(anna)
    assert draft is not None
    assert (draft.text, draft.can_stop) == ("Once", True)
    await remote.act("stop", user=anna)
    assert await remote.draft(anna) is None
    assert [r["fault"] for r in await remote.act("requests", method="sendMessage")] == ["drop after", None]
    assert [s["event"] for s in await remote.act("states", since=2)] == ["sent", "sent", "draft", "stopped"]
    await remote.act("limit", chat=[1, 60])
    await bot.send_message(anna, "x")
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(anna, "y")
    report = await remote.act("report")
    assert (report["parse_mode_uses"], report["unknown_methods"], report["bot"]) == (0, [], bot.id)
    for deed in ("nonsense", "_chat", "core", "stop"):
        with pytest.raises(ValueError, match=r"no deed|TypeError"):
            await remote.act(deed)
    await bot.session.close()
