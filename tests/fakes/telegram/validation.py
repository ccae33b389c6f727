"""Texts, entities and keyboards as Telegram accepts, corrects and refuses them.

It knows the entities and buttons that the bot sends. Where Telegram does not document what it does, this is strict: a
keyboard of over 100 buttons, over 8 in a row or over 10 kB is `reply markup is too long`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram.records import Records
from tests.fakes.telegram.wire import Call, bad_request

MAX_TEXT, MAX_ENTITIES = 4096, 100
MAX_BUTTONS, MAX_ROW, MAX_MARKUP_BYTES, MAX_CALLBACK_BYTES = 100, 8, 10 << 10, 64
ENTITIES = {"bold", "italic", "strikethrough", "code", "pre", "text_link", "blockquote", "expandable_blockquote"}
REMOVED_UNITS = set(range(0x2028, 0x202F)) | {0x0333, 0x033F, 0x030A, 0x0D}
BLANK_UNITS = {0x0A, 0x20, 0xA0, 0x200B, 0x200C, 0x200D, 0x2060, 0x3000, 0xFEFF}
DETECTED = re.compile(r"(?P<bot_command>(?<![\w/])/\w{1,32}(?:@\w{3,32})?)|(?P<mention>(?<![\w@])@\w{3,32})")


@dataclass(frozen=True)
class Text:
    """A text with its entities."""

    text: str
    entities: list[dict[str, Any]]

    @property
    def length(self) -> int:
        """In UTF-16 code units."""
        return utf16_length(self.text)


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def detected_entities(text: str) -> list[dict[str, Any]]:
    """The commands and mentions that Telegram detects in what people write."""
    return [
        {"type": match.lastgroup, "offset": utf16_length(text[: match.start()]), "length": utf16_length(match[0])}
        for match in DETECTED.finditer(text)
    ]


def formatted_text(call: Call, records: Records, *, may_be_empty: bool = False) -> Text:
    """The text of a call with its entities, cleaned as Telegram cleans it."""
    entities = call.json("entities") or []
    for entity in entities:
        if entity["type"] not in ENTITIES:
            raise bad_request("Can't parse MessageEntity: Unsupported type specified")
        if entity["type"] == "text_link" and not entity.get("url"):
            raise bad_request("Can't parse MessageEntity: Can't find field \"url\"")
        for name in ("offset", "length"):
            if entity[name] < 0:
                raise bad_request(f"Receive an entity with incorrect {name} {entity[name]}")
    return _clean(call.text("text"), entities, records, may_be_empty=may_be_empty)


def _clean(text: str, entities: list[dict[str, Any]], records: Records, *, may_be_empty: bool) -> Text:
    raw = text.encode("utf-16-le")
    units = [int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2)]
    ordered = sorted((entity for entity in entities if entity["length"]), key=lambda e: (e["offset"], -e["length"]))
    _check_bounds(units, ordered)
    new_offsets: list[int] = []
    """Where each unit of the text is in the cleaned one."""
    cleaned: list[int] = []
    for unit in units:
        new_offsets.append(len(cleaned))
        if unit not in REMOVED_UNITS:
            cleaned.append(0x20 if unit < 0x20 and unit != 0x0A else unit)
    new_offsets.append(len(cleaned))
    moved = ((new_offsets[e["offset"]], new_offsets[e["offset"] + e["length"]], e) for e in ordered)
    spans = [(start, end, entity) for start, end, entity in moved if start < end]
    if all(unit in BLANK_UNITS for unit in cleaned):
        if may_be_empty:
            return Text("", [])
        raise bad_request("Text must be non-empty")
    text_end = len(cleaned)
    while cleaned[text_end - 1] in (0x20, 0x0A):
        text_end -= 1
    # Whitespace at the beginning stays if it is part of an entity.
    text_start, first_entity = 0, min((start for start, _, _ in spans), default=text_end)
    while text_start < first_entity and cleaned[text_start] in (0x20, 0x0A):
        text_start += 1
    if (text_start, text_end) != (0, len(units)):
        records.oddities.append(f"text is trimmed or cleaned: {text[:60]!r}")
    corrected = [
        entity | {"offset": start - text_start, "length": min(end, text_end) - start}
        for start, end, entity in spans
        if start < min(end, text_end)
    ]
    if len(corrected) > MAX_ENTITIES:
        records.oddities.append(f"{len(corrected) - MAX_ENTITIES} entities over {MAX_ENTITIES} are ignored")
    shown = b"".join(unit.to_bytes(2, "little") for unit in cleaned[text_start:text_end]).decode("utf-16-le")
    return Text(shown, corrected[:MAX_ENTITIES])


def _check_bounds(units: list[int], entities: list[dict[str, Any]]) -> None:
    def splits_a_symbol(at: int) -> bool:
        return at < len(units) and 0xDC00 <= units[at] < 0xE000

    def byte_offset(at: int) -> int:
        return len(b"".join(unit.to_bytes(2, "little") for unit in units[: at + 1]).decode("utf-16-le").encode())

    for entity in entities:
        offset, end = entity["offset"], entity["offset"] + entity["length"]
        if offset > len(units):
            raise bad_request(f"Entity begins after the end of the text at UTF-16 offset {offset}")
        if splits_a_symbol(offset):
            raise bad_request(f"Entity begins in a middle of a UTF-16 symbol at byte offset {byte_offset(offset)}")
        beginning = f"Entity beginning at UTF-16 offset {offset}"
        if end > len(units):
            raise bad_request(f"{beginning} ends after the end of the text at UTF-16 offset {end}")
        if splits_a_symbol(end):
            raise bad_request(f"{beginning} ends in a middle of a UTF-16 symbol at byte offset {byte_offset(end)}")


def inline_keyboard(call: Call) -> dict[str, Any] | None:
    """The inline keyboard of a call; None when it has none."""
    rows = (call.json("reply_markup") or {}).get("inline_keyboard") or []
    for button in (button for row in rows for button in row):
        if not button.get("text") or not button.get("callback_data"):
            raise bad_request("Can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        if len(button["callback_data"].encode()) > MAX_CALLBACK_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    too_many = sum(map(len, rows)) > MAX_BUTTONS or any(len(row) > MAX_ROW for row in rows)
    if too_many or len(call.text("reply_markup").encode()) > MAX_MARKUP_BYTES:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None
