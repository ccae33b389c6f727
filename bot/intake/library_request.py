"""Finds in a caption that its documents are meant for the library: “/library add”, “to the library”, «в библиотеку»."""

from __future__ import annotations

import re
from typing import Final

LIBRARY_REQUEST: Final = "Add to the library."
"""A caption that says it, for channels where a person does not."""
_ENGLISH: Final = (
    r"(?:please,?\s+)?(?:(?:add|put|save|upload|move|send|take)\s+)?"
    r"(?:(?:this|these|that|it|them|all)\s+)?(?:(?:the\s+)?(?:file|files|document|documents|book|books|text|texts)\s+)?"
    r"(?:in|into|to|for)\s+(?:the|my|your|our)?\s*library"
)
_RUSSIAN: Final = (
    r"(?:пожалуйста,?\s+)?"
    r"(?:(?:добав(?:ь|ьте|ить)|полож(?:и|ите|ить)|сохран(?:и|ите|ить)|загруз(?:и|ите|ить)|внес(?:и|ите|ти)"
    r"|помест(?:и|ите|ить)|отправ(?:ь|ьте|ить)|занес(?:и|ите|ти))\s+)?"
    r"(?:(?:это|эти|этот|эту|его|её|ее|их|всё|все)\s+)?"
    r"(?:(?:файл|файлы|документ|документы|книгу|книги|текст|тексты)\s+)?"
    r"(?:в|для)\s+(?:мою\s+|свою\s+|твою\s+|вашу\s+|нашу\s+)?библиотек[уи]"
)
_COMMAND: Final = r"/(?:library|библиотека)(?:@\w+)?\s+(?:add|добавить|добавь)"
_REQUEST: Final = re.compile(
    rf"\s*(?:{_COMMAND}|{_ENGLISH}|{_RUSSIAN})(?:,?\s*(?:please|пожалуйста))?\s*(?:[.!:;—–-]+\s*|\n\s*|$)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)


def parse_library_request(caption: str) -> str | None:
    """The rest of a caption that begins with the wish to add its documents to the library; None for any other caption.

    The wish is a sentence or a line of its own: “Is this in the library?” is none.
    """
    match = _REQUEST.fullmatch(caption)
    return match["rest"].strip() if match else None
