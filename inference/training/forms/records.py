"""Files of dialogues as records: JSON Lines, a JSON array, or a table with a header; told apart by their content."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inference.training.errors import Place, RecordRefused
from inference.training.forms.messages import is_message
from inference.training.forms.refusals import (
    BrokenTable,
    FileNotFound,
    FileNotOpened,
    NotATextFile,
    NotJson,
    NotUtf8,
    RepeatedColumn,
    UnknownColumns,
    WrongCells,
)
from inference.training.forms.shapes import MESSAGE_LISTS, has_form

_DELIMITERS: Final = ",;\t|"
_TABLE_SUFFIXES: Final = (".csv", ".tsv")
_WRAPPERS: Final = ("data", "train", "dialogues", "examples", "records", "rows")
"""Fields of a JSON object in which all records of a file may stand."""
_SIGNATURES: Final = {
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"\x1f\x8b": "gzip",
    b"(\xb5/\xfd": "Zstandard",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "ZIP or Excel",
    b"SQLite format 3": "SQLite",
    b"%PDF-": "PDF",
}


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record with its place in the file."""

    place: Place
    number: int
    """Counted from 1."""
    value: Any
    """What stands there, as JSON; or the `RecordRefused` that it is."""


def read_text(path: Path) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        FileNotFound, FileNotOpened, NotATextFile, NotUtf8
    """
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFound from None
    except OSError as error:
        raise FileNotOpened(error.strerror or type(error).__name__) from None
    for signature, name in _SIGNATURES.items():
        if found.startswith(signature):
            raise NotATextFile(name)
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if table := _decode_spreadsheet(found):
            return table
        raise NotUtf8(error.start) from None


def _decode_spreadsheet(content: bytes) -> str | None:
    """A table as Excel saves it: in UTF-16, or on Russian systems in cp1251, which its header must prove."""
    encoding = "utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "cp1251"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    header = next((line for line in text.split("\n") if line.strip()), "")
    # Under an English header, other encodings would pass for cp1251 and be learnt as gibberish.
    is_sure = encoding == "utf-16" or not header.isascii()
    return text if is_sure and _find_delimiter(header) else None


def split_records(text: str, suffix: str = "") -> Iterator[RawRecord]:
    """The records of a file.

    Args:
        suffix: of the file's name. Only of a table it decides anything, when no column is known.
    """
    # Only "\n" ends a line: U+2028, U+0085 and others of `str.splitlines` may stand in JSON strings as they are.
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return iter(())
    head = lines[first].strip()
    if head[0] not in "[{":
        delimiter = _find_delimiter(lines[first])
        if delimiter or suffix.lower() in _TABLE_SUFFIXES:
            return _split_table(lines, first, delimiter or max(_DELIMITERS, key=lines[first].count))
    elif _is_one_value(lines, first):
        return _split_document(text, first + 1)
    return _split_lines(lines)


def _is_one_value(lines: list[str], first: int) -> bool:
    """Whether JSON goes from the line `first` to the end of the file, rather than being one value a line."""
    written = [line.strip() for line in lines[first:] if line.strip()]
    if len(written) == 1:
        return True
    if not isinstance(_parse(written[0]), RecordRefused):
        return False
    # What is broken is told by lines or as a whole, whichever it looks like.
    return written[0] == "[" or written[-1] in "]}" or not isinstance(_parse("\n".join(lines)), RecordRefused)


def _split_lines(lines: list[str]) -> Iterator[RawRecord]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield RawRecord(Place.LINE, number, _parse(line.strip()))


def _split_document(text: str, first: int) -> Iterator[RawRecord]:
    """A file that is one JSON value, perhaps over many lines."""
    value = _parse(text)
    if isinstance(value, RecordRefused):
        line = _error_line(text)
        return iter([RawRecord(Place.LINE, line, value)])
    return _split_value(value, first)


def _split_value(value: Any, first: int) -> Iterator[RawRecord]:
    """The records of a value that begins at the line `first`."""
    if isinstance(value, dict) and not any(name in value for name in MESSAGE_LISTS):
        value = next((value[name] for name in _WRAPPERS if _is_list_of_records(value.get(name))), value)
    # A list of messages is one dialogue, and any other list is one of dialogues.
    if not isinstance(value, list) or (value and all(map(is_message, value))):
        return iter([RawRecord(Place.LINE, first, value)])
    return (RawRecord(Place.RECORD, number, item) for number, item in enumerate(value, 1))


def _is_list_of_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict | list) for item in value)


def _parse(text: str) -> Any:
    """The JSON value of a text, or the refusal that says why there is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        return NotJson(error.colno, error.msg)
    except RecursionError:
        return NotJson(1, "nested too deep")
    except ValueError as error:  # a number with thousands of digits
        return NotJson(1, str(error).partition(";")[0])


def _error_line(text: str) -> int:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        pass
    return 1


def _find_delimiter(header: str) -> str | None:
    """The delimiter with which the header has columns of questions and of answers."""
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:
            continue
        if has_form(names):
            return delimiter
    return None


def _split_table(lines: list[str], first: int, delimiter: str) -> Iterator[RawRecord]:
    """Each row as an object with the header's names."""
    rows = csv.reader((f"{line}\n" for line in lines[first:]), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    while True:
        number = first + rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield RawRecord(Place.LINE, number, BrokenTable(str(error)))
            return
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if names is None:
            names = [cell.strip() for cell in row]
            if refusal := _refuse_header(names):
                yield RawRecord(Place.LINE, number, refusal)
                return
        elif len(row) != len(names):
            yield RawRecord(Place.LINE, number, WrongCells(len(row), len(names)))
        else:
            yield RawRecord(Place.LINE, number, dict(zip(names, map(_cell_text, row), strict=True)))


def _cell_text(cell: str) -> str:
    return cell.replace("\r\n", "\n")


def _refuse_header(names: list[str]) -> RecordRefused | None:
    if not has_form(names):
        return UnknownColumns(names)
    for number, name in enumerate(names):
        if name and name in names[:number]:
            return RepeatedColumn(name)
    return None
