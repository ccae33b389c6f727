"""Processes and the database die, hang and lie at random while people keep asking: nothing lost, doubled, out of order.

CONSILIUM_LONG=1 kills processes two hundred times instead of eight, on each channel by itself. CONSILIUM_FAULT_SEED
repeats the faults of a run, in their order; how they fall on what the processes do just then is chance.
CONSILIUM_FAULT_CHANNELS names the channels of a run, separated by commas; Telegram polls in the first half where both
its ways are named. CONSILIUM_FAULT_SECONDS ends the faults early.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from bot.core.background import run_in_background
from db.infra.embedded_server import EmbeddedServer
from tests.acceptance.faults.chats import Chats
from tests.acceptance.faults.crowd import Crowd, Verdict
from tests.acceptance.faults.database_faults import DatabaseFaults
from tests.acceptance.faults.discord_chats import DiscordChats
from tests.acceptance.faults.faults import KILLED, LONG, SHORT, Campaign, Fault
from tests.acceptance.faults.leaks import Onlooker
from tests.acceptance.faults.telegram_chats import TelegramChats
from tests.fakes.discord.server import DiscordFake
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import FakeTelegram
from tests.fixtures.fleet import Fleet, environment_of
from tests.fixtures.servers import free_port

IS_LONG = bool(os.environ.get("CONSILIUM_LONG"))
PLAN = LONG if IS_LONG else SHORT
SECONDS = float(os.environ.get("CONSILIUM_FAULT_SECONDS") or "inf")
BASE = "SmolLM2-135M-Instruct"
SETTLE_TIMEOUT = 120.0
"""Seconds without a new answer after which the test stops waiting."""
UNRECORDED = 3.0
"""Seconds for which a message that was sent may be unknown to the database: only a kill in them leaves it behind."""
SERVING = ("gateway", "worker-1", "worker-2", "worker-3")


class Channel(StrEnum):
    """How messages reach the service."""

    TELEGRAM_POLLING = "telegram-polling"
    TELEGRAM_WEBHOOK = "telegram-webhook"
    DISCORD = "discord"


def channels_of_runs() -> list[tuple[Channel, ...]]:
    """The channels of each run: all in one, or in the long form each alone."""
    if named := os.environ.get("CONSILIUM_FAULT_CHANNELS"):
        return [tuple(Channel(name.strip()) for name in named.split(","))]
    return [(channel,) for channel in Channel] if IS_LONG else [tuple(Channel)]


@dataclass
class World:
    """The platforms, the service on them, and who uses it."""

    fleet: Fleet
    database: DatabaseFaults
    crowd: Crowd
    onlooker: Onlooker
    planted: list[str]
    """Secrets of the operator."""
    webhook_settings: dict[str, str]

    def judge(self, verdict: Verdict, campaign: Campaign, spent: float, seed: int, channels: Sequence[Channel]) -> str:
        """The run in one line."""
        counts = ", ".join(f"{times} × {fault}" for fault, times in campaign.done.items())
        return (
            f"seed {seed}, {' and '.join(channels)}: {counts} in {spent:.0f} s; {verdict.asked} asked, "
            f"{verdict.documents} of them with a document, {verdict.answered} answered, "
            f"{len(verdict.failed)} failed with a reason, {len(verdict.lost)} lost, {len(verdict.doubled)} doubled, "
            f"{len(verdict.out_of_order)} out of order, {len(verdict.falsely_kept)} falsely kept, "
            f"{len(verdict.unfinished)} unfinished messages left by {len(campaign.killed_at)} kills of their senders"
        )


@asynccontextmanager
async def world_of(
    channels: Sequence[Channel], chance: random.Random, seed: int, folder: Path, server: EmbeddedServer, models: Path
) -> AsyncIterator[World]:
    """Fake platforms, one gateway, three workers and an engine; stopped on exit."""
    platforms: list[Chats] = []
    planted = {
        name: f"planted-{name.lower()}-{chance.randbytes(8).hex()}"
        for name in ("SGLANG_API_KEY", "SGLANG_ADMIN_KEY", "EMBEDDING_API_KEY", "TELEGRAM_WEBHOOK_SECRET")
    }
    settings = {f"CONSILIUM_{name}": secret for name, secret in planted.items()}
    # A worker that loads its own embedder would be ready seconds later, and would die no differently.
    embeddings = EmbeddingServer()
    telegram = FakeTelegram(limits=Limits.off())
    discord = DiscordFake(token=f"planted.discord.{chance.randbytes(8).hex()}")
    async with AsyncExitStack() as stack:
        settings["CONSILIUM_EMBEDDING_URL"] = await stack.enter_async_context(embeddings.serving())
        settings["CONSILIUM_EMBEDDING_MODEL"] = embeddings.model
        api = ""
        if set(channels) - {Channel.DISCORD}:
            api = await stack.enter_async_context(telegram.serving())
            platforms.append(TelegramChats(telegram))
        if Channel.DISCORD in channels:
            await stack.enter_async_context(discord.serving())
            platforms.append(DiscordChats(discord))
            settings["CONSILIUM_DISCORD_TOKEN"] = discord.token
            settings["CONSILIUM_DISCORD_API"] = discord.api_base
            settings["CONSILIUM_DISCORD_GATEWAY"] = discord.gateway_url
        engine_port = free_port()
        settings["CONSILIUM_TURN_ATTEMPTS"] = "50"
        fleet = Fleet(folder, environment_of(folder, server.dsn, api, engine_port, models, **settings), server.cluster)
        fleet.engine(engine_port, BASE, 0.03)
        ports = {name: free_port() for name in SERVING}
        for name, port in ports.items():
            fleet.serve(name, name.partition("-")[0], CONSILIUM_HTTP_PORT=str(port))
        hook_port = free_port()
        hook = {
            "CONSILIUM_TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{hook_port}/telegram",
            "CONSILIUM_TELEGRAM_WEBHOOK_PORT": str(hook_port),
        }
        onlooker = Onlooker(
            addresses={name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
            webhook=hook["CONSILIUM_TELEGRAM_WEBHOOK_URL"] if Channel.TELEGRAM_WEBHOOK in channels else None,
            bait=f"planted-bait-{chance.randbytes(8).hex()}",
            chance=random.Random(seed),
        )
        secrets_of_operator = [*planted.values(), telegram.token, discord.token, onlooker.bait]
        people = PLAN.people if len(platforms) == 1 or not IS_LONG else PLAN.people // 2
        crowd = Crowd(platforms, people, seed)
        world = World(fleet, DatabaseFaults(server.dsn, chance), crowd, onlooker, secrets_of_operator, hook)
        if Channel.TELEGRAM_WEBHOOK in channels and Channel.TELEGRAM_POLLING not in channels:
            use_webhook(world)
        try:
            for process in fleet.processes.values():
                process.start()
            yield world
        finally:
            fleet.end()


def use_webhook(world: World) -> None:
    """The gateway receives by a webhook once it starts."""
    gateway = world.fleet.processes["gateway"]
    gateway.environment = {**gateway.environment, **world.webhook_settings}


async def change_to_webhook(world: World, when: asyncio.Event) -> None:
    """Let the gateway end and start again with a webhook, as an operator does."""
    await when.wait()
    use_webhook(world)
    await asyncio.to_thread(world.fleet.processes["gateway"].end)


async def keep_up(fleet: Fleet) -> None:
    """Restart processes that exited, for example because the database was unavailable at their start."""
    while True:
        await asyncio.sleep(1)
        for process in fleet.processes.values():
            if process.running is not None and process.running.poll() not in (None, -9):
                process.start()


@pytest.mark.long
@pytest.mark.timeout(3600 if IS_LONG else 600)
@pytest.mark.parametrize("channels", channels_of_runs(), ids=" and ".join)
async def test_nothing_is_lost_doubled_or_out_of_order(
    channels: Sequence[Channel], base_model_dir: Path, migrated_folder: Path, tmp_path: Path
) -> None:
    seed = int(os.environ.get("CONSILIUM_FAULT_SEED") or secrets.randbits(32))
    print(f"\nseed {seed}, {' and '.join(channels)}", flush=True)
    chance = random.Random(seed)
    async with (
        await EmbeddedServer.open(migrated_folder) as server,
        world_of(channels, chance, seed, tmp_path, server, base_model_dir.parent) as world,
    ):
        crowd, fleet = world.crowd, world.fleet
        campaign = Campaign(fleet, world.database, PLAN, chance, SECONDS)
        stop_asking, halfway = asyncio.Event(), asyncio.Event()
        await world.database.prepare()
        async with asyncio.timeout(SETTLE_TIMEOUT):
            await crowd.wait_connected()
        asking = asyncio.create_task(crowd.ask_on((1.5, 5.0), stop_asking))
        async with (
            run_in_background(keep_up(fleet), "supervising"),
            run_in_background(world.onlooker.look_on(), "looking on"),
        ):
            await first_answers(crowd)
            began = time.monotonic()
            if set(channels) >= {Channel.TELEGRAM_POLLING, Channel.TELEGRAM_WEBHOOK}:
                async with run_in_background(change_to_webhook(world, halfway), "to webhook"):
                    await campaign.run(halfway)
            else:
                await campaign.run()
            stop_asking.set()
            await asking
            spent = time.monotonic() - began
            await settle(crowd, SETTLE_TIMEOUT)
        verdict = crowd.verdict(await world.database.questions())
        documents = Counter(await world.database.documents())
        summary = world.judge(verdict, campaign, spent, seed, channels)
        print(summary, flush=True)
        report = f"{summary}\n{verdict}\n{fleet.tails()}"
        assert verdict.clean, report
        assert not verdict.failed, report
        assert sum(process.kills for process in fleet.processes.values()) == sum(campaign.done[kill] for kill in KILLED)
        assert fleet.restarts == campaign.done[Fault.RESTART] + campaign.done[Fault.CRASH]
        assert verdict.asked >= 3 * len(crowd.people)
        assert len(documents) == verdict.documents, report
        assert set(documents.values()) <= {1}, f"kept twice: {documents.most_common(5)}"
        unexplained = [
            state
            for state in verdict.unfinished
            if not any(0 <= killed - state.at <= UNRECORDED for killed in campaign.killed_at)
        ]
        assert not unexplained, f"{unexplained}\n{report}"
        await asyncio.to_thread(world.onlooker.run_commands, fleet.environment)
        world.onlooker.read(tmp_path)
        world.onlooker.read(server.cluster.log)
        leaks = world.onlooker.find([*world.planted, *crowd.texts])
        assert not leaks, "\n".join(leaks[:20])


async def first_answers(crowd: Crowd) -> None:
    """Wait until everybody has been answered once: what is not up yet cannot be broken."""
    async with asyncio.timeout(SETTLE_TIMEOUT):
        while not crowd.everybody_answered():  # noqa: ASYNC110  # other processes' state
            await asyncio.sleep(0.2)


async def settle(crowd: Crowd, within: float) -> None:
    """Wait until everybody has their answers, or no new one has come for `within` seconds."""
    left, since = crowd.unanswered(), time.monotonic()
    while left and time.monotonic() < since + within:
        await asyncio.sleep(0.5)
        if (now := crowd.unanswered()) < left:
            left, since = now, time.monotonic()
