"""Markdown, as models write it, to text with entities. What is not closed yet, in an answer on its way, is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bot.channels.port import Table
from bot.channels.telegram.formatted import Formatted, Span, clean, plain
from bot.channels.telegram.tables import as_text

LONGEST: Final = 20_000
"""Characters; a longer text is shown as it is."""
DEEPEST: Final = 20
"""Blocks in blocks; what is deeper is shown as it is, for the parser would leave it out."""
_PARSER: Final = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])
# HTML is not for a chat: it is shown as it is written.
_PARSER.disable(["html_block", "html_inline"])
_STYLES: Final = {"strong": "bold", "em": "italic", "s": "strikethrough", "heading": "bold"}
_LINKS: Final = ("http://", "https://", "tg://", "mailto:")
_RULE: Final = "———"


def render(markdown: str) -> Formatted:
    """What Markdown says, and how it looks."""
    if len(markdown) > LONGEST:
        return plain(markdown)
    tokens = _PARSER.parse(clean(markdown))
    if max((token.level for token in tokens), default=0) >= DEEPEST - 1:
        return plain(markdown)
    writer = _Writer()
    writer.blocks(SyntaxTreeNode(tokens).children)
    return writer.done()


class _Writer:
    """Writes blocks and what is in them, and notes where each look begins and ends."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._depth = 0
        """Of lists in lists."""
        self._quoted = False

    def done(self) -> Formatted:
        """What has been written, with no blanks at its ends."""
        text = "".join(self._text)
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        spans = [span for span in self._spans if span.start < end and span.end > span.start]
        if any(span.start < start for span in spans):
            start = 0
        # An outer look before an inner one.
        spans.sort(key=lambda span: (span.start, -span.end))
        return Formatted(text, tuple(spans)).cut(start, end)

    def blocks(self, nodes: Sequence[SyntaxTreeNode], between: str = "\n\n") -> None:
        """Blocks, one under another."""
        for n, node in enumerate(nodes):
            if n:
                self._write(between)
            self._block(node)

    def _block(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "fence" | "code_block":
                language = node.info.split()[0] if node.type == "fence" and node.info.split() else None
                with self._look("pre", language):
                    self._write(node.content.rstrip("\n"))
            case "heading":
                with self._look("bold"):
                    self._inside(node)
            case "blockquote":
                self._quote(node)
            case "bullet_list" | "ordered_list":
                self._list(node)
            case "hr":
                self._write(_RULE)
            case "table":
                self._table(node)
            case _:
                self._inside(node)

    def _inside(self, node: SyntaxTreeNode) -> None:
        for child in node.children:
            self._inline(child)
        if not node.children and node.type not in ("paragraph", "heading", "inline"):
            self._write(node.content)

    def _quote(self, node: SyntaxTreeNode) -> None:
        # Telegram knows no quote in a quote.
        if self._quoted:
            self.blocks(node.children)
            return
        self._quoted = True
        with self._look("blockquote"):
            self.blocks(node.children)
        self._quoted = False

    def _list(self, node: SyntaxTreeNode) -> None:
        first = int(node.attrs.get("start", 1))
        self._depth += 1
        for n, item in enumerate(node.children):
            if n:
                self._write("\n")
            mark = f"{first + n}." if node.type == "ordered_list" else "•"
            self._write("   " * (self._depth - 1) + mark + " ")
            self.blocks(item.children, "\n")
        self._depth -= 1

    def _table(self, node: SyntaxTreeNode) -> None:
        rows = [["".join(_words(cell)) for cell in row.children] for part in node.children for row in part.children]
        self._append(as_text(Table(rows[0], rows[1:]), named=True))

    def _inline(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "text" | "text_special":
                self._write(node.content)
            case "code_inline":
                with self._look("code"):
                    self._write(node.content)
            case "softbreak" | "hardbreak":
                self._write("\n")
            case "strong" | "em" | "s":
                with self._look(_STYLES[node.type]):
                    self._inside(node)
            case "link":
                self._link(node, str(node.attrs.get("href", "")), lambda: self._inside(node))
            case "image":
                self._link(node, str(node.attrs.get("src", "")), lambda: self._write(node.content or "🖼"))
            case _:
                self._inside(node)

    def _link(self, node: SyntaxTreeNode, address: str, write: Callable[[], None]) -> None:
        if address.startswith(_LINKS):
            with self._look("text_link", address):
                write()
            return
        write()
        if address:
            self._write(f" ({address})")

    @contextmanager
    def _look(self, kind: str, detail: str | None = None) -> Iterator[None]:
        start = self._length
        yield
        self._spans.append(Span(kind, start, self._length, detail))

    def _write(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)

    def _append(self, piece: Formatted) -> None:
        at = self._length
        self._write(piece.text)
        self._spans += (Span(span.kind, span.start + at, span.end + at, span.detail) for span in piece.spans)


def _words(node: SyntaxTreeNode) -> Iterator[str]:
    """The text of a cell, its looks left out."""
    if not node.children:
        yield " " if node.type in ("softbreak", "hardbreak") else node.content if node.type != "td" else ""
    for child in node.children:
        yield from _words(child)
