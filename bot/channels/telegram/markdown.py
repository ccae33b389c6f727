"""Markdown, as models write it, to text with entities. Code blocks that a partial answer leaves open are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bot.channels.telegram.formatting import FormattedText, Span, format_table, normalize_text, plain
from bot.core.messages import Table

MAX_LENGTH: Final = 20_000
"""Characters; a longer text is shown unformatted."""
MAX_NESTING: Final = 20
"""Levels of nested blocks. A text with more is shown unformatted, because the parser would drop the deeper ones."""
_PARSER: Final = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
# HTML is shown as the text it is.
_PARSER.disable(["html_block", "html_inline"])
_STYLES: Final = {"strong": "bold", "em": "italic", "s": "strikethrough", "heading": "bold"}
_LINK_SCHEMES: Final = ("http://", "https://", "tg://", "mailto:")
_HORIZONTAL_RULE: Final = "———"


def render_markdown(markdown: str) -> FormattedText:
    """Markdown as text with entities."""
    if len(markdown) > MAX_LENGTH:
        return plain(markdown)
    tokens = _PARSER.parse(normalize_text(markdown))
    if max((token.level for token in tokens), default=0) >= MAX_NESTING - 1:
        return plain(markdown)
    writer = _EntityWriter()
    writer.write_blocks(SyntaxTreeNode(tokens).children)
    return writer.result()


class _EntityWriter:
    """Writes the nodes of a syntax tree as text and records the span of each entity."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._list_depth = 0
        """How many lists the current node is in."""
        self._in_quote = False

    def result(self) -> FormattedText:
        """What has been written, without whitespace at its ends."""
        text = "".join(self._text)
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        spans = [span for span in self._spans if span.start < end and span.end > span.start]
        if any(span.start < start for span in spans):
            start = 0
        # An outer entity comes before an inner one.
        spans.sort(key=lambda span: (span.start, -span.end))
        return FormattedText(text, tuple(spans)).substring(start, end)

    def write_blocks(self, nodes: Sequence[SyntaxTreeNode], separator: str = "\n\n") -> None:
        """Write blocks with the separator between them."""
        for n, node in enumerate(nodes):
            if n:
                self._write(separator)
            self._write_block(node)

    def _write_block(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "fence" | "code_block":
                language = node.info.split()[0] if node.type == "fence" and node.info.split() else None
                with self._styled("pre", language):
                    self._write(node.content.rstrip("\n"))
            case "heading":
                with self._styled("bold"):
                    self._write_children(node)
            case "blockquote":
                self._write_quote(node)
            case "bullet_list" | "ordered_list":
                self._write_list(node)
            case "hr":
                self._write(_HORIZONTAL_RULE)
            case "table":
                self._write_table(node)
            case _:
                self._write_children(node)

    def _write_children(self, node: SyntaxTreeNode) -> None:
        for child in node.children:
            self._write_inline(child)
        if not node.children and node.type not in ("paragraph", "heading", "inline"):
            self._write(node.content)

    def _write_quote(self, node: SyntaxTreeNode) -> None:
        # Telegram has no nested quotes.
        if self._in_quote:
            self.write_blocks(node.children)
            return
        self._in_quote = True
        with self._styled("blockquote"):
            self.write_blocks(node.children)
        self._in_quote = False

    def _write_list(self, node: SyntaxTreeNode) -> None:
        first = int(node.attrs.get("start", 1))
        self._list_depth += 1
        for n, item in enumerate(node.children):
            if n:
                self._write("\n")
            marker = f"{first + n}." if node.type == "ordered_list" else "•"
            self._write("   " * (self._list_depth - 1) + marker + " ")
            self.write_blocks(item.children, "\n")
        self._list_depth -= 1

    def _write_table(self, node: SyntaxTreeNode) -> None:
        rows = [["".join(_cell_text(cell)) for cell in row.children] for part in node.children for row in part.children]
        self._write_formatted(format_table(Table(rows[0], rows[1:]), label_cells=True))

    def _write_inline(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "text" | "text_special":
                self._write(node.content)
            case "code_inline":
                with self._styled("code"):
                    self._write(node.content)
            case "softbreak" | "hardbreak":
                self._write("\n")
            case "strong" | "em" | "s":
                with self._styled(_STYLES[node.type]):
                    self._write_children(node)
            case "link":
                self._write_link(str(node.attrs.get("href", "")), lambda: self._write_children(node))
            case "image":
                self._write_link(str(node.attrs.get("src", "")), lambda: self._write(node.content or "🖼"))
            case _:
                self._write_children(node)

    def _write_link(self, url: str, write_label: Callable[[], None]) -> None:
        if url.startswith(_LINK_SCHEMES):
            with self._styled("text_link", url):
                write_label()
            return
        write_label()
        if url:
            self._write(f" ({url})")

    @contextmanager
    def _styled(self, kind: str, detail: str | None = None) -> Iterator[None]:
        start = self._length
        yield
        self._spans.append(Span(kind, start, self._length, detail))

    def _write(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)

    def _write_formatted(self, piece: FormattedText) -> None:
        offset = self._length
        self._write(piece.text)
        self._spans += (replace(span, start=span.start + offset, end=span.end + offset) for span in piece.spans)


def _cell_text(node: SyntaxTreeNode) -> Iterator[str]:
    """The pieces of text of a table's cell, without formatting."""
    if not node.children:
        yield " " if node.type in ("softbreak", "hardbreak") else node.content if node.type != "td" else ""
    for child in node.children:
        yield from _cell_text(child)
