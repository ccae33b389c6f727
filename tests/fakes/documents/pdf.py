"""PDF files with text at given places."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 595, 842


@dataclass(frozen=True)
class At:
    """A text at a place of a page, in points from its lower left corner."""

    x: float
    y: float
    text: str
    size: float = 11
    turned: int = 0
    """Quarters of a turn, to the left."""


@dataclass(frozen=True)
class Drawn:
    """A line from a place, or a stroked box where it has both a width and a height."""

    x: float
    y: float
    width: float
    height: float


def ruled(
    grid: Sequence[Sequence[str]],
    merged: Mapping[tuple[int, int], tuple[int, int]],
    *,
    as_boxes: bool = False,
    place: tuple[float, float] = (100, 700),
    cell: tuple[float, float] = (90, 20),
) -> list[At | Drawn]:
    """A table with borders.

    Args:
        merged: how many rows and columns a cell covers, by its row and column.
        as_boxes: whether each cell has its own border, and not only the sides that no other has.
    """
    (left, top), (width, height) = place, cell
    covered = {
        (row + down, column + right)
        for (row, column), (rows, columns) in merged.items()
        for down in range(rows)
        for right in range(columns)
    } - merged.keys()
    page: list[At | Drawn] = []
    for row, cells in enumerate(grid):
        for column, text in enumerate(cells):
            if (row, column) in covered:
                continue
            rows, columns = merged.get((row, column), (1, 1))
            x, y, w, h = left + column * width, top - (row + rows) * height, columns * width, rows * height
            page += (
                [Drawn(x, y, w, h)]
                if as_boxes
                else [Drawn(x, y, w, 0), Drawn(x, y + h, w, 0), Drawn(x, y, 0, h), Drawn(x + w, y, 0, h)]
            )
            page.append(At(x + 3, y + h / 2 - 4, text))
    return page


def column(x: float, top: float, lines: Sequence[str], *, size: float = 11, leading: float = 14) -> list[At]:
    """Lines one below the other."""
    return [At(x, top - leading * index, line, size) for index, line in enumerate(lines)]


def pdf(*pages: Sequence[At | Drawn], picture: bool = False, rotate: int = 0) -> bytes:
    """A PDF with these pages; with a picture on each, where wanted."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    pixel = b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    objects.append(pixel + b" /Length 1 >>\nstream\n\x00\nendstream")
    kids = []
    for page in pages:
        content = b"".join(_draw(one) for one in page) + (b"q 500 0 0 700 20 20 cm /I Do Q\n" if picture else b"")
        packed = zlib.compress(content)
        objects.append(f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream")
        kids.append(len(objects) + 1)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}] /Rotate {rotate} /Contents {len(objects)} 0 R"  # noqa: E501
            " /Resources << /Font << /F1 3 0 R >> /XObject << /I 4 0 R >> >> >>".encode()
        )
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] /Count {len(kids)} >>".encode()
    written, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = len(written)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    written += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    written += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF".encode()
    return bytes(written)


def _draw(one: At | Drawn) -> bytes:
    if isinstance(one, Drawn):
        is_box = one.width and one.height
        path = (
            f"{one.x} {one.y} {one.width} {one.height} re"
            if is_box
            else (f"{one.x} {one.y} m {one.x + one.width} {one.y + one.height} l")
        )
        return f"{path} S\n".encode()
    text = one.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("cp1252")
    turn = {0: "1 0 0 1", 1: "0 1 -1 0", 2: "-1 0 0 -1", 3: "0 -1 1 0"}[one.turned]
    return f"BT /F1 {one.size} Tf {turn} {one.x} {one.y} Tm (".encode() + text + b") Tj ET\n"
