"""A digest of rows in COPY's text form, whatever their order."""

from __future__ import annotations

import hashlib


class RowDigest:
    """The sum of the rows' SHA-256, and their number.

    Postgres puts a row where there is room for it: a table that is filled in one order may be read in another. The sum
    is to find errors and no forgeries; against those the file has a digest of its own.
    """

    def __init__(self) -> None:
        self._sum = 0
        self._rows = 0
        self._begun = b""

    def feed(self, data: bytes) -> None:
        """Take the next piece, which may begin and end within a row. In a row, line ends are escaped."""
        *rows, self._begun = (self._begun + data).split(b"\n")
        for row in rows:
            self._sum = (self._sum + int.from_bytes(hashlib.sha256(row).digest())) % (1 << 256)
        self._rows += len(rows)

    @property
    def value(self) -> tuple[int, int, bytes]:
        """What two sets of rows have in common if, and only if, they are the same."""
        return self._sum, self._rows, self._begun
