"""Markdown as models write it, as Discord's markup: what Discord would take for formatting is escaped, tables are code.

Discord formats more than is meant: stars within words, `__init__`, and it drops backslashes. Blocks are recognised line
by line and only their text is parsed, so that complete blocks stay as they are while more of an answer arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it.tree import SyntaxTreeNode

from bot.channels.discord.tables import parse_table, render_table
from bot.text.markup.literals import find_url, is_word_character
from bot.text.markup.parser import make_parser
from bot.text.markup.pieces import MAX_PIECE_CHARACTERS

_PARSER: Final = make_parser()
_FENCE: Final = re.compile(
    r"(?P<prefix>[ \t]*(?:>[ \t]?)*[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)"
)
_PREFIX: Final = re.compile(
    r"(?P<quote>[ \t]*(?:>[ \t]?)*[ \t]*)(?P<mark>(?:#{1,6}|-#|[-*+]|\d{1,9}[.)])[ \t]+(?=\S))?"
)
_PROMPT: Final = re.compile(r"[ \t]*>>>")
_LINE_START: Final = re.compile(r"^([ \t]*)([-#>+]|\d{1,9}(?=[.)]))", re.MULTILINE)
_MATH_BLOCKS: Final = {"\\[": "\\]", "$$": "$$"}
_MAX_MATH_LINES: Final = 60
_MAX_HEADING: Final = 3
_SPECIAL: Final = re.compile(r"\\|\*+|_+|~{2,}|`+|\|{2,}|(?:https?|ftp|tg)(?=://)", re.IGNORECASE)
_BREAK: Final = "\u200b"
"""Shows nothing, and keeps backticks from being a fence."""


@dataclass(frozen=True, slots=True)
class DiscordText:
    """A text in Discord's markup."""

    text: str
    table_heads: tuple[str, ...] = ()
    """The heads of its tables, as they stand in code blocks; they are repeated when a table is split."""


def to_discord(markdown: str) -> DiscordText:
    """Markdown as Discord's markup. Every visible character is kept, except for marks that become formatting."""
    lines = markdown.replace("\r\n", "\n").split("\n")
    written: list[str] = []
    heads: list[str] = []
    at = 0
    while at < len(lines):
        if (fence := _FENCE.fullmatch(lines[at])) is not None:
            end = _fence_end(lines, at, fence["mark"])
            written += _code_lines(lines[at:end], fence)
        elif (end := _math_end(lines, at)) > at:
            written.append(_LINE_START.sub(r"\1\\\2", escape_text("\n".join(lines[at:end]))))
        elif (table := parse_table(lines, at)) is not None:
            rows, end = table
            block = render_table(rows)
            heads.append(block.head)
            written += ["```", block.head, *([block.body] if block.body else []), "```"]
        else:
            end = _prose_end(lines, at)
            written.append(_render_prose(lines[at:end]))
        at = end
    return DiscordText("\n".join(written), tuple(heads))


def _is_closing(line: str, mark: str) -> bool:
    closing = line.lstrip(" \t>").rstrip()
    return len(closing) >= len(mark) and set(closing) == {mark[0]}


def _fence_end(lines: Sequence[str], start: int, mark: str) -> int:
    """The line after a code block; the number of lines if it is not closed."""
    return next((at + 1 for at in range(start + 1, len(lines)) if _is_closing(lines[at], mark)), len(lines))


def _code_lines(lines: Sequence[str], fence: re.Match[str]) -> Iterator[str]:
    """A code block with fences of three backticks, the only ones that Discord knows, and nothing inside closes it."""
    yield f"{fence['prefix']}```{fence['info'].strip()}"
    for n, line in enumerate(lines[1:], 1):
        if n == len(lines) - 1 and _is_closing(line, fence["mark"]):
            yield line[: len(line) - len(line.lstrip(" \t>"))] + "```"
        else:
            yield line.replace("```", f"`{_BREAK}`{_BREAK}`")


def _math_end(lines: Sequence[str], start: int) -> int:
    """The line after a formula that has lines of its own; `start` if none begins there."""
    first = lines[start].strip()
    closing = _MATH_BLOCKS.get(first[:2])
    if closing is None:
        return start
    for at in range(start, min(start + _MAX_MATH_LINES, len(lines))):
        line = lines[at].strip()
        if not line:
            return start
        if line.endswith(closing) and (at > start or len(line) >= len(closing) + 3):
            return at + 1
    return start


def _prose_end(lines: Sequence[str], start: int) -> int:
    """The line after a paragraph, a heading or an item of a list, all of which is parsed together."""
    if not lines[start].strip() or _has_prefix(lines[start], "#"):
        return start + 1
    for at in range(start + 1, len(lines)):
        line = lines[at]
        if not line.strip() or _has_prefix(line) or _FENCE.fullmatch(line) or parse_table(lines, at) is not None:
            return at
        if _math_end(lines, at) > at:
            return at
    return len(lines)


def _has_prefix(line: str, mark: str = "") -> bool:
    prefix = _PREFIX.match(line)
    assert prefix is not None
    return bool(prefix["mark"] and prefix["mark"].startswith(mark)) or (not mark and ">" in prefix["quote"])


def _render_prose(lines: Sequence[str]) -> str:
    first = lines[0]
    if prompt := _PROMPT.match(first):
        # To Discord three of them are a quotation of all that follows.
        lead, start = prompt[0].replace(">", "\\>"), prompt.end()
    else:
        prefix = _PREFIX.match(first)
        assert prefix is not None
        lead, start = prefix["quote"] + _render_mark(prefix["mark"] or ""), prefix.end()
    text = "\n".join((first[start:], *lines[1:]))
    if len(text) > MAX_PIECE_CHARACTERS:
        # Parsing a paragraph takes longer than in proportion to its length.
        return lead + escape_text(text)
    tree = SyntaxTreeNode(_PARSER.parseInline(text))
    return lead + "".join(_render_inline(child, frozenset()) for child in tree.children)


def _render_mark(mark: str) -> str:
    if mark.startswith("#"):
        return mark if len(mark.strip()) <= _MAX_HEADING else "#" * _MAX_HEADING + " "
    return mark.replace("+", "-")


def _render_inline(node: SyntaxTreeNode, styles: frozenset[str]) -> str:
    """A node as markup.

    Args:
        styles: types of the nodes around it: Discord would read a style within itself as its end.
    """
    inner = "".join(_render_inline(child, styles | {node.type}) for child in node.children)
    match node.type:
        case "text":
            return escape_text(node.content)
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return _render_code(node.content)
        case "strong" | "em" | "s" if node.type not in styles:
            return f"{node.markup}{inner}{node.markup}"
        case "link" if node.markup == "autolink":
            return _text_of(node)
        case "link":
            return _render_link(node, inner, _text_of(node), "href")
        case "image":
            return _render_link(node, escape_text(node.content), node.content, "src")
    return inner or escape_text(node.content)


def _render_code(code: str) -> str:
    """Code within a line, between one or two backticks: three would be a block of code."""
    mark = "``" if "`" in code else "`"
    padding = " " if code.startswith("`") or code.endswith("`") else ""
    return f"{mark}{padding}{code.replace('``', f'`{_BREAK}`')}{padding}{mark}"


def _render_link(node: SyntaxTreeNode, label: str, text: str, attribute: str) -> str:
    """A link; where Discord makes none, its label and its address."""
    url, title = str(node.attrs.get(attribute, "")), str(node.attrs.get("title", ""))
    behind = f" ({escape_text(title)})" if title else ""
    if text == url or not text:
        return url + behind
    if url.startswith(("http://", "https://")) and "://" not in text:
        return f"[{label}]({url}){behind}"
    return (f"{label} ({url})" if url else label) + behind


def _text_of(node: SyntaxTreeNode) -> str:
    return node.content if not node.children else "".join(_text_of(child) for child in node.children)


def escape_text(text: str) -> str:
    """A text without formatting, with a backslash before every mark that Discord would read as one."""
    out: list[str] = []
    at = 0
    while (found := _SPECIAL.search(text, at)) is not None:
        out.append(text[at : found.start()])
        at = found.end()
        run = found[0]
        before, after = text[found.start() - 1 : found.start()], text[at : at + 1]
        if run[0].isalpha():
            end = None if is_word_character(before or " ") else find_url(text, found.start())
            end = at if end is None else end
            # A backslash behind an address would belong to it, and marks that are text do so, too.
            while text[end : end + 1] in {"*", "_", "~"}:
                end += 1
            out.append(text[found.start() : end])
            at = end
        elif run == "\\":
            # Before a letter, a digit or a space, Discord shows a backslash.
            out.append("\\" if not after or (after.isascii() and after.isalnum()) or after.isspace() else "\\\\")
        elif run[0] == "|":
            is_operator = (before or " ").isspace() and (after or " ").isspace()
            is_operator |= bool(before and after and is_word_character(before) and is_word_character(after))
            out.append(_escape(run) if is_operator else run)
        elif run == "_" and before and after and is_word_character(before) and is_word_character(after):
            out.append(run)
        else:
            out.append(_escape(run))
    return "".join([*out, text[at:]])


def _escape(marks: str) -> str:
    return "".join(f"\\{mark}" for mark in marks)
