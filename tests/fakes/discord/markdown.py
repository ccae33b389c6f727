"""What people see of a message: Discord's markup, read as Discord's clients read it.

After the rules of the client's own parser: at each place the first rule that matches wins. It knows code, escapes,
addresses, links, bold, underline, italics, strikethrough, spoilers, headings and quotations; lists look as written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_BLOCK = re.compile(r"```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```", re.IGNORECASE)
_CODE = re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")
_ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
_URL = re.compile(r"https?://[^\s<]+[^<.,:;\"'\]\s)*_~|]")
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
_LINK = re.compile(
    r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]\(\s*<?((?:\([^)]*\)|[^\s\\]|\\.)*?)>?(?:\s+['\"]([\s\S]*?)['\"])?\s*\)"
)
_STYLES = (
    ("bold", re.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")),
    ("underline", re.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")),
    ("italic", re.compile(r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b")),
    ("italic", re.compile(r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)")),
    ("strikethrough", re.compile(r"~~(?=\S)((?:\\[\s\S]|~(?!~)|[^\s\\~]|\s(?!~~))+?)~~")),
    ("spoiler", re.compile(r"\|\|([\s\S]+?)\|\|")),
)
_HEADING = re.compile(r"(?m)^(#{1,3}|-#)[ \t]+(?=\S)")
_QUOTE = re.compile(r"(?m)^[ \t]*>[ \t]")


@dataclass
class Seen:
    """A message as people see it."""

    text: str = ""
    styled: list[tuple[str, str]] = field(default_factory=list)
    """Each formatted text and its kind; of links the label, with the address as the kind."""


def read(content: str) -> Seen:
    """The text of a message's content, and what of it is formatted."""
    seen = Seen()
    position = 0
    for block in _BLOCK.finditer(content):
        _read_prose(content[position : block.start()], seen)
        seen.text += block[2]
        seen.styled.append(("code block", block[2]))
        position = block.end()
    _read_prose(content[position:], seen)
    return seen


def _read_prose(text: str, seen: Seen) -> None:
    _read_inline(_QUOTE.sub("", _HEADING.sub("", text)), seen)


def _read_inline(text: str, seen: Seen) -> None:
    position = 0
    while position < len(text):
        position = _read_next(text, position, seen)


def _read_next(text: str, position: int, seen: Seen) -> int:
    """Read what begins at a place; where it ends."""
    if match := _ESCAPE.match(text, position):
        seen.text += match[1]
    elif match := _CODE.match(text, position):
        seen.text += match[2]
        seen.styled.append(("code", match[2]))
    elif match := _AUTOLINK.match(text, position) or _URL.match(text, position):
        seen.text += match[match.lastindex or 0]
    elif (match := _LINK.match(text, position)) and match[2].startswith(("http://", "https://")):
        _read_styled(match[2], match[1], seen)
    else:
        for kind, pattern in _STYLES:
            # A word boundary is looked for in the whole text.
            if match := pattern.match(text, position):
                _read_styled(kind, match[1], seen)
                return match.end()
        seen.text += text[position]
        return position + 1
    return match.end()


def _read_styled(kind: str, inner: str, seen: Seen) -> None:
    start = len(seen.text)
    _read_inline(inner, seen)
    seen.styled.append((kind, seen.text[start:]))
