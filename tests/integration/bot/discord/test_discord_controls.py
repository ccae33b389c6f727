"""Slash commands, completion, buttons, menus and forms on Discord, over real sockets."""

from __future__ import annotations

import asyncio

from db.people import access_rules
from db.people.access_rules import Rule
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import DiscordService


async def test_all_commands_are_registered(service: DiscordService) -> None:
    async with service.receiving():
        commands = {command["name"]: command for command in service.people.commands()}
    assert set(commands) == {"ask", *(command.name for command in service.services.inbox.commands)}
    assert commands["mode"]["name_localizations"]["ru"] == "режим"
    assert commands["mode"]["options"][0]["autocomplete"]
    assert [choice["value"] for choice in commands["lang"]["options"][0]["choices"]] == ["ru", "en", "auto"]


async def test_commands_in_operator_guilds(service: DiscordService) -> None:
    service.operator_guilds = (int(service.guild),)
    async with service.receiving():
        await service.people.wait_for(lambda: service.people.commands(service.guild))


async def test_mode_completion(service: DiscordService) -> None:
    async with service.receiving():
        first_word = await service.people.autocomplete(service.channel, service.ann, "mode", "mode", "спо")
        second_word = await service.people.autocomplete(service.channel, service.ann, "mode", "mode", "sport+")
    assert first_word[0]["value"] == "sport"
    assert {"sport+core", "sport+physics"} <= {choice["value"] for choice in second_word}
    assert "sport+classical" not in {choice["value"] for choice in second_word}


async def test_mode_command(service: DiscordService) -> None:
    async with service.serving():
        chosen = service.people.run_command(service.channel, service.ann, "mode", mode="sport")
        response = (await service.people.wait_interaction(chosen))["original"]
        assert "core+sport" in response["content"]
        assert response["visible_to"] == service.ann
        service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        assert (await service.wait_answer(service.channel))["content"].endswith("-# core+sport")


async def test_stop_button(service: DiscordService, server: SGLangServer) -> None:
    server.echoes, server.answer_gate = False, asyncio.Event()
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.send_dm(service.ann, "How far?")
        draft = await service.people.wait_message(dm, contains="Rest")
        assert service.people.labels(draft["id"]) == ["Stop"]
        service.people.press(service.ann, draft["id"], "Stop")
        answer = await service.wait_answer(dm, "Stopped.")
        async with asyncio.timeout(10):
            await server.aborted.wait()  # the server hears of the closed connection a moment later
    assert answer["id"] == draft["id"]
    assert answer["content"].startswith("Rest\n")


async def test_stop_button_pressed_by_another_person(service: DiscordService, server: SGLangServer) -> None:
    bob = service.people.add_user("Bob")
    service.people.join(service.guild, bob)
    server.answer_gate = asyncio.Event()
    async with service.serving():
        service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        draft = await service.people.wait_message(service.channel, contains="«")
        pressed = service.people.press(bob, draft["id"], "Stop")
        response = (await service.people.wait_interaction(pressed))["original"]
        assert (response["visible_to"], "somebody else" in response["content"]) == (bob, True)
        server.answer_gate.set()
        await service.wait_answer(service.channel, "«How far?».")


async def test_components_work_after_restart(service: DiscordService) -> None:
    async with service.serving():
        service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        answer = await service.wait_answer(service.channel)
    async with service.serving():
        opened = service.people.press(service.ann, answer["id"], "Mode")
        menu = (await service.people.wait_interaction(opened))["original"]
        assert menu["visible_to"] == service.ann
    async with service.serving():
        service.people.choose(service.ann, menu["id"], ["physics", "sport"], select="adapters to mix")
        response = await service.wait_answer(service.channel, "core+physics+sport", viewer=service.ann)
        assert response["id"] == menu["id"]


async def test_weights_form(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.send_dm(service.ann, "/mode sport")
        await service.wait_answer(dm, "core+sport")
        service.people.send_dm(service.ann, "How far?")
        answer = await service.wait_answer(dm, "«How far?».")
        opened = service.people.press(service.ann, answer["id"], "Mode")
        menu = (await service.people.wait_interaction(opened))["original"]
        form = service.people.press(service.ann, menu["id"], "Weights…")
        modal = (await service.people.wait_interaction(form))["modal"]
        assert modal["components"][0]["components"][0]["value"] == "core+sport"
        service.people.submit_modal(form, expression="sport*0.7")
        response = await service.wait_answer(dm, r"core+sport\*0.7")
    assert response["id"] == menu["id"]


async def test_named_mode_menu(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.send_dm(service.ann, "How far?")
        opened = service.people.press(service.ann, (await service.wait_answer(dm))["id"], "Mode")
        menu = (await service.people.wait_interaction(opened))["original"]
        service.people.choose(service.ann, menu["id"], ["Laboratory"], select="a ready mode")
        await service.wait_answer(dm, r"core+physics\*0.7")


async def test_roles_are_stored_with_turns(service: DiscordService) -> None:
    role = service.people.give_role(service.guild, service.ann, "Editor")
    bot = service.people.bot
    async with service.receiving():
        service.people.send(service.channel, service.ann, "In words?", mentions=[bot])
        await service.wait_turn(f"question = 'In words?' AND roles = '{{{role}}}'")
        service.people.run_command(service.channel, service.ann, "ask", question="By command?")
        await service.wait_turn(f"question = 'By command?' AND roles = '{{{role}}}'")
        service.people.send_dm(service.ann, "In private?")
        await service.wait_turn("question = 'In private?' AND roles = '{}'")


async def test_retry_button(service: DiscordService, server: SGLangServer) -> None:
    async with service.serving():
        service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        answer = await service.wait_answer(service.channel)
        service.people.press(service.ann, answer["id"], "Ask again")
        again = await service.wait_answer(service.channel, after=answer["id"])
    assert again["content"].startswith("«How far?».")
    assert len(server.requests) == 2


async def test_language_menu(service: DiscordService) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.send_dm(service.ann, "/lang")
        menu = await service.people.wait_message(dm, contains="Language")
        await service.people.wait_for(lambda: service.people.labels(menu["id"]))
        service.people.choose(service.ann, menu["id"], ["Русский"])
        await service.wait_answer(dm, "Язык: русский")


async def test_denied_person_is_told_once(service: DiscordService) -> None:
    async with service.services.database.anonymous_transaction() as connection:
        await access_rules.add(connection, service.services.mind.name, Rule("deny", "user", "discord", service.ann))
    async with service.serving():
        first = service.people.run_command(service.channel, service.ann, "ask", question="How far?")
        refusal = (await service.people.wait_interaction(first))["original"]
        assert "not allowed" in refusal["content"]
        service.people.run_command(service.channel, service.ann, "ask", question="And now?")
        await service.people.wait_for(lambda: len(service.people.journal("answer")) == 2)
        await service.people.wait_for(lambda: len(service.bot_messages(service.channel)) == 1)
