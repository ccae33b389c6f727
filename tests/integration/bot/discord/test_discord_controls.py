"""Slash commands, completion, buttons, menus and forms on Discord, over real sockets."""

from __future__ import annotations

import asyncio

from db.people import access_rules
from db.people.access_rules import Rule
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.discord_service import Discord


async def test_every_command_of_the_registry_is_there_in_russian_too(service: Discord) -> None:
    async with service.receiving():
        commands = {command["name"]: command for command in service.people.commands()}
    assert set(commands) == {"ask", *(command.name for command in service.services.inbox.commands)}
    assert commands["mode"]["name_localizations"]["ru"] == "режим"
    assert commands["mode"]["options"][0]["autocomplete"]
    assert [choice["value"] for choice in commands["lang"]["options"][0]["choices"]] == ["ru", "en", "auto"]


async def test_commands_are_in_the_operators_own_guilds_at_once(service: Discord) -> None:
    service.operator_guilds = (int(service.guild),)
    async with service.receiving():
        await service.people.wait_for(lambda: service.people.commands(service.guild))


async def test_modes_are_completed_while_they_are_typed(service: Discord) -> None:
    async with service.receiving():
        begun = await service.people.autocomplete(service.channel, service.ann, "mode", "mode", "спо")
        further = await service.people.autocomplete(service.channel, service.ann, "mode", "mode", "sport+")
    assert begun[0]["value"] == "sport"
    assert {"sport+core", "sport+physics"} <= {choice["value"] for choice in further}
    assert "sport+classical" not in {choice["value"] for choice in further}


async def test_a_mode_chosen_by_command_answers_what_is_asked_next(service: Discord) -> None:
    async with service.serving():
        chosen = service.people.run(service.channel, service.ann, "mode", mode="sport")
        said = (await service.people.wait_interaction(chosen))["original"]
        assert "core+sport" in said["content"]
        assert said["seen_only_by"] == service.ann
        service.people.run(service.channel, service.ann, "ask", question="How far?")
        assert (await service.answer(service.channel))["content"].endswith("-# core+sport")


async def test_an_answer_is_streamed_and_stopped_by_its_button(service: Discord, server: SGLangServer) -> None:
    server.echoes, server.answer_gate = False, asyncio.Event()
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.tell_bot(service.ann, "How far?")
        begun = await service.people.wait_message(dm, contains="Rest")
        assert service.people.labels(begun["id"]) == ["Stop"]
        service.people.press(service.ann, begun["id"], "Stop")
        answer = await service.answer(dm, "Stopped.")
    assert answer["id"] == begun["id"]
    assert answer["content"].startswith("Rest\n")
    assert server.aborted.is_set()


async def test_nobody_else_stops_an_answer(service: Discord, server: SGLangServer) -> None:
    bob = service.people.user("Bob")
    service.people.join(service.guild, bob)
    server.answer_gate = asyncio.Event()
    async with service.serving():
        service.people.run(service.channel, service.ann, "ask", question="How far?")
        begun = await service.people.wait_message(service.channel, contains="«")
        pressed = service.people.press(bob, begun["id"], "Stop")
        said = (await service.people.wait_interaction(pressed))["original"]
        assert (said["seen_only_by"], "somebody else" in said["content"]) == (bob, True)
        server.answer_gate.set()
        await service.answer(service.channel, "«How far?».")


async def test_buttons_and_menus_outlive_the_process_that_made_them(service: Discord) -> None:
    async with service.serving():
        service.people.run(service.channel, service.ann, "ask", question="How far?")
        answer = await service.answer(service.channel)
    async with service.serving():
        opened = service.people.press(service.ann, answer["id"], "Mode")
        menu = (await service.people.wait_interaction(opened))["original"]
        assert menu["seen_only_by"] == service.ann
    async with service.serving():
        service.people.choose(service.ann, menu["id"], ["physics", "sport"], select="adapters to mix")
        said = await service.answer(service.channel, "core+physics+sport", viewer=service.ann)
        assert said["id"] == menu["id"]


async def test_weights_are_written_in_a_form_that_shows_the_present_mode(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.tell_bot(service.ann, "/mode sport")
        await service.answer(dm, "core+sport")
        service.people.tell_bot(service.ann, "How far?")
        answer = await service.answer(dm, "«How far?».")
        opened = service.people.press(service.ann, answer["id"], "Mode")
        menu = (await service.people.wait_interaction(opened))["original"]
        form = service.people.press(service.ann, menu["id"], "Weights…")
        modal = (await service.people.wait_interaction(form))["modal"]
        assert modal["components"][0]["components"][0]["value"] == "core+sport"
        service.people.submit(form, expression="sport*0.7")
        said = await service.answer(dm, r"core+sport\*0.7")
    assert said["id"] == menu["id"]


async def test_a_named_mode_is_taken_from_the_menu(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.tell_bot(service.ann, "How far?")
        opened = service.people.press(service.ann, (await service.answer(dm))["id"], "Mode")
        menu = (await service.people.wait_interaction(opened))["original"]
        service.people.choose(service.ann, menu["id"], ["Laboratory"], select="a ready mode")
        await service.answer(dm, r"core+physics\*0.7")


async def test_the_guild_and_the_roles_there_come_with_every_message(service: Discord) -> None:
    role = service.people.role(service.guild, "Editor")
    service.people.give_role(service.guild, service.ann, role)
    bot = service.people.bot()
    async with service.receiving():
        service.people.say(service.channel, service.ann, "In words?", mentions=[bot])
        await service.until_row(f"question = 'In words?' AND roles = '{{{role}}}'")
        service.people.run(service.channel, service.ann, "ask", question="By command?")
        await service.until_row(f"question = 'By command?' AND roles = '{{{role}}}'")
        service.people.tell_bot(service.ann, "In private?")
        await service.until_row("question = 'In private?' AND roles = '{}'")


async def test_ask_again_answers_the_last_question_anew(service: Discord, server: SGLangServer) -> None:
    async with service.serving():
        service.people.run(service.channel, service.ann, "ask", question="How far?")
        answer = await service.answer(service.channel)
        service.people.press(service.ann, answer["id"], "Ask again")
        again = await service.answer(service.channel, after=answer["id"])
    assert again["content"].startswith("«How far?».")
    assert len(server.requests) == 2


async def test_languages_are_chosen_from_a_menu(service: Discord) -> None:
    dm = service.people.dm(service.ann)
    async with service.serving():
        service.people.tell_bot(service.ann, "/lang")
        menu = await service.people.wait_message(dm, contains="Language")
        await service.people.wait_for(lambda: service.people.labels(menu["id"]))
        service.people.choose(service.ann, menu["id"], ["Русский"])
        await service.answer(dm, "Язык: русский")


async def test_who_is_kept_out_is_told_once_and_then_nothing_is_left_of_a_promise(service: Discord) -> None:
    async with service.services.database.anonymous_transaction() as connection:
        await access_rules.add(connection, service.services.mind.name, Rule("deny", "user", "discord", service.ann))
    async with service.serving():
        first = service.people.run(service.channel, service.ann, "ask", question="How far?")
        told = (await service.people.wait_interaction(first))["original"]
        assert "not allowed" in told["content"]
        service.people.run(service.channel, service.ann, "ask", question="And now?")
        await service.people.wait_for(lambda: len(service.people.journal("answer")) == 2)
        await service.people.wait_for(lambda: len(service.told(service.channel)) == 1)
