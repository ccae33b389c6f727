"""Documents that mean harm, or were only saved badly: each a file made where it is wanted."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

MB = 1 << 20

CONTENT_TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
RELATIONS = """<?xml version="1.0"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
 Target="word/document.xml"/></Relationships>"""
LAUGHS = (
    '<!DOCTYPE bomb [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
    )
    + "]>"
)


def archive(parts: Mapping[str, bytes | str]) -> bytes:
    """A zip of these parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return written.getvalue()


def docx(body: str, *, head: str = "", extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """A Word document with this body."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'<?xml version="1.0"?>{head}<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>'
    parts = {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": RELATIONS, "word/document.xml": document}
    return archive({**parts, **(extra or {})})


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of a Word document."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(stream: bytes, *, filters: str = "/FlateDecode", pages: int = 1) -> bytes:
    """A PDF in which every page has this content, compressed already."""
    kids = " ".join(f"{number} 0 R" for number in range(5, 5 + pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        f"<< /Length {len(stream)} /Filter {filters} >>\nstream\n".encode() + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 3 0 R"
    objects += [page + b" /Resources << /Font << /F1 4 0 R >> >> >>"] * pages
    written, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = len(written)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    written += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    written += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF".encode()
    return bytes(written)


def pdf_text(*lines: str) -> bytes:
    """The content of a page with these lines, compressed."""
    shown = "".join(f"({line}) Tj T* " for line in lines)
    return zlib.compress(f"BT /F1 12 Tf 14 TL 50 700 Td {shown}ET".encode())


def pdf_bomb(megabytes: int) -> bytes:
    """A page that unpacks twice, to so much."""
    packer = zlib.compressobj(9)
    once = b"".join([*(packer.compress(b" " * MB) for _ in range(megabytes)), packer.flush()])
    return pdf(zlib.compress(once, 9), filters="[/FlateDecode /FlateDecode]")


def lying_docx(megabytes: int) -> bytes:
    """A Word document whose archive says that its text is small."""
    whole = bytearray(docx(paragraph("a" * megabytes * MB)))
    with zipfile.ZipFile(io.BytesIO(whole)) as zipped:
        size = zipped.getinfo("word/document.xml").file_size
    return bytes(whole.replace(struct.pack("<L", size), struct.pack("<L", 900)))


def sparse(path: Path, size: int, head: bytes = b"a,b\n1,2\n") -> None:
    """A file of this size that takes no room."""
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(size)


def xlsx_of_laughs() -> bytes:
    """A workbook whose sheet is made of entities."""
    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["one", "two"])
    book.save(written)
    with zipfile.ZipFile(written) as zipped:
        parts = {name: zipped.read(name) for name in zipped.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    return archive({**parts, sheet: LAUGHS.encode() + parts[sheet].replace(b"one", b"&k;")})


def laughing_odt() -> bytes:
    """A text of LibreOffice that is made of entities."""
    names = 'xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    return archive({"content.xml": f"{LAUGHS}<o:document-content {names}><o:body>&k;</o:body></o:document-content>"})


def merged_workbook(regions: int) -> bytes:
    """A workbook in which so many merged regions cover all rows."""
    import openpyxl

    book, written = openpyxl.Workbook(), io.BytesIO()
    for row in range(3000):
        book.active.append([row, "x"])
    book.save(written)
    with zipfile.ZipFile(written) as zipped:
        parts = {name: zipped.read(name) for name in zipped.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    merged = b'<mergeCells><mergeCell ref="A1:XFD1048576"/>' + b'<mergeCell ref="A1:XFD1048576"/>' * regions
    return archive({**parts, sheet: parts[sheet].replace(b"<pageMargins", merged + b"</mergeCells><pageMargins")})


def nested_message(depth: int) -> bytes:
    """A message with parts within parts."""
    heads = (f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'.encode() for level in range(depth))
    return b"Subject: x\n" + b"".join(heads) + b"Content-Type: text/plain\n\ntext\n"
