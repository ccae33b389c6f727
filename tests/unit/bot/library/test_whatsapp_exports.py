"""Exports of WhatsApp: phones and languages, dates that could be read in two ways, and what WhatsApp itself writes."""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest

from bot.library.parse.chats import Attachment, AttachmentKind, ConversationKind, Message, is_export, open_export
from bot.library.parse.chats.whatsapp import is_export as is_whatsapp
from bot.library.parse.chats.whatsapp import read
from bot.library.parse.errors import Bomb, NotAChat, Unreadable
from bot.library.parse.limits import ParseLimits


def messages(text: str) -> list[Message]:
    assert is_whatsapp(text)
    return list(read(text, lambda: pytest.fail("A message was skipped.")).messages)


def one(line: str) -> Message:
    [message] = messages(line)
    return message


@pytest.mark.parametrize(
    "line",
    [
        "12.05.2026, 09:41 - Анна: привет",
        "12/05/2026, 09:41 - Анна: привет",
        "12.05.26, 09:41 - Анна: привет",
        "12.05.26 09:41 - Анна: привет",
        "12-05-2026 09.41 - Анна: привет",
        "12. 5. 2026, 9:41 - Анна: привет",
        "2026-05-12, 09:41 - Анна: привет",
        "2026/5/12 09:41 - Анна: привет",
        "2026. 5. 12. 오전 9:41 - Анна: привет",
        "12/05/2026 à 09:41 - Анна: привет",
        "12/5/26, 9:41\u202fam - Анна: привет",
        "12/5/2026, 9:41\u00a0a.\u00a0m. - Анна: привет",
        "5/12/26, 9:41\u202fAM - Анна: привет",
        "[12.05.2026, 09:41:00] Анна: привет",
        "[12/05/2026 09:41:00] Анна: привет",
        "\ufeff\u200e[12.05.26, 09:41:00] Анна: привет",
        "[5/12/26, 9:41:00\u202fAM] Анна: привет",
        "[2026/05/12 09:41:00] Анна: привет",
        "12.05.26, 09:41:00: Анна: привет",
        "5/12/26, 9:41:00 AM: Анна: привет",
        "[09:41, 12.05.2026] Анна: привет",
        "[9:41 AM, 5/12/2026] Анна: привет",
        "\u202a12.05.2026, 09:41\u202c – \u202aАнна\u202c: привет",
        "١٢/٠٥/٢٠٢٦، ٠٩:٤١ - Анна: привет",
    ],
)
def test_beginnings_of_messages(line: str) -> None:
    message = one(line)
    assert (message.speaker, message.text) == ("Анна", "привет")
    assert message.time == datetime.fromisoformat("2026-05-12T09:41")


@pytest.mark.parametrize(
    ("clock", "hour"), [("12:05 AM", 0), ("1:05 AM", 1), ("12:05 PM", 12), ("11:05 p. m.", 23), ("13:05 PM", 13)]
)
def test_hours_to_twelve(clock: str, hour: int) -> None:
    assert one(f"25/05/2026, {clock} - A: x").time == datetime.fromisoformat(f"2026-05-25T{hour:02}:05")


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (["01/02/2026", "25/03/2026"], (2026, 2, 1)),
        (["01/02/2026", "03/25/2026"], (2026, 1, 2)),
        # Time does not go back.
        (["01/02/2026", "02/01/2026", "03/01/2026"], (2026, 1, 2)),
        (["01/02/2026", "01/03/2026", "02/03/2026"], (2026, 2, 1)),
        # Nothing but the marks tells.
        (["01/02/2026"], (2026, 2, 1)),
        (["01.02.2026"], (2026, 2, 1)),
        (["2026-02-01", "2026-03-25"], (2026, 2, 1)),
        (["32/02/01"], (2032, 2, 1)),
    ],
)
def test_order_of_day_and_month(dates: list[str], first: tuple[int, int, int]) -> None:
    lines = [f"{date}, 09:41 - A: x" for date in dates]
    assert messages("\n".join(lines))[0].time.date() == date(*first)


def test_american_order_is_told_by_capital_letters() -> None:
    assert one("1/2/26, 9:41 AM - A: x").time.month == 1
    assert one("1/2/26, 9:41 am - A: x").time.month == 2
    assert one("1.2.26, 9:41 AM - A: x").time.month == 2


def test_date_that_does_not_exist_loses_one_message() -> None:
    skipped: list[None] = []
    text = "31.02.2026, 09:00 - A: x\n01.03.2026, 25:00 - A: y\n01.03.2026, 09:00 - A: z"
    found = list(read(text, lambda: skipped.append(None)).messages)
    assert ([message.text for message in found], len(skipped)) == (["z"], 2)


def test_lines_of_a_message() -> None:
    text = "12.05.2026, 09:41 - Анна: раз\n\n два: три\n12.05.2026, но без времени\n12.05.2026, 09:42 - Борис: ага\n"
    assert [message.text for message in messages(text)] == ["раз\n\n два: три\n12.05.2026, но без времени", "ага"]


@pytest.mark.parametrize(
    "line",
    [
        "Сообщения и звонки защищены сквозным шифрованием. Подробнее",
        "Анна создал(а) группу «Дача»",
        "Анна изменил(а) тему группы с «Дача» на «Дача: лето»",
        'Anna changed the subject from "A" to "B: c"',
        "You were added",
        "Анна:.",
        "Анна: Данное сообщение удалено",
        "Anna: This message was deleted",
        "Anna: You deleted this message.",
        "Anna: Missed voice call",
        "Anna: Voice call, 5 min",
        "Анна: Видеозвонок, нет ответа",
        "Анна: Пропущенный аудиозвонок",
        "Anna: Messages and calls are end-to-end encrypted. Only people in this chat can read them.",
    ],
)
def test_service_lines(line: str) -> None:
    assert [message.text for message in messages(f"12.05.2026, 09:41 - {line}\n12.05.2026, 09:42 - Б: да")] == ["да"]


def test_what_ios_marks_as_its_own() -> None:
    text = """[12.05.2026, 09:41:12] Дача: \u200eАнна создал(а) группу
[12.05.2026, 09:41:13] Анна: \u200eimagen omitida
[12.05.2026, 09:41:14] Анна: שלום \u200eвсем\u200f!"""
    assert [(message.text, len(message.attachments)) for message in messages(text)] == [
        ("", 1),
        ("שלום \u200eвсем\u200f!", 0),
    ]


@pytest.mark.parametrize(
    ("text", "rest", "kind", "name"),
    [
        ("<Media omitted>", "", AttachmentKind.OTHER, ""),
        ("<Без медиафайлов>\nподпись", "подпись", AttachmentKind.OTHER, ""),
        ("<Medien ausgeschlossen>", "", AttachmentKind.OTHER, ""),
        ("\u200eimage omitted", "", AttachmentKind.PHOTO, ""),
        ("\u200eизображение отсутствует", "", AttachmentKind.PHOTO, ""),
        ("\u200eстикер опущен", "", AttachmentKind.STICKER, ""),
        ("\u200eGIF omitted", "", AttachmentKind.ANIMATION, ""),
        ("\u200eaudio omitted", "", AttachmentKind.VOICE, ""),
        ("\u200eContact card omitted", "", AttachmentKind.CONTACT, ""),
        ("план.pdf • \u200e3 pages \u200edocument omitted", "", AttachmentKind.FILE, "план.pdf"),
        ("\u200e<attached: 0001-PHOTO.jpg>", "", AttachmentKind.PHOTO, "0001-PHOTO.jpg"),
        (
            "смотри \u200e<прикреплено: 00000012-VIDEO-2026-05-12-09-41-12.mp4>",
            "смотри",
            AttachmentKind.VIDEO,
            "00000012-VIDEO-2026-05-12-09-41-12.mp4",
        ),
        ("<Anhang: 00000013-AUDIO-2026.opus>", "", AttachmentKind.VOICE, "00000013-AUDIO-2026.opus"),
        ("<attached: PTT-20180129-WA0025.opus>", "", AttachmentKind.VOICE, "PTT-20180129-WA0025.opus"),
        ("\u200eIMG-20260512-WA0001.jpg (file attached)\nвот", "вот", AttachmentKind.PHOTO, "IMG-20260512-WA0001.jpg"),
        ("STK-20260512-WA0000.webp (файл добавлен)", "", AttachmentKind.STICKER, "STK-20260512-WA0000.webp"),
        ("Отчёт за май.pdf (файл добавлен)", "", AttachmentKind.FILE, "Отчёт за май.pdf"),
        ("Иван.vcf (Datei angehängt)", "", AttachmentKind.CONTACT, "Иван.vcf"),
        (
            "Местоположение: https://maps.google.com/?q=1,2",
            "",
            AttachmentKind.LOCATION,
            "https://maps.google.com/?q=1,2",
        ),
        (
            "\u200eОПРОС:\nКогда?\n\u200eВАРИАНТ: Завтра (1 голос)",
            "",
            AttachmentKind.POLL,
            "Когда?\nЗавтра (1 голос)",
        ),
    ],
)
@pytest.mark.parametrize("header", ["12.05.2026, 09:41 - ", "[12.05.2026, 09:41:00] "])
def test_attachments(header: str, text: str, rest: str, kind: AttachmentKind, name: str) -> None:
    message = one(f"{header}Анна: {text}")
    assert (message.text, message.attachments) == (rest, (Attachment(kind, name),))


@pytest.mark.parametrize(
    "text", ["a <div> b", "<3", "I said <attached> yes", "image omitted from the list", "null", "Video call"]
)
def test_what_people_write_is_no_attachment(text: str) -> None:
    assert one(f"12.05.2026, 09:41 - A: {text}").text == text


@pytest.mark.parametrize(
    "mark", [" <This message was edited>", " \u200e<This message was edited>", " <Сообщение изменено>"]
)
def test_edited(mark: str) -> None:
    for text in ("так", "две\nстроки", "\u200eшалом"):
        message = one(f"25.05.2026, 09:41 - A: {text}{mark}")
        assert (message.text, message.edited) == (text, True)
    assert not one("25.05.2026, 09:41 - A: This message was edited").edited


@pytest.mark.parametrize("name", ["12:30", "+7 701 123-45-67", 'Иван "Дед" Петров', "Анна 2.0: работа"])
def test_names(name: str) -> None:
    text = "\n".join(f"12.05.2026, 09:4{n} - {name}: {word}" for n, word in enumerate(["да", "нет: нет", "ну"]))
    assert [(message.speaker, message.text) for message in messages(text)] == [
        (name, "да"),
        (name, "нет: нет"),
        (name, "ну"),
    ]


def test_kind_is_told_by_the_number_of_speakers() -> None:
    text = "12.05.2026, 09:41 - A: x\n12.05.2026, 09:41 - B: y"
    assert read(text, lambda: None).kind is ConversationKind.PRIVATE
    assert read(f"{text}\n12.05.2026, 09:41 - C: z", lambda: None).kind is ConversationKind.GROUP


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No chat at all.",
        "Анна: Почему?\nПётр: Так.",
        "12.05.2026 was a day: warm",
        "12.05.2026, 09:41 - no speaker",
    ],
)
def test_other_texts_are_no_export(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert not is_export(tmp_path / "a.txt")
    with pytest.raises(NotAChat):
        open_export(tmp_path / "a.txt", ParseLimits())


CHAT = "\u200e[12.05.2026, 09:41:12] Анна: привет\r\nи пока\r\n".encode()


def zipped(entries: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_archive(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Anna.zip"
    path.write_bytes(zipped({"00000001-PHOTO.jpg": b"\xff\xd8", "note.txt": b"no chat", "_chat.txt": CHAT}))
    [conversation] = open_export(path, ParseLimits()).conversations
    assert [message.text for message in conversation.messages] == ["привет\nи пока"]


def test_archives_without_a_chat(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for content, refusal in (
        (zipped({"a.jpg": b"x"}), NotAChat),
        (zipped({f"{n}.jpg": b"" for n in range(10_001)}), Bomb),
        (b"PK\x03\x04", Unreadable),
        (zipped({"_chat.txt": CHAT}).replace(CHAT, b"?" * len(CHAT)), Unreadable),
    ):
        path.write_bytes(content)
        with pytest.raises(refusal):
            open_export(path, ParseLimits())


def test_hostile_lines_are_read_in_time() -> None:
    for text in (":" * 200_000, "a.bc " * 100_000, "\u200e" * 200_000, "<abc: " * 50_000, "(" * 100_000 + ".ab (x"):
        assert one(f"12.05.2026, 09:41 - A: {text}x").text
