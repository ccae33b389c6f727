"""Exports of Telegram Desktop: every field, and what is damaged in them."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.library.parse.chats import Attachment, AttachmentKind, ConversationKind, Message, open_export
from bot.library.parse.chats.json_stream import BadValue, JsonStream
from bot.library.parse.errors import DamagedExport, DocumentRefused, NotAChat
from bot.library.parse.limits import ParseLimits
from tests.fakes.chat_exports import at, telegram_account, telegram_chat, telegram_json

Export = Callable[[Any], Path]
ANNA = {"from": "Анна", "from_id": "user1"}
SENT = {"date": "2026-05-12T14:33:00", "date_unixtime": "1778585580"}
CHAT = {"name": "Семья", "type": "private_group", "id": 1}


@pytest.fixture
def export(tmp_path: Path) -> Export:
    def write(content: Any) -> Path:
        path = tmp_path / "result.json"
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read(path: Path) -> tuple[list[Message], int]:
    """The messages, and how many were skipped."""
    skipped: list[None] = []
    found = open_export(path, ParseLimits(), lambda: skipped.append(None))
    return [message for chat in found.conversations for message in chat.messages], len(skipped)


def message(path: Path) -> Message:
    [found], skipped = read(path)
    assert not skipped
    return found


def one(**fields: Any) -> dict[str, Any]:
    return {**CHAT, "messages": [{"id": 5, "type": "message", **SENT, **ANNA, "text": "", **fields}]}


def test_time_has_the_zone_that_follows_from_both_dates(export: Export) -> None:
    sent = message(export(one())).time
    assert sent == datetime(2026, 5, 12, 11, 33, tzinfo=UTC)
    assert sent.isoformat() == "2026-05-12T14:33:00+03:00"


@pytest.mark.parametrize("date", [{"date": "2026-05-11T14:33:07"}, {"date": "soon"}, {"date": None}])
def test_time_is_utc_where_the_dates_do_not_fit(export: Export, date: dict[str, Any]) -> None:
    assert message(export(one(**date))).time.utcoffset() == timedelta(0)


def test_time_of_an_old_export_is_that_of_the_clock(export: Export) -> None:
    record = one()
    del record["messages"][0]["date_unixtime"]
    assert message(export(record)).time == datetime.fromisoformat("2026-05-12T14:33")


def test_text_in_parts(export: Export) -> None:
    text = [
        "Смотри ",
        {"type": "text_link", "text": "сюда", "href": "https://example.org"},
        ": ",
        {"type": "pre", "text": "a = 1\n", "language": "python"},
        {"type": "spoiler", "text": "тайна"},
        {"type": "custom_emoji", "text": "🔥", "document_id": "stickers/1.webp"},
        {"type": "mention_name", "text": "Борис", "user_id": 2},
    ]
    assert message(export(one(text=text))).text == "Смотри сюда: a = 1\nтайна🔥Борис"


def test_names_and_references(export: Export) -> None:
    found = message(
        export(one(**{"from": None}, reply_to_message_id=3, forwarded_from=None, edited="2026-05-12T14:40:00"))
    )
    assert (found.speaker, found.speaker_id, found.speaker_name) == ("", "user1", "user1")
    assert (found.reply_to, found.forwarded_from, found.edited) == ("3", "", True)
    assert message(export(one(forwarded_from="Канал"))).forwarded_from == "Канал"
    plain = message(export(one()))
    assert (plain.id, plain.reply_to, plain.forwarded_from, plain.edited) == ("5", "", None, False)


@pytest.mark.parametrize(
    ("fields", "kind", "name"),
    [
        ({"photo": "photos/1.jpg"}, AttachmentKind.PHOTO, ""),
        ({"photo": "(File not included. Change data exporting settings to download.)"}, AttachmentKind.PHOTO, ""),
        ({"file": "v.ogg", "media_type": "voice_message"}, AttachmentKind.VOICE, ""),
        ({"file": "r.mp4", "media_type": "video_message"}, AttachmentKind.VIDEO, ""),
        ({"file": "v.mp4", "media_type": "video_file"}, AttachmentKind.VIDEO, ""),
        ({"file": "a.mp4", "media_type": "animation"}, AttachmentKind.ANIMATION, ""),
        (
            {"file": "a.mp3", "media_type": "audio_file", "performer": "Бах", "title": "Ария"},
            AttachmentKind.AUDIO,
            "Бах – Ария",
        ),
        ({"file": "s.webp", "media_type": "sticker", "sticker_emoji": "🤝"}, AttachmentKind.STICKER, "🤝"),
        ({"file": "files/план.pdf", "file_name": "план.pdf"}, AttachmentKind.FILE, "план.pdf"),
        (
            {
                "poll": {
                    "question": ["Когда", {"type": "bold", "text": "?"}],
                    "answers": [{"text": "Завтра", "voters": 1}],
                }
            },
            AttachmentKind.POLL,
            "Когда?\nЗавтра",
        ),
        (
            {"contact_information": {"first_name": "Иван", "last_name": "Петров", "phone_number": "+7 0"}},
            AttachmentKind.CONTACT,
            "Иван Петров",
        ),
        ({"location_information": {"latitude": 1, "longitude": 2}}, AttachmentKind.LOCATION, ""),
        ({"place_name": "Парк", "address": "Лесная, 1"}, AttachmentKind.LOCATION, "Парк, Лесная, 1"),
        ({"game_title": "Chess", "game_description": "…"}, AttachmentKind.OTHER, "Chess"),
        ({"todo_list": {"title": "Покупки", "answers": []}}, AttachmentKind.OTHER, "Покупки"),
    ],
)
def test_attachments(export: Export, fields: dict[str, Any], kind: AttachmentKind, name: str) -> None:
    assert message(export(one(**fields))).attachments == (Attachment(kind, name),)


def test_service_messages_are_none(export: Export) -> None:
    service = [
        {"id": 1, "type": "service", **SENT, "actor": "Анна", "action": "create_group", "title": "Семья", "text": ""},
        {"id": 2, "type": "unsupported"},
    ]
    assert read(export({**CHAT, "messages": [*service, *one()["messages"]]})) == ([message(export(one()))], 0)


def test_kinds_and_titles(export: Export) -> None:
    chats = [
        {"name": "Борис", "type": "personal_chat", "id": 1, "messages": []},
        {"name": None, "type": "personal_chat", "id": 2, "messages": []},
        {"name": "Бот", "type": "bot_chat", "id": 3, "messages": []},
        {"name": "Группа", "type": "public_supergroup", "id": 4, "messages": []},
        {"name": "Канал", "type": "private_channel", "id": 5, "messages": []},
        {"type": "saved_messages", "id": 6, "messages": []},
        {"name": "Новое", "type": "hologram", "id": 7, "messages": []},
        {"name": "Без сообщений", "type": "personal_chat", "id": 8},
        "no chat",
    ]
    found = open_export(export(telegram_account(*chats)), ParseLimits())
    assert found.is_account
    assert [(chat.title, chat.kind.value) for chat in found.conversations] == [
        ("Борис", "private"),
        ("2", "private"),
        ("Бот", "bot"),
        ("Группа", "group"),
        ("Канал", "channel"),
        ("Saved Messages", "saved"),
        ("Новое", "unknown"),
    ]


def test_conversations_can_be_passed_over(export: Export) -> None:
    chats = [telegram_chat([Message("1", "A", at(1), "x")], name=name) for name in ("a", "b", "c")]
    found = open_export(export(telegram_account(*chats)), ParseLimits())
    assert [chat.title for chat in found.conversations] == ["a", "b", "c"]


BAD = [
    {"id": 1, "type": "message", "date": "soon", **ANNA, "text": "x"},
    {"id": 2, "type": "message", **SENT, **ANNA, "text": {"no": "text"}},
    {"id": 3, "type": "message", **SENT, "date_unixtime": "9" * 30, **ANNA, "text": "x"},
    {"id": 4},
    "a string",
    None,
    [[1]],
]


def test_bad_message_loses_no_other(export: Export) -> None:
    good = one(text="Хорошо")["messages"]
    found, skipped = read(export({**CHAT, "messages": [*good, *BAD, *good]}))
    assert [message.text for message in found] == ["Хорошо", "Хорошо"]
    assert skipped == len(BAD)


def test_message_that_is_no_json_loses_no_other(export: Export) -> None:
    text = json.dumps({**CHAT, "messages": [*one(text="a")["messages"], "BAD", *one(text="b")["messages"]]})
    for bad in ('{"id": }', '{"text": "x" "y"}', '{"a": [1, 2}]', "[" * 5000 + "]" * 5000, "nonsense"):
        found, skipped = read(export(text.replace('"BAD"', bad)))
        assert ([message.text for message in found], skipped) == (["a", "b"], 1)


def test_control_characters_as_telegram_writes_them(export: Export) -> None:
    text = telegram_json(one(text="a\x1fb\\x1F"))
    assert "\\x1F" in text
    assert message(export(text)).text == "a\x1fb\\x1F"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{}", '{"a": 1}', '{"messages": []}', '{"type": "x"}', '"text"', '{"name": 1, "lists": []}'],
)
def test_other_json_is_refused(export: Export, content: str) -> None:
    with pytest.raises(NotAChat):
        read(export(content))


def test_damaged_export_is_refused(export: Export) -> None:
    text = json.dumps(one(text="Hello"))
    with pytest.raises(DamagedExport, match=str(len(text) - 2)):
        read(export(text[:-3]))
    with pytest.raises(DamagedExport):
        read(export(text.replace('"type":', '"type"', 1)))


WHOLE = telegram_json(
    telegram_account(telegram_chat([Message(str(n), "Анна", at(n), "Привет, [мир]! {}") for n in range(1, 4)]))
)


@given(st.integers(0, len(WHOLE) - 1), st.text(st.sampled_from('{}[]",:\\x0'), max_size=3), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_any_damage_is_read_or_refused(export: Export, where: int, instead: str, cut: bool) -> None:
    damaged = WHOLE[:where] + instead + ("" if cut else WHOLE[where + 1 :])
    try:
        found, skipped = read(export(damaged))
    except DocumentRefused:
        return
    assert len(found) + skipped <= 4


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.sampled_from('a"\\{}[]:,ж\n'))),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=3), inner)),
    ),
    st.integers(1, 9),
    st.booleans(),
)
def test_values_are_found_in_a_stream(value: Any, size: int, ascii_only: bool) -> None:
    class Slow(io.StringIO):
        """Gives a few characters at a time, so that every value is cut somewhere."""

        def read(self, _: int | None = -1) -> str:
            return super().read(size)

    text = json.dumps({"first": value, "skipped": value, "list": [value, 1]}, ensure_ascii=ascii_only, indent=1)
    stream = JsonStream(Slow(text))
    keys = stream.members()
    assert next(keys) == "first"
    assert stream.value() == value
    assert next(keys) == "skipped"
    stream.skip()
    assert next(keys) == "list"
    assert [stream.value() for _ in stream.items()] == [value, 1]
    assert list(keys) == []


def test_value_that_cannot_be_decoded_is_passed() -> None:
    stream = JsonStream(io.StringIO('[nope, {"a" 1}, 2]'))
    found: list[Any] = []
    for _ in stream.items():
        try:
            found.append(stream.value())
        except BadValue:
            found.append("bad")
    assert found == ["bad", "bad", 2]


def test_large_export_is_not_held_in_memory(tmp_path: Path) -> None:
    import tracemalloc

    messages = one(text="слово " * 300)["messages"] * 1000
    (tmp_path / "a.json").write_text(json.dumps({**CHAT, "messages": messages}), encoding="utf-8")
    del messages
    tracemalloc.start()
    try:
        [conversation] = open_export(tmp_path / "a.json", ParseLimits()).conversations
        assert conversation.kind is ConversationKind.GROUP
        chats = open_export(tmp_path / "a.json", ParseLimits()).conversations
        assert sum(1 for chat in chats for _ in chat.messages) == 1000
        assert tracemalloc.get_traced_memory()[1] < (tmp_path / "a.json").stat().st_size // 3
    finally:
        tracemalloc.stop()
