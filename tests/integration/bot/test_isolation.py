"""What was said in private shows in no chat with others, in no prompt made there, and in nobody else's export.

A thousand secrets of many people are planted in private. The engine says everything it is asked: the most that an
answer can give away. Then the same people ask for them, in chats with others.
"""

from __future__ import annotations

import asyncio
import json
import re

from bot.core.messages import Outcome
from bot.intake.commands import COMMANDS
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.talk import Talk

PEOPLE = 10
SECRETS = 1000
_SECRET = re.compile(r"secret[a-z]{8}")


def secret(person: int, n: int) -> str:
    """A word that is nowhere else: of one person, his n-th."""
    number = person * 1000 + n
    return "secret" + "".join(chr(ord("a") + number // 26**place % 26) for place in range(8))


def secrets_of(person: int) -> list[str]:
    return [secret(person, n) for n in range(SECRETS // PEOPLE)]


async def plant(talk: Talk, person: int) -> None:
    """Tell secrets in private, eight at a time: as memories, in questions, and so in answers."""
    name, words = f"p{person}", secrets_of(person)
    await talk.say(name, "/mode base")
    for n in range(0, len(words), 8):
        told = f"my lockers {n} to {n + 7} open with {', '.join(words[n : n + 8])}"
        await talk.say(name, f"{told}. What opens my locker?" if n % 40 == 16 else f"/remember {told}")


async def ask_before_others(talk: Talk, person: int, chat: str) -> list[Outcome]:
    """Try everything that could show what was said in private."""
    name = f"p{person}"
    await talk.say(name, "/mode base", chat=chat)
    await talk.say(name, f"/remember in this chat I am called openly{chat[1:]}x{person}", chat=chat)
    commands = [f"/{command.name}" for command in COMMANDS.visible() if command.name not in ("stop", "new")]
    asked = ("What opens my locker? What am I called?", *commands, "/forget 1", "/forget me yes")
    return [await talk.say(name, text, chat=chat) for text in asked]


async def test_no_secret_of_a_thousand_leaves_the_private_chat(talk: Talk, server: SGLangServer) -> None:
    server.recites = True
    planted = {word for person in range(PEOPLE) for word in secrets_of(person)}
    assert len(planted) == SECRETS
    await asyncio.gather(*(plant(talk, person) for person in range(PEOPLE)))
    await talk.settled()
    in_private = len(server.requests)
    kept = {word for request in server.requests for word in _SECRET.findall(json.dumps(request))}
    assert len(kept & planted) > SECRETS // 4, "the prompts made in private hold secrets: the search can find them"

    # In each chat everybody tells something for it, and asks for what he told in private.
    said = []
    for chat in ("-100", "-200"):
        asked = await asyncio.gather(*(ask_before_others(talk, person, chat) for person in range(PEOPLE)))
        said += [(chat, outcome) for outcomes in asked for outcome in outcomes]
    await talk.settled()

    leaked = {word for _, outcome in said for word in _SECRET.findall(str(outcome))}
    assert leaked & planted == set()
    prompts = [json.dumps(request) for request in server.requests[in_private:]]
    assert len(prompts) >= 2 * 2 * PEOPLE
    assert {word for prompt in prompts for word in _SECRET.findall(prompt)} & planted == set()
    assert all(not outcome.files for _, outcome in said)

    # What was told in a chat is known there, and in no other.
    for chat, other in (("-100", "200"), ("-200", "100")):
        answers = [outcome for place, outcome in said if place == chat and outcome.turn]
        assert all(any(f"openly{chat[1:]}x" in memory for memory in outcome.memories) for outcome in answers)
        assert not any(f"openly{other}x" in str(outcome) for outcome in answers)

    for person in range(PEOPLE):
        exported = await talk.say(f"p{person}", "/export")
        found = {word for file in exported.files for word in _SECRET.findall(file.content.decode())}
        assert found & planted == set(secrets_of(person))


async def test_what_is_told_in_a_chat_is_known_there_in_private_and_nowhere_else(
    talk: Talk, server: SGLangServer
) -> None:
    server.recites = True
    await talk.say("7", "/mode base", chat="-100")
    await talk.say("7", "/remember my locker is blue", chat="-100")
    for where, knows in (({"chat": "-100"}, True), ({"chat": "-200"}, False), ({}, True)):
        await talk.say("7", "/mode base", **where)
        outcome = await talk.say("7", "What colour is my locker?", **where)
        assert bool(outcome.memories) is knows
        assert ("blue" in outcome.answer) is knows
    # The same chat's id on another platform is another chat.
    assert "linked now" in await talk.link("7", "d7")
    await talk.say("d7", "/mode base", platform="discord", chat="-100")
    assert not (await talk.say("d7", "What colour is my locker?", platform="discord", chat="-100")).memories
