"""Rich Text Format: its paragraphs, tables and notes, without hidden and struck-out text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.errors import OtherContent
from bot.library.parse.limits import ParseLimits
from bot.library.parse.notes import Note, NoteKind, note
from bot.library.parse.rtf_tables import LAYOUT_WORDS, RowLayout, RtfCell, table_rows
from bot.library.parse.tables import table_blocks

_TOKEN: Final = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|(\\)"
)
_SIGNATURE: Final = "{\\rtf"
_SKIPPED: Final = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "headerl", "headerr", "headerf", "footer"}
    | {"footerl", "footerr", "footerf", "listtable", "listoverridetable", "revtbl", "rsidtbl", "generator", "themedata"}
    | {"fldinst", "xmlnstbl", "datastore", "latentstyles", "nonshppict", "shppict", "bkmkstart", "bkmkend", "pntext"}
    | {
        "annotation",
        "atnid",
        "atnauthor",
        "tc",
        "xe",
        "ftnsep",
        "ftnsepc",
        "aftnsep",
        "aftnsepc",
        "private",
        "template",
    }
)
"""Groups that are no text of the document."""
_READ_IF_UNKNOWN: Final = frozenset({"shptxt", "fldrslt", "ud"})
_CHARACTERS: Final = {
    "par": "\n\n", "sect": "\n\n", "page": "\n\n", "line": "\n", "tab": " ", "emdash": "—", "endash": "–",
    "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ",
}  # fmt: skip
_SYMBOLS: Final = {"~": "\u00a0", "_": "-", "-": "", "\\": "\\", "{": "{", "}": "}", "\n": "\n\n", "\r": "\n\n"}
_CHARSETS: Final = {0: "cp1252", 204: "cp1251", 238: "cp1250", 161: "cp1253", 162: "cp1254", 177: "cp1255",
                    178: "cp1256", 186: "cp1257", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5"}  # fmt: skip
_LEVELS: Final = 9


@dataclass(slots=True)
class _State:
    """What holds until the end of a group."""

    is_skipped: bool = False
    is_hidden: bool = False
    is_note: bool = False
    font: int = -1
    fallback: int = 1
    """How many characters stand for a character beyond the code page."""


@dataclass(slots=True)
class _Document:
    """What has been read so far."""

    paragraphs: list[tuple[str, int] | list[RtfCell]] = field(default_factory=list)
    """Texts with their heading levels, and rows of tables."""
    text: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    note: list[str] = field(default_factory=list)
    layout: RowLayout = field(default_factory=RowLayout)
    """Of the row whose cells are being read; it may be stated behind them."""
    in_table: bool = False
    level: int = 0
    has_left_out: bool = False

    def end_paragraph(self) -> None:
        """What follows is another paragraph, or another line in a cell."""
        if self.in_table:
            self.text.append(" ")
            return
        self._take_text()

    def _take_text(self) -> None:
        text = "".join(self.text)
        lines = [" ".join(line.split()) for line in text.split("\n")]
        if text := "\n".join(filter(None, [*lines, *self.notes])):
            self.paragraphs.append((text, self.level))
        self.text, self.notes = [], []

    def end_cell(self) -> None:
        """A cell of a table is complete."""
        notes = "".join(f" ({text})" for text in self.notes)
        self.cells.append("".join(self.text).strip() + notes)
        self.text, self.notes = [], []

    def end_row(self) -> None:
        """A row of a table is complete."""
        if self.cells:
            self.paragraphs.append(self.layout.place(self.cells))
        self.cells, self.text = [], []

    def end(self) -> None:
        """The document ends here."""
        if self.cells:
            self.end_row()
        self._take_text()


def read(path: Path, limits: ParseLimits) -> Iterator[Block | Note]:
    """The blocks of an RTF document.

    Raises:
        OtherContent: it is none.
    """
    text = path.read_bytes().decode("latin-1")
    if not text.lstrip("\ufeffï»¿ \r\n").startswith(_SIGNATURE):
        raise OtherContent(path.suffix, ".txt")
    document = _Reader(text).read()
    number = row = 0
    table: list[list[RtfCell]] = []
    for found in [*document.paragraphs, ("", 0)]:
        if isinstance(found, list):
            table.append([replace(cell, text=_join_surrogates(cell.text)) for cell in found])
            continue
        if table:
            for block in table_blocks(table_rows(table), limits, first_number=row + 1):
                row = block.number if block.kind is BlockKind.ROW else row
                yield block
            table = []
        content, level = _join_surrogates(found[0]), found[1]
        if content and level:
            yield Block(BlockKind.HEADING, content, level=level)
        elif content:
            number += 1
            yield Block(BlockKind.PARAGRAPH, content, number=number)
    if document.has_left_out:
        yield note(NoteKind.HIDDEN_TEXT)


def _join_surrogates(text: str) -> str:
    """A text in which characters written as two halves are whole."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Reader:
    """Goes through the tokens of one document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._document = _Document()
        self._state = _State()
        self._stack: list[_State] = []
        self._code_page = "cp1252"
        self._font_pages: dict[int, str] = {}
        self._font_number = 0
        self._in_fonts = 0
        self._bytes = bytearray()
        self._to_skip = 0
        self._is_optional = False

    def read(self) -> _Document:
        """The whole document."""
        place = 0
        while match := _TOKEN.match(self._text, place):
            place = match.end()
            word, number, hexadecimal, symbol, brace, plain, _ = match.groups()
            if hexadecimal is not None:
                self._add_byte(int(hexadecimal, 16))
                continue
            if plain is not None and self._to_skip:
                plain, self._to_skip = plain[self._to_skip :], max(self._to_skip - len(plain), 0)
            if word == "bin":
                place += int(number or 0)
            elif word is not None:
                self._control(word, int(number) if number is not None else None)
            elif brace is not None:
                self._brace(brace)
            elif symbol == "*":
                self._is_optional = True
            elif symbol is not None:
                self._write(_SYMBOLS.get(symbol, ""))
            elif plain:
                self._write(plain)
        self._flush_bytes()
        self._document.end()
        return self._document

    def _brace(self, brace: str) -> None:
        self._flush_bytes()
        self._is_optional = False
        if brace == "{":
            self._stack.append(replace(self._state))
            return
        was_note = self._state.is_note
        self._state = self._stack.pop() if self._stack else _State()
        if len(self._stack) < self._in_fonts:
            self._in_fonts = 0
        if was_note and not self._state.is_note:
            if text := " ".join("".join(self._document.note).split()):
                self._document.notes.append(text)
            self._document.note = []

    def _control(self, word: str, number: int | None) -> None:
        is_optional, self._is_optional = self._is_optional, False
        state, document = self._state, self._document
        if word == "u":
            self._flush_bytes()
            code = (number or 0) % 65536
            self._write(chr(code))
            self._to_skip = state.fallback
            return
        self._flush_bytes()
        if word == "fonttbl":
            self._in_fonts = len(self._stack)
        if self._in_fonts:
            self._font_control(word, number)
        if word == "nesttableprops" and not state.is_skipped:
            # It stands behind each row of a table within a cell.
            self._write("; ")
        if word in _SKIPPED or (is_optional and word not in _READ_IF_UNKNOWN):
            state.is_skipped = True
        elif word == "footnote":
            state.is_note = True
        elif state.is_skipped:
            return
        elif word == "uc":
            state.fallback = number if number is not None else 1
        elif word == "f":
            state.font = number or 0
        elif word == "ansicpg" and number:
            self._code_page = f"cp{number}"
        elif word in ("v", "strike", "striked", "deleted"):
            state.is_hidden = number != 0
        elif word == "plain":
            state.is_hidden = False
        elif word == "pard":
            document.in_table, document.level = False, 0
        elif word == "intbl":
            document.in_table = True
        elif word == "outlinelevel" and number is not None and number < _LEVELS:
            document.level = number + 1
        elif word in LAYOUT_WORDS:
            document.layout.control(word, number or 0)
        elif word == "cell":
            document.end_cell()
        elif word == "nestcell":
            # A table within a cell is text of that cell.
            self._write(" ")
        elif word == "row":
            document.end_row()
        elif word in _CHARACTERS:
            self._write(_CHARACTERS[word])

    def _font_control(self, word: str, number: int | None) -> None:
        if word == "f":
            self._font_number = number or 0
        elif word == "fcharset" and number in _CHARSETS:
            self._font_pages[self._font_number] = _CHARSETS[number]

    def _add_byte(self, byte: int) -> None:
        if self._to_skip:
            self._to_skip -= 1
        else:
            self._bytes.append(byte)

    def _flush_bytes(self) -> None:
        """Write the bytes of a code page together: a character may have two."""
        if not self._bytes:
            return
        page = self._font_pages.get(self._state.font, self._code_page)
        # The charset of a Western font says nothing where the document states its own code page.
        page = self._code_page if page == "cp1252" else page
        content, self._bytes = bytes(self._bytes), bytearray()
        try:
            self._write(content.decode(page, "replace"))
        except LookupError:
            self._write(content.decode("cp1252", "replace"))

    def _write(self, text: str) -> None:
        self._flush_bytes()
        self._is_optional = False
        state, document = self._state, self._document
        if state.is_skipped or not text:
            return
        if state.is_hidden:
            document.has_left_out = document.has_left_out or bool(text.strip())
        elif state.is_note:
            document.note.append(" " if text == "\n\n" else text)
        elif text == "\n\n":
            document.end_paragraph()
        else:
            document.text.append(text)
