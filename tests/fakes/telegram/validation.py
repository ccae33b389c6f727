"""Texts, entities and keyboards as Telegram takes, mends and refuses them.

Where Telegram does not say what it does, this is strict: a keyboard of over 100 buttons, over 8 in a row or over 10 kB
is `reply markup is too long`, and a text's length is counted in UTF-16 code units.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram.records import Records
from tests.fakes.telegram.refusals import bad
from tests.fakes.telegram.wire import Call

MAX_TEXT, MAX_CAPTION, MAX_TEXT_BYTES, MAX_ENTITIES = 4096, 1024, 1 << 15, 100
MAX_MARKUP = 10 << 10
SPLITTABLE = {"bold", "italic", "underline", "strikethrough", "spoiler"}
WHOLE = {"code", "pre", "text_link", "text_mention", "blockquote", "expandable_blockquote", "date_time"}
FOUND_BY_TELEGRAM = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"}
REQUIRED = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
PARSE_MODES = {"markdown", "markdownv2", "html"}
INVISIBLE = set(range(0x2028, 0x202F)) | {0x0333, 0x033F, 0x030A, 0x0D}
BLANK = {0x0A, 0x20, 0xA0, 0x200B, 0x200C, 0x200D, 0x2060, 0x3000, 0xFEFF}

FINDABLE = re.compile(
    r"(?P<bot_command>(?<![\w/])/\w{1,32}(?:@\w{3,32})?)|(?P<mention>(?<![\w@])@\w{3,32})|(?P<url>https?://\S+)"
)


@dataclass(frozen=True)
class Text:
    """A text with its entities."""

    text: str
    entities: list[dict[str, Any]]

    @property
    def length(self) -> int:
        """In UTF-16 code units."""
        return utf16(self.text)


def utf16(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def found_entities(text: str) -> list[dict[str, Any]]:
    """Commands, mentions and links as Telegram finds them in what people write."""
    return [
        {"type": found.lastgroup, "offset": utf16(text[: found.start()]), "length": utf16(found[0])}
        for found in FINDABLE.finditer(text)
    ]


def formatted(
    call: Call, records: Records, name: str = "text", entities: str = "entities", *, empty: bool = False
) -> Text:
    """A text of a request, cleaned as Telegram cleans it."""
    given = call.text(name)
    if len(given.encode(errors="surrogatepass")) > MAX_TEXT_BYTES:
        raise bad("Text is too long")
    mode = call.text("parse_mode").lower()
    if given and mode and mode != "none":
        if mode not in PARSE_MODES:
            raise bad("Unsupported parse_mode")
        return _cleaned(given, [], empty, records)
    return _cleaned(given, _entities(call, entities, records), empty, records)


def _entities(call: Call, name: str, records: Records) -> list[dict[str, Any]]:
    try:
        given = json.loads(call.text(name) or "[]")
    except ValueError:
        return []
    kept = []
    for entity in given if isinstance(given, list) else []:
        if not isinstance(entity, dict):
            raise bad("Can't parse MessageEntity: expected an Object")
        for field in ("offset", "length"):
            if field not in entity:
                raise bad(f"Can't parse MessageEntity: Can't find field \"{field}\"")
            if not isinstance(entity[field], int):
                raise bad(f'Can\'t parse MessageEntity: Field "{field}" must be a valid Number')
        kind = entity.get("type")
        if not kind or not isinstance(kind, str):
            raise bad("Can't parse MessageEntity: Can't find field \"type\"")
        if kind in FOUND_BY_TELEGRAM:
            records.oddities.append(f"entity {kind} is ignored: Telegram finds these itself")
            continue
        if kind not in SPLITTABLE | WHOLE | {"custom_emoji"}:
            raise bad("Can't parse MessageEntity: Unsupported type specified")
        if kind in REQUIRED and REQUIRED[kind] not in entity:
            raise bad(f"Can't parse MessageEntity: Can't find field \"{REQUIRED[kind]}\"")
        kept.append(entity)
    return kept


def _cleaned(text: str, entities: list[dict[str, Any]], empty: bool, records: Records) -> Text:
    try:
        raw = text.encode("utf-16-le")
    except UnicodeEncodeError:
        raise bad("Strings must be encoded in UTF-8") from None
    units = [int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2)]
    for entity in entities:
        for field in ("offset", "length"):
            if not 0 <= entity[field] <= 1_000_000:
                raise bad(f"Receive an entity with incorrect {field} {entity[field]}")
    ordered = sorted((e for e in entities if e["length"]), key=lambda e: (e["offset"], -e["length"]))
    _check_ends(units, ordered)
    moved: list[int] = []
    kept: list[int] = []
    for unit in units:
        moved.append(len(kept))
        if unit not in INVISIBLE:
            kept.append(0x20 if unit < 0x20 and unit != 0x0A else unit)
    moved.append(len(kept))
    moved_to = ((moved[e["offset"]], moved[e["offset"] + e["length"]], e) for e in ordered)
    spans = [(s, t, e) for s, t, e in moved_to if s < t]  # an entity of removed letters alone holds no space
    if all(unit in BLANK for unit in kept):
        if empty:
            return Text("", [])
        raise bad("Text must be non-empty")
    end = len(kept)
    while kept[end - 1] in (0x20, 0x0A):
        end -= 1
    start, first = 0, min((s for s, _, _ in spans), default=end)
    while start < first and kept[start] in (0x20, 0x0A):
        start += 1
    if (start, end) != (0, len(units)):
        records.oddities.append(f"text is trimmed or cleaned: {text[:60]!r}")
    mended = [
        e | {"offset": s - start, "length": min(t, end) - s} for s, t, e in spans if s < min(t, end)
    ]  # fmt: skip
    plain = b"".join(unit.to_bytes(2, "little") for unit in kept[start:end]).decode("utf-16-le")
    return Text(plain, _first_hundred(mended, records))


def _check_ends(units: list[int], entities: list[dict[str, Any]]) -> None:
    def splits(at: int) -> bool:
        return at < len(units) and 0xDC00 <= units[at] < 0xE000

    def in_bytes(at: int) -> int:
        return len(b"".join(unit.to_bytes(2, "little") for unit in units[: at + 1]).decode("utf-16-le").encode())

    for entity in entities:
        offset, end = entity["offset"], entity["offset"] + entity["length"]
        if offset > len(units):
            raise bad(f"Entity begins after the end of the text at UTF-16 offset {offset}")
        if splits(offset):
            raise bad(f"Entity begins in a middle of a UTF-16 symbol at byte offset {in_bytes(offset)}")
        if end > len(units):
            raise bad(
                f"Entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}"
            )
        if splits(end):
            raise bad(
                f"Entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol "
                f"at byte offset {in_bytes(end)}"
            )


def _first_hundred(entities: list[dict[str, Any]], records: Records) -> list[dict[str, Any]]:
    counted = [e for e in entities if e["type"] in WHOLE] + [e for e in entities if e["type"] in SPLITTABLE]
    if len(counted) <= MAX_ENTITIES:
        return entities
    records.oddities.append(f"{len(counted) - MAX_ENTITIES} entities over {MAX_ENTITIES} are ignored")
    dropped = [id(e) for e in counted[MAX_ENTITIES:]]
    return [e for e in entities if id(e) not in dropped]


def markup(call: Call, *, inline_only: bool = False) -> dict[str, Any] | None:
    """The inline keyboard of a request; other keyboards are of no message, and come to None."""
    given = call.json("reply_markup", "reply keyboard markup")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise bad("Object expected as reply markup")
    if not given.get("inline_keyboard"):
        if inline_only and any(given.get(key) for key in ("keyboard", "remove_keyboard", "force_reply")):
            raise bad("Inline keyboard expected")
        return None
    rows = given["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    kept = [[button for button in row if _button(button)] for row in rows]
    for row in kept:
        for button in row:
            if len(button.get("callback_data", "").encode()) > 64:
                raise bad("BUTTON_DATA_INVALID")
    if sum(map(len, kept)) > 100 or any(len(row) > 8 for row in kept) or len(call.text("reply_markup")) > MAX_MARKUP:
        raise bad("reply markup is too long")
    rows = [row for row in kept if row]
    return {"inline_keyboard": rows} if rows else None


def _button(button: Any) -> bool:
    """Whether a button shows; one without a text does not, one that is wrong is refused."""
    wrong = "Can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad(wrong + "InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise bad(wrong + 'Can\'t find field "text"')
    if button.get("style") not in (None, "", "danger", "success", "primary"):
        raise bad(wrong + "invalid button style specified")
    others = ("callback_game", "pay", "switch_inline_query", "switch_inline_query_chosen_chat",
              "switch_inline_query_current_chat", "login_url", "web_app", "copy_text", "disabled")  # fmt: skip
    if not button.get("url") and not button.get("callback_data") and not any(key in button for key in others):
        raise bad(wrong + "Text buttons are unallowed in the inline keyboard")
    if url := button.get("url"):
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https", "tg", "ton") or (parts.scheme[0] == "h" and "." not in parts.netloc):
            raise bad(f"Inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return bool(button["text"])
