"""The Markdown parser: CommonMark with tables and strikethrough, changed so that no text is lost or taken for marks."""

from __future__ import annotations

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

from bot.text.markup.literals import (
    ESCAPED_MARKS,
    IDENTIFIER,
    find_math,
    find_url,
    may_close,
    may_open,
)

MAX_NESTING: Final = 20
"""Levels of nested blocks; the parser would drop what is deeper."""
_URL_SCHEME: Final = re.compile(r"(?<![A-Za-z0-9])(?:https?|ftp|tg)$", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:(?:https?|ftp|tg)://|mailto:|tel:|\.{0,2}/|#)\S", re.IGNORECASE)
_LONGEST_SCHEME: Final = 6
_MAX_MATH_LINES: Final = 60
_MATH_BLOCKS: Final = {"\\[": "\\]", "$$": "$$"}


class _Parser(MarkdownIt):
    """Keeps the addresses of links as they are written, and what is no address as text. The names are the library's."""

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link

    def validateLink(self, url: str) -> bool:
        return _ADDRESS.match(url) is not None


def make_parser() -> MarkdownIt:
    """A parser. Its trees have one kind of node more than CommonMark's: `math_block`."""
    parser = _Parser("commonmark", {"maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    # HTML and entities are shown as they are. Link definitions would vanish, and an underlined line is a rule here.
    parser.disable(["html_block", "html_inline", "entity", "reference", "lheading"])
    parser.block.ruler.before("table", "math_block", _math_block, {"alt": ["paragraph", "blockquote", "list"]})
    parser.inline.ruler.before("escape", "math", _math)
    parser.inline.ruler.before("escape", "url", _url)
    parser.inline.ruler.before("emphasis", "identifier", _identifier)
    parser.inline.ruler.at("escape", _escape)
    parser.inline.ruler.at("emphasis", _emphasis)
    return parser


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A formula on lines of its own, which may begin with what else would be a list or a heading."""
    first = _line(state, start_line)
    closing = _MATH_BLOCKS.get(first[:2])
    last = min(end_line, start_line + _MAX_MATH_LINES)
    if closing is None or state.src.find(closing, state.bMarks[start_line] + 2, state.eMarks[last - 1]) < 0:
        return False
    rest = first[2:].rstrip()
    line = start_line
    while not (rest.endswith(closing) and (line > start_line or len(rest) > len(closing))):
        line += 1
        if (
            line >= min(end_line, start_line + _MAX_MATH_LINES)
            or state.sCount[line] < state.blkIndent
            or not (rest := _line(state, line).rstrip())
        ):
            return False
    if silent:
        return True
    token = state.push("math_block", "math", 0)
    token.content = state.getLines(start_line, line + 1, state.blkIndent, keepLastLF=False).strip("\n")
    token.map = [start_line, line + 1]
    state.line = line + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _math(state: StateInline, silent: bool) -> bool:
    return _literal(state, find_math(state.src, state.pos, state.posMax), silent)


def _identifier(state: StateInline, silent: bool) -> bool:
    match = IDENTIFIER.match(state.src, state.pos, state.posMax)
    return _literal(state, match.end() if match else None, silent)


def _literal(state: StateInline, end: int | None, silent: bool) -> bool:
    """Text up to `end` that is shown as it is; no such text if that is None."""
    if end is None:
        return False
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _url(state: StateInline, silent: bool) -> bool:
    """An address in the text: the scheme before the colon is pending already."""
    if state.src[state.pos] != ":" or not state.src.startswith("://", state.pos):
        return False
    scheme = _URL_SCHEME.search(state.src[max(0, state.pos - _LONGEST_SCHEME) : state.pos])
    if scheme is None:
        return False
    end = find_url(state.src[: state.posMax], state.pos - len(scheme[0]))
    return _literal(state, end if end is not None and end > state.pos else None, silent)


def _escape(state: StateInline, silent: bool) -> bool:
    """A backslash that keeps a mark from being one; before anything else it is shown."""
    if state.src[state.pos] != "\\":
        return False
    following = state.src[state.pos + 1 : state.pos + 2] if state.pos + 1 < state.posMax else ""
    if not silent:
        token = state.push("text_special", "", 0)
        token.content = following if following in ESCAPED_MARKS and following else "\\" + following
        token.markup = "\\" + following
        token.info = "escape"
    state.pos += 1 + len(following)
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:
    """CommonMark's rule for stars and underscores, except for those that are meant as such."""
    mark = state.src[state.pos]
    if silent or mark not in "*_":
        return False
    scanned = state.scanDelims(state.pos, mark == "*")
    end = state.pos + scanned.length
    before = state.src[state.pos - 1] if state.pos > 0 else " "
    after = state.src[end] if end < state.posMax else " "
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = mark
        delimiter = Delimiter(
            marker=ord(mark),
            length=scanned.length,
            token=len(state.tokens) - 1,
            end=-1,
            open=scanned.can_open and may_open(mark, scanned.length, before, after),
            close=scanned.can_close and may_close(mark, scanned.length, before, after),
        )
        state.delimiters.append(delimiter)
    state.pos = end
    return True
