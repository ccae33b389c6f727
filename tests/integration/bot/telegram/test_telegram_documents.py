"""Documents sent in Telegram: by an owner and by others, in private and in groups."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.app import telegram as app_telegram
from bot.app.bootstrap import Services, open_services
from bot.app.server import listen_for_notifications
from bot.app.settings import Settings
from bot.app.telegram import open_telegram
from bot.core.background import run_in_background
from bot.intake.attachments import progress
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from bot.turns.worker import Worker, WorkerOptions
from db.library import uploads
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.telegram.server import TOKEN, FakeTelegram
from tests.fixtures.minds import copy_bilingual_mind
from tests.integration.bot.telegram.conftest import UNLIMITED, labels, texts

PLAN = "# Зимний план\n\nВ январе новобранец проходит на лыжах сорок километров в неделю.\n"


@pytest.fixture
def settings(
    sglang_settings: Settings, server: SGLangServer, telegram: FakeTelegram, anna: int, dsn: str, tmp_path: Path
) -> Settings:
    """Settings with Anna as the owner."""
    server.pieces = ["Новобранец проходит на лыжах сорок километров в неделю."]
    folder = tmp_path / "agoge"
    copy_bilingual_mind(folder)
    spec = folder / "mind.yaml"
    spec.write_text(spec.read_text("utf-8").replace("default_mode: auto", "default_mode: core"), "utf-8")
    changes = {"mind": folder, "database_url": SecretStr(dsn), "prewarm_modes": 0, "telegram_token": SecretStr(TOKEN)}
    return sglang_settings.model_copy(
        update={**changes, "telegram_api": telegram.url, "owners": (f"telegram:{anna}",), "telegram_per_second": 1000}
    )


@pytest_asyncio.fixture(loop_scope="session")
async def services(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """The services of a process whose gateway and worker run, without rate limits."""
    monkeypatch.setattr(app_telegram, "BotApiLimits", lambda overall: replace(UNLIMITED, overall=overall))
    async with (
        open_services(settings, role="all") as services,
        open_telegram(settings, services, receives=True) as channels,
    ):
        mind = services.mind.name
        entrypoints = [delivery_entrypoint(mind), answer_entrypoint(mind)]
        worker = Worker(
            database=services.database,
            mind=mind,
            heartbeat=services.heartbeat,
            runner=services.turn_runner,
            platforms=channels.platforms,
            options=WorkerOptions(entrypoints, concurrency=4, drain_timeout=5, database_timeout=20),
        )
        async with (
            run_in_background(listen_for_notifications(services, worker), "listening"),
            run_in_background(worker.run(), "worker"),
            run_in_background(channels.gateways["telegram"].run(), "gateway"),
        ):
            yield services


async def answered(telegram: FakeTelegram, chat: int, count: int) -> list[str]:
    """The texts of the bot's messages, as soon as there are so many and each is final."""

    def final_texts() -> list[str] | None:
        shown = texts(telegram, chat)
        final = [
            text for text in shown if text != "…" and not text.endswith(" …") and not text.startswith("Сначала отвечу")
        ]
        return final if len(final) == len(shown) >= count else None

    return await telegram.wait_for(final_texts, within=60)


async def library_documents(services: Services) -> list[str]:
    """Names of the documents that were uploaded to the library."""
    async with services.database.anonymous_transaction() as connection:
        return [upload.name for upload in await uploads.list_all(connection, services.mind.name)]


async def test_owners_document_goes_to_the_library_and_is_cited(
    services: Services, telegram: FakeTelegram, anna: int
) -> None:
    sent = telegram.users.document(anna, anna, "план.md", PLAN.encode(), caption="В библиотеку, пожалуйста")
    (result,) = await answered(telegram, anna, 1)
    assert result == (
        "Документ «план.md» теперь в библиотеке (отрывков: 1). /library покажет, что там есть,"
        " «/library удалить план.md» удалит его."
    )
    (message,) = telegram.users.answers(anna)
    assert message.reply_to == sent
    telegram.users.say(anna, anna, "Сколько километров на лыжах в январе?")
    _, answer = await answered(telegram, anna, 2)
    assert answer.startswith("Новобранец проходит на лыжах сорок километров в неделю. [1]")
    assert "Зимний план" in answer
    telegram.users.say(anna, anna, "/library удалить план.md")
    assert (await answered(telegram, anna, 3))[-1] == "Документ «план.md» удалён из библиотеки."


async def test_reading_progress_is_shown_in_the_message_of_the_result(
    services: Services, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INITIAL_DELAY", 0.0)
    monkeypatch.setattr(progress, "UPDATE_INTERVAL", 0.0)
    boris = telegram.users.person("Борис", language="ru")
    text = "".join(f"Запись {n}. Сегодня пройдено {n} километров по снегу и льду.\n\n" for n in range(60))
    telegram.users.document(boris, boris, "дневник.md", text.encode())
    (result,) = await answered(telegram, boris, 1)
    assert result.startswith("«дневник.md» прочитан, я его помню (отрывков: ")
    (message,) = telegram.users.answers(boris)
    shown = [state.text for state in telegram.records.states if state.message == message.id]
    assert shown[0] == "…"
    assert any(re.fullmatch(r"Запоминаю «дневник.md»: отрывков \d+ из \d+ …", text) for text in shown)
    assert shown[-1] == result


async def test_group_document_needs_a_mention(services: Services, telegram: FakeTelegram, anna: int) -> None:
    boris = telegram.users.person("Борис", language="ru")
    group = telegram.users.group("Чтение", [anna, boris])
    telegram.core.privacy = False
    name = telegram.core.world.bot.username
    telegram.users.document(group, anna, "a.md", PLAN.encode())
    telegram.users.document(group, anna, "b.md", PLAN.encode(), caption="Для всех")
    telegram.users.document(group, boris, "c.md", PLAN.encode(), caption=f"@{name}")
    (result,) = await answered(telegram, group, 1)
    assert result.startswith("«c.md» прочитан, и в этом чате я помню его для вас (отрывков: 1).")
    assert await library_documents(services) == []
    telegram.users.document(group, anna, "d.md", PLAN.encode(), caption=f"@{name} добавь в библиотеку")
    assert (await answered(telegram, group, 2))[-1].startswith("Документ «d.md» теперь в библиотеке")
    assert await library_documents(services) == ["d.md"]


@pytest.mark.usefixtures("patient_joining")
async def test_album_of_documents_is_one_message(services: Services, telegram: FakeTelegram) -> None:
    boris = telegram.users.person("Борис", language="ru")
    names = [f"{n}.md" for n in range(8)]
    for name in names:
        telegram.users.document(boris, boris, name, PLAN.encode(), album="9")
    (result,) = await answered(telegram, boris, 1)
    lines = result.split("\n")
    assert [line.split("»")[0] for line in lines] == [f"«{name}" for name in names]
    assert all("другим людям он не виден" in line for line in lines)


async def test_documents_sent_one_by_one_are_messages_of_their_own(services: Services, telegram: FakeTelegram) -> None:
    boris = telegram.users.person("Борис", language="ru")
    for name in ("a.md", "b.md"):
        telegram.users.document(boris, boris, name, PLAN.encode())
    result = await answered(telegram, boris, 2)
    assert sorted(text.split("»")[0] for text in result) == ["«a.md", "«b.md"]


@pytest.mark.usefixtures("patient_joining")
async def test_caption_of_any_document_of_an_album_is_for_all(
    services: Services, telegram: FakeTelegram, anna: int
) -> None:
    for name, caption in (("a.md", ""), ("b.md", ""), ("c.md", "В библиотеку")):
        telegram.users.document(anna, anna, name, PLAN.encode(), caption=caption, album="9")
    (result,) = await answered(telegram, anna, 1)
    assert result.count("теперь в библиотеке") == 3
    assert await library_documents(services) == ["a.md", "b.md", "c.md"]


async def test_owner_is_offered_the_library(services: Services, telegram: FakeTelegram, anna: int) -> None:
    telegram.users.document(anna, anna, "план.md", PLAN.encode())
    (result,) = await answered(telegram, anna, 1)
    assert "другим людям он не виден" in result
    assert await library_documents(services) == []
    assert labels(telegram, anna) == ["📚 Добавить в библиотеку"]
    telegram.users.press(anna, anna, "📚 Добавить в библиотеку")
    assert (await answered(telegram, anna, 2))[-1].startswith("Документ «план.md» теперь в библиотеке")
    assert await library_documents(services) == ["план.md"]


async def test_unreadable_document_is_refused(services: Services, telegram: FakeTelegram, anna: int) -> None:
    telegram.users.document(anna, anna, "book.pdf", b"%PDF", size=30 << 20)
    (result,) = await answered(telegram, anna, 1)
    assert result == "Документ «book.pdf» не принят. В нём больше 20 МБ. Разделите его на файлы поменьше."
    assert labels(telegram, anna) == []
    telegram.users.document(anna, anna, "cat.jpg", b"\xff\xd8")
    result = (await answered(telegram, anna, 2))[-1]
    assert result.startswith("Документ «cat.jpg» не принят.")
    assert "(OCR)" in result
