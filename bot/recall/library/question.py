"""What a question shows of itself."""

from __future__ import annotations

import re
from typing import Final

_ASKS_FOR_NUMBER: Final = re.compile(
    r"\d|[%№]"
    r"|\bhow\s+(?:many|much|long|often|far|high|heavy|old|fast)\b"
    r"|\b(?:percent\w*|average|maximum|minimum|number\s+of|amount\s+of)\b"
    r"|\b(?:сколько|скольк\w+|насколько|процент\w*|средн(?:ий|яя|ее|его|ем|юю)|максимальн\w+|минимальн\w+)\b"
    r"|\b(?:как\s+(?:часто|долго|далеко))\b|\b(?:число|количеств\w+|величин\w+)\b",
    re.IGNORECASE,
)


def asks_for_number(question: str) -> bool:
    """Whether a question names a number or asks for one, so that tables are likelier to hold the answer."""
    return _ASKS_FOR_NUMBER.search(question) is not None
