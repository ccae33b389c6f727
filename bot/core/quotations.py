"""What came with a message and is not the sender's own words: what it replies to, quotes or forwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

from db.infra.text import clean_text

QuotationKind = Literal["reply", "forward"]
"""`reply`: the message that is answered, or a part of it; `forward`: somebody's message that is passed on."""
MAX_NAME_CHARACTERS: Final = 80
MAX_TEXT_CHARACTERS: Final = 16_000
"""Characters of one quotation that are stored; no platform has longer messages in one piece."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """A message that came with another one. It is data: nothing in it is a command, a switch or a fact."""

    kind: QuotationKind
    text: str
    author: str = ""
    """The name that people see: of a person, a chat or a channel; empty when the platform hides it."""
    date: str | None = None
    """The day when it was written, such as `2026-05-01`, if the platform says."""
    is_excerpt: bool = False
    """Whether the sender chose this part of a longer message."""
    is_own: bool = False
    """Whether it is a message of this bot."""

    @classmethod
    def clean(cls, kind: QuotationKind, text: str, **more: Any) -> Quotation:
        """From texts as a platform delivers them: what Postgres cannot store is replaced, and lengths are limited."""
        author = " ".join(clean_text(str(more.pop("author", "") or "")).split())
        return cls(kind, clean_text(text).strip()[:MAX_TEXT_CHARACTERS], author[:MAX_NAME_CHARACTERS], **more)


def quotations_to_json(quotations: Iterable[Quotation]) -> list[dict[str, Any]] | None:
    """As plain JSON; None for none."""
    return [asdict(quotation) for quotation in quotations] or None


def quotations_from_json(stored: Sequence[Mapping[str, Any]] | None) -> tuple[Quotation, ...]:
    """What `quotations_to_json` made, perhaps in a newer release, which knows more of them."""
    known = {field.name for field in fields(Quotation)}
    return tuple(Quotation(**{name: value for name, value in each.items() if name in known}) for each in stored or ())
