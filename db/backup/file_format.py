"""The file of a backup: records one after another, each table with its checksum, and one over the whole.

A file is a line that names the format, then records: a letter, the length of what follows (four bytes, big-endian), and
that. Rows are in Postgres's own text form of COPY, compressed piece by piece, so that neither writing nor reading needs
more memory than a piece and a row.

    H  what the backup is of, as JSON          S  where the sequences stand, as JSON
    T  a table begins: its name and columns    F  how many tables and rows there were, as JSON
    D  rows of it, compressed                  Z  SHA-256 of all bytes before this record
    E  it ends: rows, bytes, SHA-256 of its rows
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from db.backup.errors import BackupDamaged, BackupTooNew, FileNotRead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

T = TypeVar("T")

_MAGIC: Final = b"consilium-backup "
_FORMAT: Final = b"1\n"
PIECE: Final = 1 << 20
"""Bytes of rows in one record, at most."""
_MAX_RECORD: Final = 1 << 24
_COMPRESSION: Final = 6


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup is of."""

    id: str
    """A UUID of the backup's own."""
    made_at: str
    """By the database's clock, ISO 8601 in UTC: what was committed before is in it."""
    program: str
    revision: str
    """Of the schema."""
    postgres: str
    pgvector: str
    mind: str
    """The name of the mind that was served; empty when none was named."""
    mind_digest: str
    """SHA-256 over the mind's folder; empty when none was named. The folder itself is not in the backup."""


@dataclass(frozen=True, slots=True)
class TableStart:
    """A table's rows follow."""

    name: str
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some bytes of the table's rows; a piece may begin and end within a row."""

    data: bytes


@dataclass(frozen=True, slots=True)
class TableEnd:
    """The table's rows have all come, and are as they were written."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sequences:
    """Where the sequences stand: the last value, and whether it has been given out."""

    values: Mapping[str, tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class End:
    """Everything has come, and is as it was written."""

    tables: int
    rows: int


Event = Header | TableStart | Rows | TableEnd | Sequences | End


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds."""

    header: Header
    rows: Mapping[str, int]
    """By table."""
    bytes: int
    """Of the file."""

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


class BackupWriter:
    """Writes a backup to a file; blocking. The methods are called in the order of the format."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self._file = file
        self._whole = hashlib.sha256()
        self._table = _TableSum()
        self._pending = bytearray()
        self._name = ""
        self._tables = self._rows = 0
        self._put(_MAGIC + _FORMAT)
        self._put_json(b"H", asdict(header))

    def begin_table(self, name: str, columns: Sequence[str]) -> None:
        """Rows of this table follow."""
        self._name, self._table = name, _TableSum()
        self._put_json(b"T", {"name": name, "columns": list(columns)})

    def add_rows(self, data: bytes) -> None:
        """Some bytes of its rows."""
        self._table.add(data)
        self._pending += data
        while len(self._pending) >= PIECE:
            self._put_piece(bytes(self._pending[:PIECE]))
            del self._pending[:PIECE]

    def end_table(self) -> TableEnd:
        """The table is whole; what was written of it."""
        if self._pending:
            self._put_piece(bytes(self._pending))
            self._pending.clear()
        end = TableEnd(self._name, self._table.rows, self._table.hexdigest())
        self._put_json(b"E", {"rows": end.rows, "sha256": end.sha256})
        self._tables += 1
        self._rows += end.rows
        return end

    def finish(self, sequences: Mapping[str, tuple[int, bool]]) -> None:
        """The end of the file."""
        self._put_json(b"S", dict(sequences))
        self._put_json(b"F", {"tables": self._tables, "rows": self._rows})
        self._put_record(b"Z", self._whole.digest())

    def _put_piece(self, data: bytes) -> None:
        self._put_record(b"D", zlib.compress(data, _COMPRESSION))

    def _put_json(self, kind: bytes, value: object) -> None:
        self._put_record(kind, json.dumps(value, ensure_ascii=False).encode())

    def _put_record(self, kind: bytes, payload: bytes) -> None:
        self._put(kind + len(payload).to_bytes(4, "big") + payload)

    def _put(self, data: bytes) -> None:
        self._whole.update(data)
        self._file.write(data)


def read_backup(path: Path) -> Iterator[Event]:
    """What a backup holds, in the order of the file; blocking.

    Checksums are compared as it goes: what came before a `TableEnd` or the `End` is right once that has come.

    Raises:
        FileNotRead: it is not there, or may not be read.
        BackupDamaged: it is no backup, or not as it was written.
        BackupTooNew: its format is a newer one.
    """
    try:
        with path.open("rb") as file:
            yield from _Reader(path, file).events()
    except OSError as error:
        raise FileNotRead(path, error.strerror or str(error)) from error


def check_backup(path: Path, file: BinaryIO | None = None) -> Contents:
    """Read a backup whole, without restoring it; blocking. Raises what `read_backup` does.

    Args:
        file: where it is read from when it has not got its name yet; open for reading.
    """
    if file is not None:
        file.seek(0)
    rows: dict[str, int] = {}
    header = None
    reader = None if file is None else _Reader(path, file)
    for event in read_backup(path) if reader is None else reader.events():
        if isinstance(event, Header):
            header = event
        elif isinstance(event, TableEnd):
            rows[event.name] = event.rows
    assert header is not None, "a backup that has an end has a beginning"
    return Contents(header, rows, path.stat().st_size if file is None else file.tell())


@dataclass(slots=True)
class _TableSum:
    rows: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, data: bytes) -> None:
        # A line feed within a value is written as `\n`, so each one that stands here ends a row.
        self.rows += data.count(b"\n")
        self._hash.update(data)

    def hexdigest(self) -> str:
        return str(self._hash.hexdigest())


class _Reader:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._whole = hashlib.sha256()

    def events(self) -> Iterator[Event]:
        self._read_magic()
        yield self._parse(Header, self._expect(b"H", self._read_record()))
        seen: list[str] = []
        rows = 0
        while (record := self._read_record())[0] == b"T":
            start = self._parse(TableStart, self._decode(record[1]))
            if start.name in seen:
                raise self._damaged(f"it has the table {start.name} twice")
            seen.append(start.name)
            yield start
            table = _TableSum()
            while (record := self._read_record())[0] == b"D":
                data = self._unpack(record[1])
                table.add(data)
                yield Rows(data)
            if self._expect(b"E", record) != {"rows": table.rows, "sha256": table.hexdigest()}:
                raise self._damaged(f"the checksum of the table {start.name} is wrong")
            rows += table.rows
            yield TableEnd(start.name, table.rows, table.hexdigest())
        sequences = self._expect(b"S", record)
        if self._expect(b"F", self._read_record()) != {"tables": len(seen), "rows": rows}:
            raise self._damaged("its tables are not complete")
        expected = self._whole.digest()
        if self._read_record() != (b"Z", expected):
            raise self._damaged("its checksum is wrong")
        if self._file.read(1):
            raise self._damaged("something follows its end")
        yield Sequences({name: (value[0], value[1]) for name, value in sequences.items()})
        yield End(len(seen), rows)

    def _unpack(self, payload: bytes) -> bytes:
        unpacking = zlib.decompressobj()
        try:
            data = unpacking.decompress(payload, PIECE + 1)
        except zlib.error:
            raise self._damaged("a piece cannot be unpacked") from None
        if not unpacking.eof or len(data) > PIECE or unpacking.unused_data:
            raise self._damaged("a piece has a wrong length")
        return data

    def _read_magic(self) -> None:
        if self._read(len(_MAGIC)) != _MAGIC:
            raise self._damaged("it does not begin as one")
        if (found := self._read(len(_FORMAT))) != _FORMAT:
            if found[:1].isdigit():
                raise BackupTooNew(self._path, "?", f"(format {found.decode('ascii', 'replace').strip()})")
            raise self._damaged("it does not begin as one")

    def _read_record(self) -> tuple[bytes, bytes]:
        head = self._read(5)
        length = int.from_bytes(head[1:], "big")
        if length > _MAX_RECORD:
            raise self._damaged("a record has a wrong length")
        return head[:1], self._read(length)

    def _read(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) != count:
            raise self._damaged("it ends too early")
        self._whole.update(data)
        return data

    def _expect(self, kind: bytes, record: tuple[bytes, bytes]) -> dict[str, Any]:
        if record[0] != kind:
            raise self._damaged("its records are not in their order")
        return self._decode(record[1])

    def _decode(self, payload: bytes) -> dict[str, Any]:
        try:
            value = json.loads(payload)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise self._damaged("a record cannot be read")
        return value

    def _parse(self, kind: type[T], fields: dict[str, Any]) -> T:
        try:
            return kind(**fields)
        except TypeError:
            raise self._damaged("a record cannot be read") from None

    def _damaged(self, reason: str) -> BackupDamaged:
        return BackupDamaged(self._path, reason)
