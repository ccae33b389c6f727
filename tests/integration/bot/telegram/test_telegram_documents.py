"""Documents sent in Telegram, by an owner and by somebody else, in private and in a group."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.app.bootstrap import Services, open_services
from bot.app.server import listen_for_notifications
from bot.app.settings import DEMO_MIND, Settings
from bot.app.telegram import open_telegram
from bot.core.background import run_in_background
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from bot.turns.worker import Worker, WorkerOptions
from db.library import uploads
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.telegram.server import TOKEN, FakeTelegram
from tests.integration.bot.telegram.conftest import labels, texts

PLAN = "# Зимний план\n\nВ январе новобранец проходит на лыжах сорок километров в неделю.\n"


@pytest.fixture
def settings(
    sglang_settings: Settings, server: SGLangServer, telegram: FakeTelegram, anna: int, dsn: str, tmp_path: Path
) -> Settings:
    """Anna owns the service."""
    server.pieces = ["Новобранец проходит на лыжах сорок километров в неделю."]
    folder = tmp_path / "agoge"
    shutil.copytree(DEMO_MIND, folder)
    spec = folder / "mind.yaml"
    spec.write_text(spec.read_text("utf-8").replace("default_mode: auto", "default_mode: core"), "utf-8")
    own = {"mind": folder, "database_url": SecretStr(dsn), "prewarm_modes": 0, "telegram_token": SecretStr(TOKEN)}
    return sglang_settings.model_copy(
        update={**own, "telegram_api": telegram.url, "owners": (f"telegram:{anna}",), "telegram_per_second": 1000}
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Services]:
    """Gateway and worker in front of Telegram."""
    async with (
        open_services(settings, role="all") as services,
        open_telegram(settings, services, receives=True) as channels,
    ):
        mind = services.mind.name
        work = WorkerOptions([delivery_entrypoint(mind), answer_entrypoint(mind)], 4, 5, 20)
        worker = Worker(
            database=services.database,
            mind=mind,
            heartbeat=services.heartbeat,
            runner=services.turn_runner,
            platforms=channels.platforms,
            options=work,
        )
        async with (
            run_in_background(listen_for_notifications(services, worker), "listening"),
            run_in_background(worker.run(), "worker"),
            run_in_background(channels.gateways["telegram"].run(), "gateway"),
        ):
            yield services


@pytest_asyncio.fixture(loop_scope="session")
async def services(settings: Settings) -> AsyncIterator[Services]:
    async with serving(settings) as services:
        yield services


async def answered(telegram: FakeTelegram, chat: int, count: int) -> list[str]:
    """What the bot's messages say, once there are so many and each has come to its end."""

    def look() -> list[str] | None:
        found = texts(telegram, chat)
        ended = [
            text for text in found if text != "…" and not text.endswith(" …") and not text.startswith("Сначала отвечу")
        ]
        return ended if len(ended) == len(found) >= count else None

    return await telegram.wait_for(look, within=60)


async def in_library(services: Services) -> list[str]:
    async with services.database.anonymous_transaction() as connection:
        return [one.name for one in await uploads.list_all(connection, services.mind.name)]


async def test_an_owners_document_is_read_in_one_message_and_cited(
    services: Services, telegram: FakeTelegram, anna: int
) -> None:
    sent = telegram.users.document(anna, anna, "план.md", PLAN.encode())
    (told,) = await answered(telegram, anna, 1)
    assert told == (
        "Документ «план.md» теперь в библиотеке (отрывков: 1). /library покажет, что там есть, «/library удалить"
        " план.md» удалит его."
    )
    (message,) = telegram.users.answers(anna)
    assert message.reply_to == sent
    telegram.users.say(anna, anna, "Сколько километров на лыжах в январе?")
    _, answer = await answered(telegram, anna, 2)
    assert answer.startswith("Новобранец проходит на лыжах сорок километров в неделю. [1]")
    assert "Зимний план" in answer
    telegram.users.say(anna, anna, "/library удалить план.md")
    assert (await answered(telegram, anna, 3))[-1] == "Документ «план.md» удалён из библиотеки."


async def test_progress_is_shown_in_the_message_that_gets_the_result(
    settings: Settings, telegram: FakeTelegram
) -> None:
    embeddings = EmbeddingServer(gate=asyncio.Event())
    assert embeddings.gate is not None
    boris = telegram.users.person("Борис", language="ru")
    text = "".join(f"Запись {n}. Сегодня пройдено {n} километров по снегу и льду.\n\n" for n in range(400))
    async with embeddings.serving() as url:
        own = {"embedding_url": url, "embedding_model": embeddings.model}
        async with serving(settings.model_copy(update=own)):
            telegram.users.document(boris, boris, "дневник.md", text.encode())
            # The model takes as long as it takes until something is shown of it.
            await telegram.wait_for(lambda: [text for text in texts(telegram, boris) if "отрывков" in text], within=60)
            embeddings.gate.set()
            (told,) = await answered(telegram, boris, 1)
    assert told.startswith("«дневник.md» прочитан, я его помню (отрывков: ")
    (message,) = telegram.users.answers(boris)
    shown = [state.text for state in telegram.records.states if state.message == message.id]
    assert shown[0] == "…"
    assert any(re.fullmatch(r"Запоминаю «дневник.md»: отрывков \d+ из \d+ …", text) for text in shown)
    assert shown[-1] == told


async def test_in_a_group_only_what_is_sent_to_the_bot_is_read(
    services: Services, telegram: FakeTelegram, anna: int
) -> None:
    boris = telegram.users.person("Борис", language="ru")
    group = telegram.users.group("Чтение", [anna, boris])
    telegram.core.privacy = False
    name = telegram.core.world.bot.username
    telegram.users.document(group, anna, "a.md", PLAN.encode())
    telegram.users.document(group, anna, "b.md", PLAN.encode(), caption="Для всех")
    telegram.users.document(group, boris, "c.md", PLAN.encode(), caption=f"@{name}")
    (told,) = await answered(telegram, group, 1)
    assert told.startswith("«c.md» прочитан, и в этом чате я помню его для вас (отрывков: 1).")
    assert await in_library(services) == []
    telegram.users.document(group, anna, "d.md", PLAN.encode(), caption=f"@{name}")
    assert (await answered(telegram, group, 2))[-1].startswith("Документ «d.md» теперь в библиотеке")
    assert await in_library(services) == ["d.md"]


async def test_an_album_is_read_one_after_another(services: Services, telegram: FakeTelegram) -> None:
    boris = telegram.users.person("Борис", language="ru")
    names = [f"{n}.md" for n in range(4)]
    for name in names:
        telegram.users.document(boris, boris, name, PLAN.encode())
    told = await answered(telegram, boris, 4)
    assert sorted(text.split("»")[0] for text in told) == [f"«{name}" for name in names]
    assert all("другим людям он не виден" in text for text in told)


async def test_a_file_larger_than_telegram_gives_is_refused_unasked(
    services: Services, telegram: FakeTelegram, anna: int
) -> None:
    telegram.users.document(anna, anna, "book.pdf", b"%PDF", size=30 << 20)
    (told,) = await answered(telegram, anna, 1)
    assert told == "Документ «book.pdf» не принят. В нём больше 20 МБ. Разделите его на файлы поменьше."
    assert labels(telegram, anna) == []
    telegram.users.document(anna, anna, "cat.jpg", b"\xff\xd8")
    told = (await answered(telegram, anna, 2))[-1]
    assert told.startswith("Документ «cat.jpg» не принят.")
    assert ".docx" in told
