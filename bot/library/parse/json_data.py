"""JSON files: chats exported by a program, or any data, as tables of records and texts under their keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.chats import blocks as chat_blocks
from bot.library.parse.decoding import open_text, read_text
from bot.library.parse.errors import DamagedExport, DamagedJson, NoReadableMessages, NotAChat, TooDeep, TooLarge
from bot.library.parse.grid import MAX_COLUMNS, Row
from bot.library.parse.limits import MB, ParseLimits
from bot.library.parse.notes import Note
from bot.library.parse.prose import paragraphs
from bot.library.parse.tables import table_blocks

_CHAT_KEYS: Final = ('"messages"', '"chats"')
_BEGINNING: Final = 1 << 16
"""Characters in which a chat export names what it holds."""
_LONG_TEXT: Final = 500
"""A longer value is a text with paragraphs of its own, and not a cell."""
_MAX_LEVEL: Final = 6
_KEY_SEPARATOR: Final = " / "
_NAME_KEYS: Final = ("title", "name", "heading", "subject", "question", "название", "имя", "заголовок", "id")

Scalar = str | int | float | bool | None


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The messages of a chat export; of any other JSON its values with their keys.

    Raises:
        NoReadableMessages, DamagedExport, DamagedJson, TooDeep
    """
    try:
        yield from chat_blocks.read(path, limits)
    except NoReadableMessages:
        raise
    except NotAChat:
        pass
    except DamagedExport:
        if _looks_like_chat(path):
            raise
    else:
        return
    if path.stat().st_size > limits.megabytes * MB:
        # Only a chat is read message by message.
        raise TooLarge(limits.megabytes)
    yield from value_blocks(_load(path), limits)


def value_blocks(value: Any, limits: ParseLimits) -> Iterator[Block]:
    """The blocks of any value: tables of records, and texts under their keys."""
    yield from _Writer(limits).blocks(value)


def _looks_like_chat(path: Path) -> bool:
    with open_text(path) as stream:
        beginning = stream.read(_BEGINNING)
    return any(key in beginning for key in _CHAT_KEYS)


def _load(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DamagedJson(error.lineno, error.colno) from None
    except RecursionError:
        raise TooDeep from None


@dataclass(slots=True)
class _Writer:
    """Turns values into blocks."""

    limits: ParseLimits
    paragraph: int = 0
    row: int = 0

    def blocks(self, value: Any, path: tuple[str, ...] = ()) -> Iterator[Block]:
        """The blocks of a value that stands under these keys."""
        if isinstance(value, dict):
            yield from self._object(value, path)
        elif isinstance(value, list):
            yield from self._list(value, path)
        elif text := _scalar_text(value):
            yield from self._prose(text)

    def _object(self, value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Block]:
        lines = []
        for key, one in value.items():
            if _is_short(one) and (text := _short_text(one)):
                lines.append(f"{key}: {text}")
        if lines:
            yield self._block("\n".join(lines))
        for key, one in value.items():
            if not _is_short(one):
                yield from self._section(str(key), one, path)

    def _list(self, values: Sequence[Any], path: tuple[str, ...]) -> Iterator[Block]:
        caption = path[-1] if path else ""
        if values and all(isinstance(one, dict) for one in values):
            records = [_flatten(one) for one in values]
            if all(_is_short(one) for record in records for one in record.values()):
                yield from self._table(records, caption)
                return
        for index, one in enumerate(values, 1):
            if isinstance(one, dict):
                yield from self._section(_record_name(one, index), one, path)
            elif isinstance(one, list):
                yield from self._section(str(index), one, path)
            elif text := _scalar_text(one):
                yield from self._prose(text)

    def _section(self, name: str, value: Any, path: tuple[str, ...]) -> Iterator[Block]:
        level = len(path) + 1
        inner = (*path, name)
        if level > _MAX_LEVEL:
            # Headings end here; the keys go on before each value.
            for key, text in _paths(value, _KEY_SEPARATOR.join(inner[_MAX_LEVEL:])):
                yield self._block(f"{key}: {text}")
            return
        yield Block(BlockKind.HEADING, name, level=level)
        yield from self.blocks(value, inner)

    def _table(self, records: Sequence[Mapping[str, Any]], caption: str) -> Iterator[Block]:
        names = list(dict.fromkeys(key for record in records for key in record))[:MAX_COLUMNS]
        rows = [Row(names, is_header=True)]
        rows += [Row([_short_text(record.get(name)) for name in names]) for record in records]
        for block in table_blocks(rows, self.limits, caption=caption, first_number=self.row + 1):
            self.row = block.number if block.kind is BlockKind.ROW else self.row
            yield block

    def _prose(self, text: str) -> Iterator[Block]:
        for block in paragraphs(text):
            yield self._block(block.text)

    def _block(self, text: str) -> Block:
        self.paragraph += 1
        return Block(BlockKind.PARAGRAPH, text, number=self.paragraph)


def _flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the members of objects within it beside its own: ``address / city``."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict) and value and all(_is_short(one) for one in value.values()):
            flat.update({f"{key}{_KEY_SEPARATOR}{inner}": one for inner, one in value.items()})
        else:
            flat[key] = value
    return flat


def _is_short(value: Any) -> bool:
    """Whether a value fits into a line: a scalar, or a list of them."""
    if isinstance(value, list):
        return all(not isinstance(one, (dict, list)) for one in value) and len(_short_text(value)) <= _LONG_TEXT
    return not isinstance(value, dict) and len(_scalar_text(value)) <= _LONG_TEXT


def _short_text(value: Any) -> str:
    return ", ".join(filter(None, map(_scalar_text, value))) if isinstance(value, list) else _scalar_text(value)


def _scalar_text(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _record_name(record: Mapping[str, Any], index: int) -> str:
    for key, value in record.items():
        if key.lower() in _NAME_KEYS and isinstance(value, (str, int)) and value and len(str(value)) <= _LONG_TEXT:
            return " ".join(str(value).split())
    return str(index)


def _paths(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The scalars in a value with the keys that lead to them. Not recursive: it may be nested deeply."""
    stack = [(path, value)]
    while stack:
        key, one = stack.pop()
        if isinstance(one, dict):
            stack += [(f"{key}{_KEY_SEPARATOR}{inner}", member) for inner, member in reversed(one.items())]
        elif isinstance(one, list):
            stack += [(key, member) for member in reversed(one)]
        elif text := _scalar_text(one):
            yield key, text
