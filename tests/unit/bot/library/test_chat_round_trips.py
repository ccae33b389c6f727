"""Conversations written in the form of each program are read as they were."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.library.parse.chats import Attachment, AttachmentKind, Message, open_export
from bot.library.parse.chats.whatsapp_dates import read_header
from bot.library.parse.limits import ParseLimits
from tests.fakes.chat_exports import (
    OMITTED,
    WhatsAppForm,
    discord_json,
    telegram_account,
    telegram_chat,
    telegram_json,
    whatsapp_text,
)

LETTERS = "abЖя :\n«»\"'-0129,.[]{}()<>/\\\u200f\u200e\u202f\u2067שع😀👩‍👧\u2028\x1f\x0b"
TEXTS = st.text(st.sampled_from(LETTERS), max_size=40).map(str.strip)
NAMES = st.text(st.sampled_from("AbЖя :'-0129.()+~😀ש"), min_size=1, max_size=20).map(
    lambda name: " ".join(name.split())
)
SIMPLE_NAMES = NAMES.filter(lambda name: name and ": " not in name)
TIMES = st.datetimes(datetime.fromisoformat("2011-01-01"), datetime.fromisoformat("2030-01-01")).map(
    lambda time: time.replace(microsecond=0)
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=3)), timezone(-timedelta(hours=3, minutes=30))])
FORMS = [
    WhatsAppForm(),
    WhatsAppForm("%d.%m.%y", "%H:%M:%S", ios=True, line_end="\r\n", bom="\ufeff"),
    WhatsAppForm("%d/%m/%Y", "%H:%M"),
    WhatsAppForm("%m/%d/%y", "%I:%M\u202f%p"),
    WhatsAppForm("%m/%d/%y", "%I:%M:%S %p", ios=True),
    WhatsAppForm("%d/%m/%y", "%I:%M\u00a0%p", bom="\u200e"),
    WhatsAppForm("%Y-%m-%d", "%H:%M"),
    WhatsAppForm("%d-%m-%Y", "%H.%M"),
]


def read(path: Path, content: str) -> list[Message]:
    path.write_text(content, encoding="utf-8", newline="")
    skipped: list[None] = []
    export = open_export(path, ParseLimits(), lambda: skipped.append(None))
    found = [message for conversation in export.conversations for message in conversation.messages]
    assert not skipped
    return found


@st.composite
def attachments(draw: st.DrawFn, kinds: Sequence[AttachmentKind]) -> tuple[Attachment, ...]:
    kind = draw(st.sampled_from([None, *kinds]))
    if kind is None:
        return ()
    unnamed = (AttachmentKind.PHOTO, AttachmentKind.VIDEO, AttachmentKind.VOICE, AttachmentKind.ANIMATION)
    if kind is AttachmentKind.POLL:
        return (Attachment(kind, "\n".join(draw(st.lists(SIMPLE_NAMES, min_size=2, max_size=4)))),)
    return (Attachment(kind, "" if kind in unnamed else draw(SIMPLE_NAMES)),)


@st.composite
def telegram_messages(draw: st.DrawFn) -> list[Message]:
    kinds = [kind for kind in AttachmentKind if kind is not AttachmentKind.OTHER]
    return [
        Message(
            str(number),
            draw(st.one_of(st.just(""), NAMES)),
            draw(TIMES).replace(tzinfo=draw(st.one_of(st.none(), ZONES))),
            draw(TEXTS),
            speaker_id=f"user{draw(st.integers(1, 3))}",
            reply_to=draw(st.sampled_from(["", "1", "2"])),
            forwarded_from=draw(st.one_of(st.none(), st.just(""), NAMES)),
            edited=draw(st.booleans()),
            attachments=draw(attachments(kinds)),
        )
        for number in range(1, draw(st.integers(1, 6)))
    ]


@st.composite
def discord_messages(draw: st.DrawFn) -> list[Message]:
    files = st.builds(Attachment, st.just(AttachmentKind.FILE), SIMPLE_NAMES.map(lambda name: f"{name}.pdf"))
    photos = st.just(Attachment(AttachmentKind.PHOTO, "a.png"))
    stickers = st.builds(Attachment, st.just(AttachmentKind.STICKER), NAMES.filter(bool))
    messages = []
    for number in range(1, draw(st.integers(1, 6))):
        forwarded = draw(st.sampled_from([None, ""]))
        messages.append(
            Message(
                str(number),
                draw(NAMES.filter(bool)),
                draw(TIMES).replace(tzinfo=draw(ZONES)),
                draw(TEXTS),
                speaker_id=draw(st.sampled_from(["11", "12"])),
                reply_to="" if forwarded is not None else draw(st.sampled_from(["", "1"])),
                forwarded_from=forwarded,
                edited=draw(st.booleans()),
                attachments=(
                    *draw(st.lists(st.one_of(files, photos), max_size=2)),
                    *draw(st.lists(stickers, max_size=1)),
                ),
            )
        )
    return messages


@st.composite
def whatsapp_messages(draw: st.DrawFn, form: WhatsAppForm) -> list[Message]:
    texts = TEXTS.filter(lambda text: not any(read_header(line) for line in text.split("\n")))
    if form.ios:
        texts = texts.filter(lambda text: not text.startswith("\u200e"))
    times = sorted(draw(st.lists(TIMES.filter(lambda time: time.year < 2030), max_size=6)))
    seconds = "%S" in form.time
    messages = [
        Message(
            "",
            draw(SIMPLE_NAMES),
            time if seconds else time.replace(second=0),
            draw(texts),
            edited=draw(st.booleans()),
            attachments=draw(attachments([*OMITTED, AttachmentKind.FILE])),
        )
        for time in times
    ]
    messages = [_as_whatsapp_knows(message) for message in messages]
    # Everybody says something short on a 25th: so no name is taken for longer, and the order of day and month is clear.
    last = datetime.fromisoformat("2030-01-25T12:00")
    return [*messages, *(Message("", name, last, "и всё") for name in {"A", *(one.speaker for one in messages)})]


def _as_whatsapp_knows(message: Message) -> Message:
    """Without what an export of WhatsApp does not say."""
    if not message.attachments:
        return message
    [attachment] = message.attachments
    name = f"f{attachment.name.replace('.', '')}.pdf" if attachment.kind is AttachmentKind.FILE else ""
    # Marks in a caption are not kept, and lines that begin in space lose it.
    caption = "a caption: 1" if message.text else ""
    return replace(message, text=caption, attachments=(Attachment(attachment.kind, name),))


@given(messages=telegram_messages())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_telegram(messages: list[Message], tmp_path: Path) -> None:
    assert read(tmp_path / "result.json", telegram_json(telegram_chat(messages))) == messages


@given(messages=telegram_messages(), more=telegram_messages())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_telegram_account(messages: list[Message], more: list[Message], tmp_path: Path) -> None:
    export = telegram_account(telegram_chat(messages), telegram_chat([]), left=[telegram_chat(more)])
    assert read(tmp_path / "result.json", telegram_json(export)) == messages + more


@given(messages=telegram_messages())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_telegram_with_members_in_another_order(messages: list[Message], tmp_path: Path) -> None:
    export = telegram_account(telegram_chat(messages, name="Семья"))
    (tmp_path / "a.json").write_text(json.dumps(export, sort_keys=True), encoding="utf-8")
    [conversation] = open_export(tmp_path / "a.json", ParseLimits()).conversations
    assert conversation.title == "Семья"
    assert read(tmp_path / "a.json", json.dumps(export, sort_keys=True)) == messages


@given(messages=discord_messages())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_discord(messages: list[Message], tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", discord_json(messages)) == messages


@pytest.mark.parametrize(
    "form", FORMS, ids=lambda form: f"{form.date} {form.time!a} {'iOS' if form.ios else 'Android'}"
)
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_whatsapp(form: WhatsAppForm, data: st.DataObject, tmp_path: Path) -> None:
    messages = data.draw(whatsapp_messages(form))
    assume(all(message.speaker for message in messages))
    found = read(tmp_path / "chat.txt", whatsapp_text(messages, form))
    assert [replace(message, id="") for message in found] == messages
    assert len({message.id for message in found}) == len(messages)
