"""Immediate responses of the gateway's handlers, checked by another simulation of Discord: simcord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import discord
import pytest_asyncio
import simcord
from discord.http import HTTPClient

from bot.channels.discord.gateway import DiscordGateway, GatewayConfig
from bot.channels.discord.rest import RestClient
from tests.fixtures.discord_service import TOKEN, DiscordService


class SharedRest(RestClient):
    """Makes its requests through the simulated connection of a client."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(TOKEN)
        self._client = client

    async def _logged_in_client(self) -> HTTPClient:
        return self._client.http


@dataclass
class Scene:
    """A guild with two members, and the bot."""

    env: simcord.Env
    service: DiscordService

    def __post_init__(self) -> None:
        self.guild = self.env.create_guild()
        self.channel = self.guild.create_text_channel("general")
        self.ann = self.guild.add_member(self.env.create_user("ann"))
        self.bob = self.guild.add_member(self.env.create_user("bob"))

    async def answer(self) -> discord.Message:
        """A complete answer to Ann, with its buttons."""
        await self.ann.slash(self.channel, "ask", question="How far?")
        async with self.service.working():
            await self.service.wait_turn("ended_at IS NOT NULL")
        return self.channel.last_message


@pytest_asyncio.fixture(loop_scope="session")
async def scene(service: DiscordService) -> AsyncIterator[Scene]:
    services, platform = service.services, service.platform
    gateway = DiscordGateway(GatewayConfig(TOKEN), services.mind, services.inbox, services.database, platform)
    client = gateway.create_client()
    platform.rest = SharedRest(client)
    env = simcord.Env(client)
    await env.start()
    yield Scene(env, service)
    await env.shutdown()


async def test_available_commands(scene: Scene) -> None:
    names = {command.name for command in scene.service.services.inbox.commands}
    assert set(scene.ann.available_commands(scene.channel)) == names | {"ask"}


async def test_mode_completion(scene: Scene) -> None:
    offered = await scene.ann.autocomplete(scene.channel, "mode", "mode", "sport+")
    assert [choice["value"] for choice in offered] == ["sport+core", "sport+physics"]


async def test_deferral_is_private_for_commands_and_public_for_questions(scene: Scene) -> None:
    mode = await scene.ann.slash(scene.channel, "mode", mode="sport")
    assert (mode.deferred, mode.ephemeral) == (True, True)
    question = await scene.ann.slash(scene.channel, "ask", question="How far?")
    assert (question.deferred, question.ephemeral) == (True, False)
    command = await scene.ann.slash(scene.channel, "ask", question="/memory")
    assert (command.deferred, command.ephemeral) == (True, True)


async def test_mode_button_works_for_its_owner_only(scene: Scene) -> None:
    answer = await scene.answer()
    assert answer.content == "«How far?».\n\n-# core"
    menu = await scene.ann.click(answer, label="Mode")
    assert menu.ephemeral
    assert menu.response is not None
    assert len(menu.response.components) == 3
    refusal = await scene.bob.click(answer, label="Mode")
    assert refusal.response is not None
    assert "somebody else" in refusal.response.content


async def test_weights_form(scene: Scene) -> None:
    answer = await scene.answer()
    menu = await scene.ann.click(answer, label="Mode")
    assert menu.response is not None
    shown = await scene.ann.click(menu.response.message, label="Weights…")
    assert shown.modal is not None
    submitted = await scene.ann.submit_modal(shown, {"expression": "sport*0.7"})
    assert submitted.acknowledged
    mode = "core+sport*0.7"
    async with scene.service.working():
        await scene.service.wait_turn(f"kind = 'command' AND mode = '{mode}' AND ended_at IS NOT NULL")


async def test_guild_message_without_mention_is_ignored(scene: Scene) -> None:
    await scene.ann.send(scene.channel, "Good morning.")
    await scene.ann.send(scene.channel, f"{scene.env.bot.user.mention} How far?")
    await scene.service.wait_turn("question = 'How far?'")
    await scene.service.wait_turn("(SELECT count(*) FROM turns) = 1")
