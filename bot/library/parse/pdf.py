"""The text of PDF pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.library.parse.block import Block, BlockKind
from bot.library.parse.errors import Protected, TooManyPages
from bot.library.parse.limits import ParseLimits

_LINE_END_HYPHEN: Final = re.compile(r"(?<=[^\W\d_])[-\u00ad]\n(?=[a-zа-яё])")
_PARAGRAPH_BREAK: Final = re.compile(r"\n\s*\n")


def read(path: Path, limits: ParseLimits) -> Iterator[Block]:
    """The paragraphs of each page, as far as blank lines show where they end.

    Raises:
        Protected, TooManyPages
    """
    from pypdf import PdfReader

    with path.open("rb") as stream:
        reader = PdfReader(stream)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Protected
        if len(reader.pages) > limits.pages:
            raise TooManyPages(limits.pages)
        number = 0
        for page, content in enumerate(reader.pages, 1):
            for paragraph in _PARAGRAPH_BREAK.split(_LINE_END_HYPHEN.sub("", content.extract_text())):
                if text := "\n".join(filter(None, (" ".join(line.split()) for line in paragraph.split("\n")))):
                    number += 1
                    yield Block(BlockKind.PARAGRAPH, text, number=number, page=page)
