"""Markdown, as models write it, to text with entities. Code blocks that a partial answer leaves open are closed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from markdown_it.rules_block.table import escapedSplit
from markdown_it.tree import SyntaxTreeNode

from bot.channels.telegram.formatting import FormattedText, Span, format_table, join, normalize_text
from bot.core.messages import Table
from bot.text.markup.parser import MAX_NESTING, make_parser
from bot.text.markup.pieces import MAX_PIECE_CHARACTERS, split_into_pieces

MAX_LENGTH: Final = MAX_PIECE_CHARACTERS
"""Characters that are parsed at once; a longer text is rendered in parts, each as it would be in the whole."""
_PARSER: Final = make_parser()
_STYLES: Final = {"strong": "bold", "em": "italic", "s": "strikethrough", "heading": "bold"}
_LINK: Final = re.compile(r"tg://|mailto:|https?://[^/?#@]*[^/?#@.]\.[^/?#.]", re.IGNORECASE)
"""Addresses that Telegram makes a link of; the others, such as those of one's own computer, are shown."""
_LANGUAGE: Final = re.compile(r"[\w+#.-]{0,32}")
_LIST_MARKS: Final = re.compile(r"^(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])+")
"""What stands before a block in an item of a list, on its first line."""
_HORIZONTAL_RULE: Final = "———"


def render_markdown(markdown: str) -> FormattedText:
    """Markdown as text with entities. Every visible character is kept, except for marks that became formatting."""
    pieces = split_into_pieces(normalize_text(markdown), _PARSER)
    rendered = [(piece.separator, _render_piece(piece.markdown)) for piece in pieces]
    text = FormattedText()
    for separator, piece in rendered:
        text = join((text, piece), separator)
    return text


def _render_piece(markdown: str) -> FormattedText:
    tree = SyntaxTreeNode(_PARSER.parse(markdown))
    writer = _EntityWriter(markdown.split("\n"))
    writer.write_blocks(tree.children)
    return writer.result()


def _is_too_deep(node: SyntaxTreeNode) -> bool:
    """Whether the parser may have dropped something of a block because it is nested too deeply."""
    return any(token.level >= MAX_NESTING - 1 for token in node.to_tokens())


class _EntityWriter:
    """Writes the nodes of a syntax tree as text and records the span of each entity."""

    def __init__(self, lines: Sequence[str]) -> None:
        """
        Args:
            lines: the lines of the source.
        """
        self._lines = lines
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
        if node.level == 0 and _is_too_deep(node):
            self._write(self._source(node))
            return
        match node.type:
            case "fence" | "code_block":
                self._write_code(node)
            case "math_block":
                self._write(node.content)
            case "heading" | "blockquote" if not any(
                child.children or child.content for child in node.walk(include_self=False)
            ):
                self._write(self._source(node).strip())
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

    def _source(self, node: SyntaxTreeNode) -> str:
        first, last = node.map or (0, 0)
        return "\n".join(self._lines[first:last])

    def _write_code(self, node: SyntaxTreeNode) -> None:
        """A code block. Of what stands behind its fence, only a language is no text."""
        info = node.info.strip() if node.type == "fence" else ""
        language, _, more = info.partition(" ")
        if not _LANGUAGE.fullmatch(language):
            language, more = "", info
        code = node.content.rstrip("\n")
        if not code and not (language.isascii() and node.markup.startswith("`")):
            # Nothing follows, so it is no language.
            language, more = "", info
        if more.strip():
            self._write(more.strip() + ("\n" if code else ""))
        with self._styled("pre", language or None):
            self._write(code)

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
        self._list_depth += 1
        for n, item in enumerate(node.children):
            if n:
                self._write("\n")
            # Numbers are those of the source, which may begin again or leave some out.
            marker = f"{item.info}{item.markup}" if node.type == "ordered_list" else "•"
            self._write("   " * (self._list_depth - 1) + marker + " ")
            self.write_blocks(item.children, "\n")
        self._list_depth -= 1

    def _write_table(self, node: SyntaxTreeNode) -> None:
        rows = [["".join(_cell_text(cell)) for cell in row.children] for part in node.children for row in part.children]
        lines = self._source(node).split("\n")
        if self._list_depth:
            lines[0] = _LIST_MARKS.sub("", lines[0])
        extra = [surplus_cells(line, len(rows[0])) for line in lines]
        # The second line of a table is its rule.
        del extra[1:2]
        width = len(rows[0]) + max(map(len, extra), default=0)
        rows = [
            _pad([*row, *more], width) for row, more in itertools.zip_longest(rows, extra[: len(rows)], fillvalue=())
        ]
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
                self._write_link(node, "href", lambda: self._write_children(node))
            case "image":
                self._write_link(node, "src", lambda: self._write(node.content or "🖼"))
            case _:
                self._write_children(node)

    def _write_link(self, node: SyntaxTreeNode, attribute: str, write_label: Callable[[], None]) -> None:
        url = str(node.attrs.get(attribute, ""))
        if _LINK.match(url):
            with self._styled("text_link", url):
                write_label()
        else:
            start = len(self._text)
            write_label()
            if url and "".join(self._text[start:]) != url:
                self._write(f" ({url})")
        if title := str(node.attrs.get("title", "")):
            self._write(f" ({title})")

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


def surplus_cells(line: str, count: int) -> list[str]:
    """The cells of a table's line beyond the number of its columns, which the parser drops."""
    cells = escapedSplit(line.strip().lstrip("> \t"))
    if cells and not cells[0]:
        del cells[0]
    if cells and not cells[-1]:
        del cells[-1]
    return ["".join(_cell_text(SyntaxTreeNode(_PARSER.parseInline(cell.strip())))) for cell in cells[count:]]


def _pad(row: Sequence[str], width: int) -> list[str]:
    return [*row, *[""] * (width - len(row))]


def _cell_text(node: SyntaxTreeNode) -> Iterator[str]:
    """The pieces of text of a table's cell, without formatting; links with their addresses."""
    if node.type in ("softbreak", "hardbreak"):
        yield " "
    elif node.type in ("link", "image"):
        url = str(node.attrs.get("href" if node.type == "link" else "src", ""))
        label = node.content if node.type == "image" else "".join(_children_text(node))
        yield label if label == url else f"{label} ({url})".strip()
    elif node.children:
        yield from _children_text(node)
    elif node.type not in ("td", "th", "root", "inline"):
        yield node.content


def _children_text(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        yield from _cell_text(child)
