"""What the gateway's handlers do at once, in simcord's simulated Discord: its rules of interactions, its clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import discord
import pytest_asyncio
import simcord
from discord.http import HTTPClient

from bot.channels.discord.gateway import DiscordGateway, GatewayConfig
from bot.channels.discord.rest import RestClient
from tests.fixtures.discord_service import TOKEN, Discord


class SharedRest(RestClient):
    """Makes its requests through a client's connection, which is the simulated one."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(TOKEN)
        self._client = client

    async def _logged_in_client(self) -> HTTPClient:
        return self._client.http


@dataclass
class Scene:
    """A guild with two members, and the bot."""

    env: simcord.Env
    service: Discord

    def __post_init__(self) -> None:
        self.guild = self.env.create_guild()
        self.channel = self.guild.create_text_channel("general")
        self.ann = self.guild.add_member(self.env.create_user("ann"))
        self.bob = self.guild.add_member(self.env.create_user("bob"))

    async def answer(self) -> discord.Message:
        """An answer to Ann, with the buttons there are under one."""
        await self.ann.slash(self.channel, "ask", question="How far?")
        async with self.service.working():
            await self.service.until_row("ended_at IS NOT NULL")
        return self.channel.last_message


@pytest_asyncio.fixture(loop_scope="session")
async def scene(service: Discord) -> AsyncIterator[Scene]:
    services, platform = service.services, service.platform
    gateway = DiscordGateway(GatewayConfig(TOKEN), services.mind, services.inbox, services.database, platform)
    client = gateway.create_client()
    platform.rest = SharedRest(client)
    env = simcord.Env(client)
    await env.start()
    yield Scene(env, service)
    await env.shutdown()


async def test_every_registered_command_can_be_used(scene: Scene) -> None:
    names = {command.name for command in scene.service.services.inbox.commands}
    assert set(scene.ann.available_commands(scene.channel)) == names | {"ask"}


async def test_modes_are_completed(scene: Scene) -> None:
    offered = await scene.ann.autocomplete(scene.channel, "mode", "mode", "sport+")
    assert [choice["value"] for choice in offered] == ["sport+core", "sport+physics"]


async def test_a_command_is_promised_an_answer_in_private_and_a_question_one_for_all(scene: Scene) -> None:
    mode = await scene.ann.slash(scene.channel, "mode", mode="sport")
    assert (mode.deferred, mode.ephemeral) == (True, True)
    question = await scene.ann.slash(scene.channel, "ask", question="How far?")
    assert (question.deferred, question.ephemeral) == (True, False)
    hidden = await scene.ann.slash(scene.channel, "ask", question="/memory")
    assert (hidden.deferred, hidden.ephemeral) == (True, True)


async def test_the_mode_button_shows_a_menu_to_who_asked_and_to_nobody_else(scene: Scene) -> None:
    answer = await scene.answer()
    assert answer.content == "«How far?».\n\n-# core"
    menu = await scene.ann.click(answer, label="Mode")
    assert menu.ephemeral
    assert menu.response is not None
    assert len(menu.response.components) == 3
    others = await scene.bob.click(answer, label="Mode")
    assert others.response is not None
    assert "somebody else" in others.response.content


async def test_weights_are_written_in_a_form(scene: Scene) -> None:
    answer = await scene.answer()
    menu = await scene.ann.click(answer, label="Mode")
    assert menu.response is not None
    shown = await scene.ann.click(menu.response.message, label="Weights…")
    assert shown.modal is not None
    submitted = await scene.ann.submit_modal(shown, {"expression": "sport*0.7"})
    assert submitted.acknowledged
    mode = "core+sport*0.7"
    async with scene.service.working():
        await scene.service.until_row(f"kind = 'command' AND mode = '{mode}' AND ended_at IS NOT NULL")


async def test_what_is_written_in_a_guild_without_a_mention_is_nobodys_business(scene: Scene) -> None:
    await scene.ann.send(scene.channel, "Good morning.")
    await scene.ann.send(scene.channel, f"{scene.env.bot.user.mention} How far?")
    await scene.service.until_row("question = 'How far?'")
    await scene.service.until_row("(SELECT count(*) FROM turns) = 1")
