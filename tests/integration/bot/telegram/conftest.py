"""A service in front of a strict fake of Telegram: real sockets, a real Postgres, a scripted engine."""

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
from bot.answering.pipeline import Pipeline, PipelineLimits
from bot.answering.router import Router
from bot.app.components import open_composer
from bot.app.monitoring import http_server
from bot.app.settings import Settings
from bot.app.telegram import webhook_config
from bot.channels.telegram import gateway as gateway_module
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
from bot.intake import joining
from bot.intake.access import AccessPolicy
from bot.intake.inbox import Inbox
from bot.intake.rate_limits import RateLimits
from bot.intake.redelivery import Redelivery, RedeliveryPolicy
from bot.library.retriever import RetrievalBudget, Retriever
from bot.library.search import Library
from bot.memory import PersonalMemory
from bot.minds import Mind
from bot.turns.heartbeat import Heartbeat
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from bot.turns.runner import RetryPolicy, TurnRunner
from bot.turns.worker import Worker, WorkerOptions
from consilium.retry import BackoffConfig
from db.infra.database import Database
from db.infra.notifications import listen
from db.people.token_buckets import TokenBucket
from db.turns.jobs import CHANNEL
from db.turns.states import STOP_CHANNEL
from tests.fakes.scripted_engine import ScriptedEngine
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import TOKEN, FakeTelegram, close_client

UNLIMITED = BotApiLimits(RateLimit(1000, 1), RateLimit(1000, 1), RateLimit(1000, 1))
"""For tests that are not about the limits of the Bot API."""
LARGE_BUCKET = TokenBucket(1000, 10_000, 100_000)
FAST_BACKOFF = BackoffConfig(initial=0.02, maximum=0.1)
RENDER_INTERVAL = 0.05
"""Seconds; a twentieth of what people see."""


@dataclass(kw_only=True)
class TelegramService:
    """A service on Telegram; tests start its processes."""

    telegram: FakeTelegram
    dsn: str
    mind: Mind
    composer: Composer
    settings: Settings
    engine: ScriptedEngine = field(default_factory=ScriptedEngine)
    person_limits: TokenBucket = LARGE_BUCKET
    api_limits: BotApiLimits = UNLIMITED
    render_interval: float = RENDER_INTERVAL
    redelivery: RedeliveryPolicy = field(default_factory=RedeliveryPolicy)

    @asynccontextmanager
    async def process(
        self, *, receives: bool = True, answers: bool = True, concurrency: int = 4
    ) -> AsyncIterator[Process]:
        """One process, as `consilium serve` builds it; it runs as long as this is open."""
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(await Database.open(self.dsn, pool_size=concurrency + 6))
            assert self.settings.telegram_token is not None
            bot = make_bot(self.settings.telegram_token.get_secret_value(), self.settings.telegram_api)
            stack.push_async_callback(close_client, bot)
            outbox, background = Outbox(bot, RateLimiter(self.api_limits), backoff=FAST_BACKOFF), BackgroundTasks()
            options = RenderOptions(self.mind, self.settings.telegram_rich, self.render_interval)
            platform = TelegramPlatform(outbox, options)
            running, memory = RunningAnswers(), PersonalMemory(database, None)
            rate_limits = RateLimits(self.person_limits, LARGE_BUCKET, 10_000)
            access = AccessPolicy(self.mind.name)
            library = Library(database, None, self.mind.name, len)
            inbox = Inbox(
                mind=self.mind,
                database=database,
                memory=memory,
                composer=self.composer,
                running_answers=running,
                rate_limits=rate_limits,
                turn_timeout=timedelta(hours=1),
                access_policy=access,
                library=library,
            )
            retriever = Retriever(self.mind, library, RetrievalBudget(0, 0, 0, 0))
            router = Router(None, self.mind)  # type: ignore[arg-type]  # no test asks in mode `auto`
            limits = PipelineLimits(3000, 4, 60)
            pipeline = Pipeline(
                mind=self.mind,
                database=database,
                engine=self.engine,  # type: ignore[arg-type]
                memory=memory,
                retriever=retriever,
                router=router,
                composer=self.composer,
                running_answers=running,
                limits=limits,
            )
            heartbeat = Heartbeat(database, "all", self.mind.name)
            await heartbeat.send()
            worker_options = WorkerOptions(
                [delivery_entrypoint(self.mind.name), answer_entrypoint(self.mind.name)], concurrency, 5, 20
            )
            worker = Worker(
                database=database,
                mind=self.mind.name,
                heartbeat=heartbeat,
                runner=TurnRunner(pipeline=pipeline, retry_policy=RetryPolicy(8)),
                platforms={platform.name: platform},
                options=worker_options,
            )

            def stop(turn_id: str) -> None:
                running.stop(UUID(turn_id))

            callbacks = {CHANNEL: lambda _: worker.wake(), STOP_CHANNEL: stop}
            await stack.enter_async_context(run_in_background(listen(self.dsn, callbacks, worker.wake), "listening"))
            handler = UpdateHandler(
                inbox=inbox,
                platform=platform,
                outbox=outbox,
                database=database,
                mind=self.mind,
                background=background,
                redelivery=Redelivery(database, platform.name, self.redelivery),
            )
            webhook = webhook_config(self.settings)
            gateway: UpdateReceiver = PollingGateway(outbox, handler, inbox, background)
            if webhook is not None:
                gateway = WebhookGateway(outbox, handler, inbox, background, webhook)
                port = self.settings.telegram_webhook_port
                assert port is not None
                await stack.enter_async_context(http_server("127.0.0.1", port, gateway.routes()))
            if answers:
                await stack.enter_async_context(run_in_background(worker.run(), "worker"))
            if receives:
                await stack.enter_async_context(run_in_background(gateway.run(), "gateway"))
            yield Process(database, platform, gateway)


@dataclass
class Process:
    """One process of the service."""

    database: Database
    platform: TelegramPlatform
    gateway: UpdateReceiver


def texts(telegram: FakeTelegram, chat: int, thread: int | None = None) -> list[str]:
    """The texts of the bot's visible messages in a chat."""
    return [answer.text for answer in telegram.users.answers(chat, thread)]


def labels(telegram: FakeTelegram, chat: int) -> list[str]:
    """The buttons of the bot's last message in a chat."""
    return [button["text"] for row in telegram.users.answers(chat)[-1].buttons for button in row]


@pytest.fixture(autouse=True)
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateways repeat failed calls without noticeable delays, and short questions wait for no forwards."""
    monkeypatch.setattr(gateway_module, "_RETRY_BACKOFF", FAST_BACKOFF)
    monkeypatch.setattr(joining, "REMARK_WINDOW", timedelta(seconds=0.02))


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
async def service(
    telegram: FakeTelegram, dsn: str, agoge: Mind, settings_for: Callable[..., Settings]
) -> AsyncIterator[TelegramService]:
    settings = settings_for(telegram_token=SecretStr(TOKEN), telegram_api=telegram.url)
    mind = replace(agoge, default_mode="base")
    composer = await asyncio.to_thread(open_composer, settings, mind, Path(settings.base_model or ""))
    yield TelegramService(telegram=telegram, dsn=dsn, mind=mind, composer=composer, settings=settings)
