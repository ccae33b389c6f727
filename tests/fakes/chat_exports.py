"""Writes conversations in the forms of Telegram Desktop, WhatsApp and DiscordChatExporter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.library.parse.chats import AttachmentKind, Message

TELEGRAM_MEDIA = {
    AttachmentKind.STICKER: "sticker",
    AttachmentKind.VIDEO: "video_file",
    AttachmentKind.VOICE: "voice_message",
    AttachmentKind.ANIMATION: "animation",
}


def telegram_chat(messages: Iterable[Message], **chat: Any) -> dict[str, Any]:
    """A chat as Telegram Desktop exports it."""
    head = {"name": "Family", "type": "private_group", "id": 4242}
    return {**head, **chat, "messages": [telegram_message(message) for message in messages]}


def telegram_account(*chats: dict[str, Any], left: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """All chats of an account as Telegram Desktop exports them, among other things."""
    return {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": 7, "first_name": "Test", "bio": '{["]}'},
        "contacts": {"about": "…", "list": [{"first_name": "Anna", "date": "2026-01-01T00:00:00"}]},
        "chats": {"about": "…", "list": list(chats)},
        "left_chats": {"about": "…", "list": list(left)},
    }


def telegram_message(message: Message) -> dict[str, Any]:
    record: dict[str, Any] = {"id": int(message.id), "type": "message"}
    record["date"] = message.time.replace(tzinfo=None).isoformat(timespec="seconds")
    if message.time.tzinfo:
        record["date_unixtime"] = str(int(message.time.timestamp()))
    record |= {"from": message.speaker or None, "from_id": message.speaker_id}
    if message.edited:
        record |= {"edited": "2026-06-01T00:00:00", "edited_unixtime": "1780272000"}
    if message.reply_to:
        record["reply_to_message_id"] = int(message.reply_to)
    if message.forwarded_from is not None:
        record["forwarded_from"] = message.forwarded_from or None
    for attachment in message.attachments:
        record |= _telegram_attachment(attachment.kind, attachment.name)
    return record | {"text": telegram_text(message.text), "text_entities": []}


def telegram_text(text: str) -> Any:
    """A text in parts, one of them bold, where it is long enough; else as it is."""
    third = len(text) // 3
    if not third:
        return text
    return [text[:third], {"type": "bold", "text": text[third : 2 * third]}, text[2 * third :]]


def _telegram_attachment(kind: AttachmentKind, name: str) -> dict[str, Any]:
    if kind is AttachmentKind.PHOTO:
        return {"photo": "photos/photo_1.jpg", "width": 1, "height": 1}
    if kind is AttachmentKind.POLL:
        question, *answers = name.split("\n")
        listed = [{"text": answer, "voters": 1, "chosen": False} for answer in answers]
        return {"poll": {"question": question, "closed": False, "total_voters": 1, "answers": listed}}
    if kind is AttachmentKind.CONTACT:
        return {"contact_information": {"first_name": name, "last_name": "", "phone_number": ""}}
    if kind is AttachmentKind.LOCATION:
        return {"place_name": name, "location_information": {"latitude": 1.5, "longitude": 2.5}}
    if kind is AttachmentKind.AUDIO:
        return {"file": "a.mp3", "media_type": "audio_file", "title": name}
    if kind is AttachmentKind.STICKER:
        return {"file": "a.webp", "media_type": "sticker", "sticker_emoji": name}
    if kind in TELEGRAM_MEDIA:
        return {"file": "files/a.bin", "media_type": TELEGRAM_MEDIA[kind]}
    return {"file": f"files/{name}", "file_name": name}


def telegram_json(export: dict[str, Any]) -> str:
    """The export as text; control characters are written as Telegram Desktop does, not as JSON would have it."""
    text = json.dumps(export, ensure_ascii=False, indent=1)
    return re.sub(r"\\u00([01][0-9a-f])", lambda match: f"\\x{match[1].upper()}", text)


@dataclass(frozen=True)
class WhatsAppForm:
    """How a phone writes the beginnings of messages."""

    date: str = "%d.%m.%Y"
    time: str = "%H:%M"
    ios: bool = False
    line_end: str = "\n"
    bom: str = ""

    def header(self, time: datetime) -> str:
        date, clock = time.strftime(self.date), time.strftime(self.time)
        return f"[{date}, {clock}] " if self.ios else f"{date}, {clock} - "


OMITTED = {
    AttachmentKind.PHOTO: "image omitted",
    AttachmentKind.VIDEO: "видео отсутствует",
    AttachmentKind.VOICE: "audio omitted",
    AttachmentKind.STICKER: "стикер отсутствует",
    AttachmentKind.ANIMATION: "GIF omitted",
    AttachmentKind.CONTACT: "Contact card omitted",
    AttachmentKind.OTHER: "<Без медиафайлов>",
}
SYSTEM = "Сообщения и звонки защищены сквозным шифрованием. Их не видят даже в WhatsApp."


def whatsapp_text(messages: Sequence[Message], form: WhatsAppForm) -> str:
    lines = [form.header(messages[0].time) + SYSTEM]
    for message in messages:
        body = message.text
        for attachment in message.attachments:
            mark = "\u200e" if form.ios else ""
            shown = OMITTED.get(attachment.kind) or f"{attachment.name} (file attached)"
            body = f"{mark}{shown}\n{body}".strip("\n")
        if message.edited:
            body += " \u200e<This message was edited>" if form.ios else " <Сообщение изменено>"
        lines.append(f"{form.header(message.time)}{message.speaker}: {body}")
    return form.bom + form.line_end.join("\n".join(lines).split("\n")) + form.line_end


def discord_json(messages: Iterable[Message], **channel: Any) -> str:
    """A channel as DiscordChatExporter exports it."""
    export = {
        "guild": {"id": "1", "name": "Club", "iconUrl": "x"},
        "channel": {"id": "2", "type": "GuildTextChat", "category": "Text", "name": "talk", "topic": None, **channel},
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2026-06-01T00:00:00+00:00",
        "messages": [discord_message(message) for message in messages],
    }
    return json.dumps(export, ensure_ascii=False)


def discord_message(message: Message) -> dict[str, Any]:
    files = [item for item in message.attachments if item.kind is not AttachmentKind.STICKER]
    stickers = [item for item in message.attachments if item.kind is AttachmentKind.STICKER]
    content: dict[str, Any] = {
        "content": message.text,
        "attachments": [{"id": "1", "url": "u", "fileName": file.name, "fileSizeBytes": 1} for file in files],
        "embeds": [],
        "stickers": [{"id": "1", "name": item.name, "format": "Png", "sourceUrl": "u"} for item in stickers],
    }
    forwarded = message.forwarded_from is not None
    record: dict[str, Any] = {
        "id": message.id,
        "type": "Reply" if message.reply_to else "Default",
        "timestamp": message.time.isoformat(),
        "timestampEdited": "2026-06-01T00:00:00+00:00" if message.edited else None,
        "author": {"id": message.speaker_id, "name": "n", "nickname": message.speaker, "isBot": False},
        "mentions": [],
        **(content if not forwarded else {"content": "", "attachments": [], "embeds": [], "stickers": []}),
    }
    if forwarded:
        record["forwardedMessage"] = content
        record["reference"] = {"type": "Forward", "messageId": "9"}
    elif message.reply_to:
        record["reference"] = {"type": "Default", "messageId": message.reply_to}
    return record


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """A time in May 2026, in UTC."""
    return datetime(2026, 5, day, hour, minute, tzinfo=UTC)
