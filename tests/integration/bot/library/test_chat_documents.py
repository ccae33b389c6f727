"""Chats in the library: exports of Telegram and WhatsApp are ingested, found and cited by day and time."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from bot.library.ingest import Ingest
from bot.library.parse.chats import Message
from bot.library.parse.errors import DamagedExport, NotAChat
from bot.library.search import Library
from bot.minds.schema import CollectionKind
from tests.fakes.chat_exports import WhatsAppForm, telegram_account, telegram_chat, telegram_json, whatsapp_text
from tests.fixtures.library import WriteMind

CONFIG = """
collections:
  chats: {kind: dialogue, path: chats/*, language: [en, ru]}
"""
MORNING = datetime.fromisoformat("2026-05-12T09:41")


def said(*messages: tuple[str, str], day: int = 0) -> list[Message]:
    return [
        Message(str(number), speaker, MORNING + timedelta(days=day, minutes=number), text)
        for number, (speaker, text) in enumerate(messages)
    ]


TELEGRAM = telegram_json(
    telegram_account(
        telegram_chat(
            [
                *said(("Anna", "Where is the key of the boathouse?"), ("Boris", "Under the blue flowerpot.")),
                *said(("Anna", "How long does the sourdough rest?"), ("Boris", "Eleven hours in the cold."), day=1),
            ],
            name="Lake house",
        ),
        telegram_chat(said(("Вера", "Когда поезд?"), ("Анна", "Электричка уходит в семь.")), name="Поездка"),
    )
)
WHATSAPP = whatsapp_text(
    said(
        ("Глеб", "Сколько стоит ремонт велосипеда?"), ("Анна: работа", "Мастер взял три тысячи за велосипед."), day=30
    ),
    WhatsAppForm("%d/%m/%Y"),
)


async def test_chats_are_found(ingest: Ingest, small_mind: WriteMind, library_of: Callable[[str], Library]) -> None:
    files = {"chats/result.json": TELEGRAM, "chats/Велосипед.txt": WHATSAPP}
    mind = small_mind({**files, "chats/package.json": '{"name": "x"}', "chats/half.json": TELEGRAM[:-9]}, CONFIG)
    report = await ingest.synchronise(mind)
    assert report.ingested == 2
    refusals = {skipped.uri: type(skipped.reason) for skipped in report.skipped}
    assert refusals == {"chats/package.json": NotAChat, "chats/half.json": DamagedExport}
    library = library_of("small")

    [key, *_] = await library.search("Where is the boathouse key?")
    assert (key.title, key.where) == ("result", "§ Lake house, 2026-05-12 09:41–09:42")
    assert (key.kind, key.dated) == (CollectionKind.DIALOGUE, date(2026, 5, 12))
    assert key.quote == ("Anna (09:41): Where is the key of the boathouse?\nBoris (09:42): Under the blue flowerpot.")
    [train, *_] = await library.search("Когда уходит электричка?")
    assert train.where == "§ Поездка, 2026-05-12 09:41–09:42"
    [bicycle, *_] = await library.search("ремонт велосипеда")
    assert (bicycle.title, bicycle.where) == ("Велосипед", "2026-06-11 09:41–09:42")
    assert "Мастер взял три тысячи" in bicycle.quote

    later = await library.search("sourdough электричка велосипед", since=date(2026, 5, 13), limit=50)
    assert {passage.dated for passage in later} == {date(2026, 5, 13), date(2026, 6, 11)}
    assert (await ingest.synchronise(mind)).unchanged == 2


async def test_grown_chat_keeps_its_exchanges(ingest: Ingest, small_mind: WriteMind) -> None:
    first = said(("Anna", "Where is the key?"), ("Boris", "Under the pot."))
    more = said(("Anna", "Thank you."), day=1)
    await ingest.synchronise(small_mind({"chats/a.json": telegram_json(telegram_chat(first))}, CONFIG))
    report = await ingest.synchronise(
        small_mind({"chats/a.json": telegram_json(telegram_chat([*first, *more]))}, CONFIG)
    )
    assert (report.chunks_kept, report.chunks_added, report.embedded) == (1, 1, 1)
