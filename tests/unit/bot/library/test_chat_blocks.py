"""The exchanges that a chat is cut into, and how they are cited."""

import itertools
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.i18n import Translator
from bot.library.chunk import ChunkOptions, chunk_blocks
from bot.library.chunk.units import document_title
from bot.library.parse.block import Block, BlockKind
from bot.library.parse.chats import Attachment, AttachmentKind, Message
from bot.library.parse.chats.blocks import OCCASION_GAP
from bot.library.parse.errors import NotAChat, NotText
from bot.library.parse.formats import reader_for
from bot.library.parse.limits import ParseLimits
from tests.fakes.chat_exports import WhatsAppForm, telegram_account, telegram_chat, telegram_json, whatsapp_text

NOON = datetime.fromisoformat("2026-05-12T12:00")
Blocks = Callable[..., list[Block]]


@pytest.fixture
def blocks(tmp_path: Path) -> Blocks:
    def read(content: str, name: str = "result.json", *, is_dialogue: bool = True) -> list[Block]:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return list(reader_for(path, is_dialogue=is_dialogue)(path, ParseLimits()))

    return read


def said(*messages: tuple[int, str, str], **fields: str) -> list[Message]:
    """Messages of a speaker with a text, so many minutes after noon."""
    return [
        Message(str(number), speaker, NOON + timedelta(minutes=minute), text, **fields)
        for number, (minute, speaker, text) in enumerate(messages, 1)
    ]


def chat(messages: Iterable[Message], **head: object) -> str:
    return telegram_json(telegram_chat(messages, **head))


def texts(found: Iterable[Block]) -> list[str]:
    return [block.text for block in found if block.kind is BlockKind.EXCHANGE]


def test_exchanges_are_pairs_of_turns(blocks: Blocks) -> None:
    found = blocks(chat(said((0, "Анна", "Раз"), (1, "Анна", "Два"), (2, "Борис", "Ага"), (3, "Анна", "Три"))))
    assert [(block.kind.value, block.text, block.number, block.sent, block.sent_last) for block in found] == [
        ("title", "Family", 0, "", ""),
        ("exchange", "Анна (12:00): Раз\nДва\nБорис (12:02): Ага", 1, "2026-05-12T12:00", "2026-05-12T12:02"),
        ("exchange", "Анна (12:03): Три", 2, "2026-05-12T12:03", "2026-05-12T12:03"),
    ]


def test_silence_ends_an_exchange(blocks: Blocks) -> None:
    gap = int(OCCASION_GAP.total_seconds()) // 60
    assert len(texts(blocks(chat(said((0, "A", "x"), (gap, "B", "y")))))) == 1
    assert len(texts(blocks(chat(said((0, "A", "x"), (gap + 1, "B", "y")))))) == 2


def test_accounts_with_one_name_are_different_speakers(blocks: Blocks) -> None:
    [first, second] = said((0, "A", "x"), (1, "A", "y"))
    messages = [first, Message(second.id, "A", second.time, "y", speaker_id="user2")]
    assert texts(blocks(chat(messages))) == ["A (12:00): x\nA (12:01): y"]


def test_reply_beyond_the_exchange_quotes_what_it_replies_to(blocks: Blocks) -> None:
    [*asked, reply, more] = said(
        (0, "A", "Где\nключ?"),
        (1, "B", "Не знаю"),
        (2, "A", "Жаль"),
        (3, "B", "Ну"),
        (4, "B", "Под горшком"),
        (5, "B", "!"),
    )
    reply = Message(reply.id, "B", reply.time, reply.text, reply_to="1")
    more = Message(more.id, "B", more.time, more.text, reply_to=reply.id)
    assert texts(blocks(chat([*asked, reply, more])))[1] == (
        "A (12:02): Жаль\nB (12:03): Ну\n> A: Где ключ?\nB (12:04): Под горшком\n!"
    )


def test_long_message_is_quoted_in_part(blocks: Blocks) -> None:
    [first, other, reply] = said((0, "A", "слово " * 100), (300, "B", "x"), (600, "B", "y"))
    reply = Message(reply.id, "B", reply.time, "y", reply_to="1")
    quotation = texts(blocks(chat([first, other, reply])))[-1].split("\n")[0]
    assert quotation.startswith("> A: слово слово")
    assert quotation.endswith("слово…")
    assert len(quotation) < 130


def test_forwarded_messages_name_their_author(blocks: Blocks) -> None:
    [own, forwarded, unknown] = said((0, "A", "Смотри"), (1, "A", "Слова"), (1000, "A", "Ещё"))
    messages = [
        own,
        Message(forwarded.id, "A", forwarded.time, "Слова", forwarded_from="Канал"),
        Message(unknown.id, "A", unknown.time, "Ещё", forwarded_from=""),
    ]
    assert texts(blocks(chat(messages))) == [
        "A (12:00): Смотри\nA (12:01, ↪ Канал): Слова",
        "A (04:40, ↪): Ещё",
    ]


def test_attachments_are_signs(blocks: Blocks) -> None:
    [photo, answer, alone] = said((0, "A", "Вот"), (1, "B", ""), (1000, "A", ""))
    messages = [
        Message(photo.id, "A", photo.time, "Вот", attachments=(Attachment(AttachmentKind.PHOTO),)),
        Message(answer.id, "B", answer.time, attachments=(Attachment(AttachmentKind.FILE, "план.pdf"),)),
        Message(alone.id, "A", alone.time, attachments=(Attachment(AttachmentKind.PHOTO),)),
    ]
    # The last one has no word by which it could be found.
    assert texts(blocks(chat(messages))) == ["A (12:00): 🖼\nВот\nB (12:01): 📎 план.pdf"]


def test_posts_of_a_channel_stand_alone(blocks: Blocks) -> None:
    messages = said((0, "Канал", "Раз"), (1, "Канал", "Два"))
    assert len(texts(blocks(chat(messages, type="public_channel")))) == 2
    assert len(texts(blocks(chat(messages, type="saved_messages")))) == 2


def test_endless_talk_is_cut(blocks: Blocks) -> None:
    found = texts(blocks(chat(said(*((n, "A", "слово " * 100) for n in range(50))))))
    assert len(found) > 5
    assert max(map(len, found)) < 5000


def test_account_has_a_section_for_each_chat(blocks: Blocks) -> None:
    chats = [
        telegram_chat(said((0, "A", "x")), name="Дача"),
        telegram_chat([], name="Пусто"),
        telegram_chat(said((0, "A", "y")), name="Работа"),
    ]
    found = blocks(telegram_json(telegram_account(*chats)))
    assert [(block.kind.value, block.level, block.text) for block in found if block.kind is BlockKind.HEADING] == [
        ("heading", 2, "Дача"),
        ("heading", 2, "Работа"),
    ]
    assert document_title(found, "result") == "result"
    assert [(chunk.lead, chunk.place) for chunk in chunks(found)] == [
        ("Title › Дача", "§ Дача, 2026-05-12 12:00"),
        ("Title › Работа", "§ Работа, 2026-05-12 12:00"),
    ]


def test_chat_without_a_title_does_not_seem_to_be_the_one_before(blocks: Blocks) -> None:
    chats = [telegram_chat(said((0, "A", "x"))), telegram_chat(said((0, "A", "y")), name=None, id=None)]
    found = blocks(telegram_json(telegram_account(*chats)))
    assert [block.text for block in found if block.kind is BlockKind.HEADING] == ["Family", "?"]


def chunks(found: Iterable[Block]) -> list:
    return list(chunk_blocks(found, "Title", ChunkOptions(40, 10), lambda text: len(text.split()), Translator("ru")))


def test_chat_is_cited_by_day_and_time(blocks: Blocks) -> None:
    found = blocks(chat(said((0, "A", "x"), (2, "B", "y"), (715, "A", "z"), (725, "B", "w"))))
    assert document_title(found, "result") == "Family"
    assert [(chunk.place, chunk.dated) for chunk in chunks(found)] == [
        ("2026-05-12 12:00–12:02", date(2026, 5, 12)),
        ("2026-05-12 23:55 – 2026-05-13 00:05", date(2026, 5, 12)),
    ]


def test_long_message_keeps_its_day_in_each_chunk(blocks: Blocks) -> None:
    found = chunks(blocks(chat(said((0, "A", "слово. " * 200)))))
    assert len(found) > 3
    assert {(chunk.place, chunk.dated) for chunk in found} == {("2026-05-12 12:00", date(2026, 5, 12))}


def test_whatsapp_in_every_collection(blocks: Blocks) -> None:
    text = whatsapp_text(said((0, "Анна", "Где ключ?"), (1, "Борис", "Под горшком")), WhatsAppForm())
    assert texts(blocks(text, "a.txt")) == ["Анна (12:00): Где ключ?\nБорис (12:01): Под горшком"]
    assert {block.kind for block in blocks(text, "a.txt", is_dialogue=False)} == {BlockKind.EXCHANGE}


def test_json_is_read_in_every_collection(blocks: Blocks) -> None:
    assert texts(blocks(chat(said((0, "A", "x"))), is_dialogue=False)) == ["A (12:00): x"]


def test_files_that_are_no_chats(blocks: Blocks) -> None:
    for content in ('{"a": 1}', json.dumps({"messages": [{"role": "user"}], "type": "x"})):
        with pytest.raises(NotAChat):
            blocks(content)
    with pytest.raises(NotText):
        blocks("\x00\x01\x02" * 1000)


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from("ABC"), st.text(st.sampled_from("абв 🙂\n"), max_size=30)),
        max_size=20,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_message_is_lost_and_none_is_moved(blocks: Blocks, spoken: list[tuple[int, str, str]]) -> None:
    minutes = itertools.accumulate(pause for pause, _, _ in spoken)
    messages = said(*((minute, who, text.strip()) for minute, (_, who, text) in zip(minutes, spoken, strict=True)))
    found = texts(blocks(chat([*messages, *said((99_999, "A", "конец"))])))
    everything = "\n".join(found)
    at = 0
    for message in messages:
        at = everything.index(message.text, at) + len(message.text)
