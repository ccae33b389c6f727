"""A whole service in front of a strict Telegram: real sockets, a real Postgres, an engine that says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.answering.pipeline import Pipeline
from bot.answering.pipeline import PipelineLimits as TurnLimits
from bot.answering.router import Router
from bot.app.components import open_composer
from bot.app.settings import Settings
from bot.app.telegram import webhook_config
from bot.channels.telegram.client import make_bot
from bot.channels.telegram.dispatch import BackgroundTasks
from bot.channels.telegram.gateway import PollingGateway, UpdateReceiver
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.platform import TelegramPlatform
from bot.channels.telegram.rate_limiter import BotApiLimits, RateLimit, RateLimiter
from bot.channels.telegram.reply import RenderOptions
from bot.channels.telegram.update_handler import UpdateHandler
from bot.channels.telegram.webhook import WebhookGateway
from bot.core.background import run_in_background
from bot.intake.access import AccessPolicy
from bot.intake.inbox import Inbox
from bot.intake.rate_limits import RateLimits
from bot.library.retriever import RetrievalBudget, Retriever
from bot.library.search import Library
from bot.memory import PersonalMemory
from bot.minds import Mind
from bot.turns.heartbeat import Heartbeat
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from bot.turns.runner import RetryPolicy, TurnRunner
from bot.turns.worker import Worker, WorkerOptions
from db.infra.database import Database
from db.infra.notifications import listen
from db.people.token_buckets import TokenBucket
from db.turns.jobs import CHANNEL
from db.turns.states import STOP_CHANNEL
from tests.fakes.scripted_engine import ScriptedEngine
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import TOKEN, FakeTelegram

FREE = BotApiLimits(RateLimit(1000, 1), RateLimit(1000, 1), RateLimit(1000, 1))
"""For tests that are not about limits."""
PLENTY = TokenBucket(1000, 10_000, 100_000)


@dataclass
class House:
    """Where processes of a service can be started."""

    telegram: FakeTelegram
    dsn: str
    mind: Mind
    composer: Composer
    settings: Settings
    engine: ScriptedEngine = field(default_factory=ScriptedEngine)
    person: TokenBucket = PLENTY
    rates: BotApiLimits = FREE

    @asynccontextmanager
    async def process(self, *, receives: bool = True, answers: bool = True, at_once: int = 4) -> AsyncIterator[Process]:
        """One process, as `consilium serve` makes it."""
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(await Database.open(self.dsn, pool_size=at_once + 6))
            bot = make_bot(self.settings.telegram_token.get_secret_value(), self.settings.telegram_api)
            stack.push_async_callback(bot.session.close)
            outbox, errands = Outbox(bot, RateLimiter(self.rates)), BackgroundTasks()
            platform = TelegramPlatform(outbox, RenderOptions(self.mind, self.settings.telegram_rich))
            running, memory = RunningAnswers(), PersonalMemory(database, None)
            ceilings = RateLimits(self.person, PLENTY, 10_000)
            door = AccessPolicy(self.mind.name)
            library = Library(database, None, self.mind.name, len)
            inbox = Inbox(
                mind=self.mind,
                database=database,
                memory=memory,
                composer=self.composer,
                running_answers=running,
                rate_limits=ceilings,
                turn_timeout=timedelta(hours=1),
                access_policy=door,
                library=library,
            )
            drawing = Retriever(self.mind, library, RetrievalBudget(0, 0, 0, 0))
            router = Router(None, self.mind)  # type: ignore[arg-type]  # nobody asks in `auto` here
            limits = TurnLimits(3000, 4, 60)
            pipeline = Pipeline(
                mind=self.mind,
                database=database,
                engine=self.engine,  # type: ignore[arg-type]
                memory=memory,
                retriever=drawing,
                router=router,
                composer=self.composer,
                running_answers=running,
                limits=limits,
            )
            presence = Heartbeat(database, "all", self.mind.name)
            await presence.send()
            work = WorkerOptions(
                [delivery_entrypoint(self.mind.name), answer_entrypoint(self.mind.name)], at_once, 5, 20
            )
            worker = Worker(
                database=database,
                mind=self.mind.name,
                heartbeat=presence,
                runner=TurnRunner(pipeline=pipeline, retry_policy=RetryPolicy(8)),
                platforms={platform.name: platform},
                options=work,
            )

            def stop(turn_id: str) -> None:
                running.stop(UUID(turn_id))

            heard = {CHANNEL: lambda _: worker.wake(), STOP_CHANNEL: stop}
            await stack.enter_async_context(run_in_background(listen(self.dsn, heard, worker.wake), "listening"))
            intake = UpdateHandler(inbox, platform, outbox, database, self.mind, errands)
            hook = webhook_config(self.settings)
            gateway: UpdateReceiver = PollingGateway(outbox, intake, inbox, errands)
            if hook is not None:
                gateway = WebhookGateway(outbox, intake, inbox, errands, hook)
            if answers:
                await stack.enter_async_context(run_in_background(worker.run(), "worker"))
            if receives:
                await stack.enter_async_context(run_in_background(gateway.run(), "gateway"))
            yield Process(database, platform, gateway)


def texts(telegram: FakeTelegram, chat: int, thread: int | None = None) -> list[str]:
    """What the bot's messages in a chat say now."""
    return [answer.text for answer in telegram.users.answers(chat, thread)]


def labels(telegram: FakeTelegram, chat: int) -> list[str]:
    """The buttons of the bot's last message in a chat."""
    return [button["text"] for row in telegram.users.answers(chat)[-1].buttons for button in row]


@dataclass
class Process:
    """One process of the service."""

    database: Database
    platform: TelegramPlatform
    gateway: UpdateReceiver


@pytest_asyncio.fixture(loop_scope="session")
async def telegram() -> AsyncIterator[FakeTelegram]:
    telegram = FakeTelegram(limits=Limits.off())
    async with telegram.serving():
        yield telegram
    assert telegram.records.parse_mode_uses == []
    assert telegram.records.unknown_methods == []
    assert telegram.records.oddities == []
    assert telegram.limits.ignored_429 == []


@pytest.fixture
def anna(telegram: FakeTelegram) -> int:
    return telegram.users.person("Anna", "anna", "ru")


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    telegram: FakeTelegram, dsn: str, agoge: Mind, settings_for: Callable[..., Settings]
) -> AsyncIterator[House]:
    settings = settings_for(telegram_token=SecretStr(TOKEN), telegram_api=telegram.url)
    mind = replace(agoge, default_mode="base")
    composer = await asyncio.to_thread(open_composer, settings, mind, Path(settings.base_model or ""))
    yield House(telegram, dsn, mind, composer, settings)
