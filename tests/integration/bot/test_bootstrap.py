"""/start, /retry and /help, and what a command may answer beside a text."""

from __future__ import annotations

import asyncio

import pytest

from bot.intake.commands import COMMANDS
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.talk import Talk


async def test_everybody_is_greeted_in_his_language_by_the_minds_name(talk: Talk) -> None:
    russian = await talk.say("7", "/start", language="ru")
    english = await talk.say("8", "/start ref_12345", language="en")
    assert "Агоге" in russian.answer
    assert "Здравствуйте" in russian.answer
    assert "I am Agoge" in english.answer
    assert "ref_12345" not in english.answer


async def test_retry_asks_again_as_a_new_turn_in_the_old_mode(talk: Talk, server: SGLangServer) -> None:
    await talk.say("7", "/mode base")
    first = await talk.say("7", "How far today?")
    await talk.say("7", "/mode core")
    again = await talk.say("7", "/retry")
    assert again.answer == first.answer == "Rest and sleep."
    assert again.mode == first.mode == "base"
    assert again.turn != first.turn
    assert [request["messages"][-1]["content"] for request in server.requests] == ["How far today?"] * 2


async def test_what_failed_is_asked_again(talk: Talk, server: SGLangServer) -> None:
    await talk.say("7", "/mode base")
    server.fails_with = (400, "no")
    failed = await talk.say("7", "How far today?")
    assert failed.error
    await talk.settled()
    server.fails_with = None
    assert (await talk.say("7", "/retry")).answer == "Rest and sleep."


async def test_a_retry_handed_in_twice_asks_once(talk: Talk, server: SGLangServer) -> None:
    await talk.say("7", "/mode base")
    await talk.say("7", "How far today?")
    retry = talk.message("7", "/retry")
    one, other = await talk.answer(retry), await talk.send(retry)
    assert not other.is_new
    assert one.turn == str(other.turn.id)
    assert (other.turn.kind, other.turn.question) == ("question", "How far today?")
    await talk.settled()
    assert len(server.requests) == 2


async def test_retry_waits_for_what_is_under_way_and_needs_a_question(talk: Talk, server: SGLangServer) -> None:
    assert "nothing to ask again" in ((await talk.say("7", "/retry")).error or "")
    await talk.say("7", "/mode base")
    server.answer_gate = asyncio.Event()
    question = talk.message("7", "How far today?")
    await talk.send(question)
    await server.until(requests=1)
    assert "still being answered" in (await talk.say("7", "/retry")).answer
    server.answer_gate.set()
    await talk.settled()
    assert len(server.requests) == 1


@pytest.mark.parametrize(("text", "menu"), [("/mode", "modes"), ("/modes", "modes"), ("/lang", "languages")])
async def test_what_can_be_chosen_comes_with_a_menu(talk: Talk, text: str, menu: str) -> None:
    assert (await talk.say("7", text)).menu == menu


async def test_no_menu_once_it_is_chosen(talk: Talk) -> None:
    assert (await talk.say("7", "/mode core")).menu is None
    assert (await talk.say("7", "/lang ru")).menu is None


async def test_what_is_for_two_is_not_said_before_others(talk: Talk) -> None:
    await talk.say("7", "/remember my locker code is 4711")
    private = [command.name for command in COMMANDS if command.private_only and not command.admin_only]
    assert set(private) == {"memory", "forget", "export", "privacy", "link"}
    for name in private:
        said = await talk.say("7", f"/{name}", chat="-100")
        assert "private chat" in said.answer
        assert "4711" not in str(said)
        assert not said.files
    assert "4711" in str((await talk.say("7", "/memory")).table)
