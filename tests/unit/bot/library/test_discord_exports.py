"""Exports of DiscordChatExporter, as JSON and as CSV."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.library.parse import dialogue
from bot.library.parse.block import BlockKind
from bot.library.parse.chats import Attachment, AttachmentKind, Conversation, ConversationKind, Message, open_export
from bot.library.parse.limits import ParseLimits
from tests.fakes.chat_exports import at, discord_json, discord_message

PLAIN = Message("1", "Anna", at(12), "Hi", speaker_id="11")


def conversation(folder: Path, content: str, name: str = "a.json") -> Conversation:
    (folder / name).write_text(content, encoding="utf-8")
    [found] = open_export(folder / name, ParseLimits(), lambda: pytest.fail("A message was skipped.")).conversations
    return found


def message(folder: Path, **fields: Any) -> Message:
    export = json.loads(discord_json([]))
    export["messages"] = [discord_message(PLAIN) | fields]
    # Within the folder of one test the file is written anew each time.
    (folder / "a.json").write_text(json.dumps(export), encoding="utf-8")
    [found] = open_export(folder / "a.json", ParseLimits()).conversations
    [only] = found.messages
    return only


@pytest.mark.parametrize(
    ("channel", "title", "kind"),
    [
        ({}, "Club #talk", ConversationKind.GROUP),
        ({"type": "GuildNews", "name": "news"}, "Club #news", ConversationKind.CHANNEL),
        ({"type": "GuildPublicThread", "name": "Тема"}, "Club #Тема", ConversationKind.GROUP),
        ({"type": "DirectTextChat", "name": "Anna"}, "Anna", ConversationKind.PRIVATE),
        ({"type": "DirectGroupTextChat", "name": "Anna, Boris"}, "Anna, Boris", ConversationKind.GROUP),
    ],
)
def test_title_and_kind(tmp_path: Path, channel: dict[str, str], title: str, kind: ConversationKind) -> None:
    found = conversation(tmp_path, discord_json([PLAIN], **channel))
    assert (found.title, found.kind) == (title, kind)


def test_names(tmp_path: Path) -> None:
    assert message(tmp_path, author={"id": "11", "name": "anna_1", "nickname": "Анна"}).speaker == "Анна"
    assert message(tmp_path, author={"id": "11", "name": "anna_1"}).speaker == "anna_1"
    mentions = [{"id": "12", "name": "boris", "nickname": "Борис"}]
    assert message(tmp_path, content="<@12> и <@!12>, <@13>", mentions=mentions).text == "@Борис и @Борис, <@13>"


def test_time_keeps_its_zone(tmp_path: Path) -> None:
    sent = message(tmp_path, timestamp="2026-05-12T14:33:07.1234567+03:00").time
    assert sent.utcoffset() == timedelta(hours=3)
    assert sent.replace(microsecond=0) == datetime(2026, 5, 12, 11, 33, 7, tzinfo=UTC)


def test_replies_and_forwarded_messages(tmp_path: Path) -> None:
    reply = message(tmp_path, type="Reply", reference={"messageId": "9", "channelId": "2", "guildId": "1"})
    assert (reply.reply_to, reply.forwarded_from) == ("9", None)
    forwarded = message(
        tmp_path,
        content="",
        reference={"type": "Forward", "messageId": "9"},
        forwardedMessage={"content": "Слова", "attachments": [{"fileName": "a.png"}], "embeds": [], "stickers": []},
    )
    assert (forwarded.reply_to, forwarded.forwarded_from, forwarded.text) == ("", "", "Слова")
    assert forwarded.attachments == (Attachment(AttachmentKind.PHOTO, "a.png"),)


def test_attachments(tmp_path: Path) -> None:
    files = ["a.png", "b.mp4", "voice-message.ogg", "c.mp3", "d.zip", "e"]
    found = message(
        tmp_path, attachments=[{"fileName": name} for name in files], stickers=[{"name": "Wave", "format": "Lottie"}]
    )
    assert [(item.kind.value, item.name) for item in found.attachments] == [
        ("photo", "a.png"),
        ("video", "b.mp4"),
        ("voice", "voice-message.ogg"),
        ("audio", "c.mp3"),
        ("file", "d.zip"),
        ("file", "e"),
        ("sticker", "Wave"),
    ]


def test_panels_of_a_bot_are_its_text(tmp_path: Path) -> None:
    embeds = [
        {"title": "Погода", "description": "Ясно", "fields": [{"name": "Ветер", "value": "3 м/с"}, {"name": "x"}]}
    ]
    assert message(tmp_path, type="20", content="", embeds=embeds).text == "Погода\nЯсно\nВетер: 3 м/с\nx"
    assert message(tmp_path, content="Само", embeds=embeds).text == "Само"


@pytest.mark.parametrize("kind", ["GuildMemberJoin", "ChannelPinnedMessage", "Call", "ThreadCreated", "8", "21"])
def test_service_messages_are_none(tmp_path: Path, kind: str) -> None:
    export = json.loads(discord_json([]))
    export["messages"] = [discord_message(PLAIN) | {"type": kind}]
    assert list(conversation(tmp_path, json.dumps(export)).messages) == []


CSV = (
    "AuthorID,Author,Date,Content,Attachments,Reactions\r\n"
    '"11","anna","2026-05-12T14:33:00.0000000+03:00","Раз, ""два""\r\nи три",'
    '"https://cdn/a%20b.png?ex=1,c.pdf","👍 (1)"\r\n'
    '"12","boris","2026-05-12T14:34:00.0000000+03:00","Ага","",""\r\n'
)


def test_csv(tmp_path: Path) -> None:
    first, second = conversation(tmp_path, CSV, "a.csv").messages
    assert (first.speaker, first.speaker_id, first.text) == ("anna", "11", 'Раз, "два"\r\nи три')
    assert first.time == datetime(2026, 5, 12, 11, 33, tzinfo=UTC)
    assert first.attachments == (
        Attachment(AttachmentKind.PHOTO, "a b.png"),
        Attachment(AttachmentKind.FILE, "c.pdf"),
    )
    assert (second.id, second.text, second.attachments) == ("2", "Ага", ())


def test_csv_row_that_is_no_message_loses_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV + '"13","x"\r\n"13","x","soon","","",""\r\n', encoding="utf-8")
    skipped: list[None] = []
    [found] = open_export(tmp_path / "a.csv", ParseLimits(), lambda: skipped.append(None)).conversations
    assert (sum(1 for _ in found.messages), len(skipped)) == (2, 2)


def test_other_csv_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("week,load\n1,80\n")
    assert [block.kind for block in dialogue.read_csv(tmp_path / "a.csv", ParseLimits())] == [BlockKind.ROW]
    (tmp_path / "a.csv").write_text(CSV, encoding="utf-8")
    assert [block.kind for block in dialogue.read_csv(tmp_path / "a.csv", ParseLimits())] == [BlockKind.EXCHANGE]
