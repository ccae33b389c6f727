"""Office files of small parts: OpenDocument, PowerPoint and EPUB. Word documents are in `tests.fakes.hostile`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.fakes.hostile.documents import archive

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF_NAMES = " ".join(
    f'xmlns:{short}="{_ODF}{name}:1.0"'
    for short, name in {
        "office": "office", "text": "text", "table": "table", "style": "style", "draw": "drawing",
        "presentation": "presentation", "fo": "xsl-fo-compatible", "meta": "meta",
    }.items()
)  # fmt: skip


def relations(targets: Mapping[str, tuple[str, str]]) -> str:
    """The relationships of a part: by id, the last word of their type and the target."""
    links = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}">{links}</Relationships>'


def open_document(kind: str, body: str, styles: str = "", extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """An OpenDocument file.

    Args:
        kind: `text`, `spreadsheet` or `presentation`.
        styles: automatic ones.
    """
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_ODF_NAMES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    mime = f"application/vnd.oasis.opendocument.{kind}"
    return archive({"mimetype": mime, "content.xml": content, **(extra or {})})


def ods_row(*cells: str, more: str = "") -> str:
    """A row of an OpenDocument table; a cell that begins with `<` stands as it is."""
    texts = (
        cell if cell.startswith("<") else f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row{more}>{''.join(texts)}</table:table-row>"


def slide(*shapes: str, more: str = "") -> str:
    """A slide of PowerPoint with these shapes."""
    names = (
        'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    )
    return f"<p:sld {names}{more}><p:cSld><p:spTree>{''.join(shapes)}</p:spTree></p:cSld></p:sld>"


def shape(*paragraphs: str, kind: str = "", place: tuple[int, int] | None = None) -> str:
    """A shape with text.

    Args:
        kind: of placeholder, such as `title`.
        place: its left and upper edge.
    """
    placeholder = f'<p:ph type="{kind}"/>' if kind else ""
    offset = f'<a:xfrm><a:off x="{place[0]}" y="{place[1]}"/></a:xfrm>' if place else ""
    texts = "".join(text if text.startswith("<") else f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in paragraphs)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"/><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:spPr>{offset}</p:spPr>'
        f"<p:txBody>{texts}</p:txBody></p:sp>"
    )


def pptx(*slides: str, notes: Mapping[int, str] | None = None) -> bytes:
    """A presentation.

    Args:
        notes: by the number of a slide, the part with its notes.
    """
    count = len(slides)
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="s{n}"/>' for n in range(1, count + 1))
    main = (
        '<p:presentation xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
        f' xmlns:r="{_OFFICE}"><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>'
    )
    parts: dict[str, bytes | str] = {
        "_rels/.rels": relations({"r1": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": main,
        # The order of the names is not that of the slides.
        "ppt/_rels/presentation.xml.rels": relations(
            {f"s{n}": ("slide", f"slides/slide{count + 1 - n}.xml") for n in range(1, count + 1)}
        ),
    }
    for n, content in enumerate(slides, 1):
        name = f"slide{count + 1 - n}.xml"
        parts[f"ppt/slides/{name}"] = content
        if notes and n in notes:
            parts[f"ppt/slides/_rels/{name}.rels"] = relations({"n": ("notesSlide", f"../notesSlides/notes{n}.xml")})
            parts[f"ppt/notesSlides/notes{n}.xml"] = notes[n]
    return archive(parts)


def epub(
    chapters: Sequence[tuple[str, str]], *, title: str = "", extra: Mapping[str, bytes | str] | None = None
) -> bytes:
    """A book of chapters with their names, in this order; their order in the archive is the opposite."""
    items = "".join(
        f'<item id="c{n}" href="text/{name}" media-type="application/xhtml+xml"/>'
        for n, (name, _) in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    book = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title></metadata><manifest>{items}"
        '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/></manifest>'
        f'<spine><itemref idref="nav"/>{spine}</spine></package>'
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    texts = {f"OEBPS/text/{name}": page for name, page in reversed(chapters)}
    return archive(
        {
            "META-INF/container.xml": container,
            "OEBPS/book.opf": book,
            "OEBPS/nav.xhtml": "<html><body><ol><li>Contents</li></ol></body></html>",
            **texts,
            **(extra or {}),
        }
    )
