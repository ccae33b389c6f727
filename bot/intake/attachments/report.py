"""What a person is told of a document: while it is taken in, and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.core.attachments import Destination
from bot.core.i18n import Translator


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """What has become of one document."""

    name: str
    passages: int = 0
    replaced: bool = False
    """Whether it has taken the place of one of the same name."""
    refusal: str | None = None
    """Why it was not taken in, in the person's language."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DocumentResult:
        """What `document` has written."""
        return cls(**stored)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return asdict(self)


def fetching_text(name: str, say: Translator) -> str:
    """It is on its way here."""
    return say("Fetching “{name}” …", name=name)


def reading_text(name: str, say: Translator) -> str:
    """It is being read."""
    return say("Reading “{name}” …", name=name)


def embedding_text(name: str, done: int, total: int, say: Translator) -> str:
    """So much of it is done."""
    return say("Learning “{name}”: {done} of {total} passages …", name=name, done=done, total=total)


def format_report(
    results: Sequence[DocumentResult], destination: Destination, say: Translator, *, in_group: bool
) -> str:
    """What has become of all documents of a message, a line each.

    Args:
        in_company: whether others are present.
    """
    return "\n".join(_format_result(one, destination, say, in_group=in_group) for one in results)


def _format_result(result: DocumentResult, destination: Destination, say: Translator, *, in_group: bool) -> str:
    if result.refusal is not None:
        return say("I have not taken in “{name}”. {reason}", name=result.name, reason=result.refusal)
    known = {"name": result.name, "count": result.passages}
    if destination == "library":
        if result.replaced:
            return say(
                "“{name}” is in the library in its new form (passages: {count}). /library shows what is there,"
                " “/library forget {name}” takes it out.",
                **known,
            )
        return say(
            "“{name}” is in the library now (passages: {count}). /library shows what is there, “/library forget {name}”"
            " takes it out.",
            **known,
        )
    if in_group:
        return say(
            "I have read “{name}” and remember it for you in this chat (passages: {count}). In a private chat with me"
            " /memory shows it, and /forget with its number deletes it.",
            **known,
        )
    if result.replaced:
        return say(
            "I have read “{name}” and remember it in its new form (passages: {count}). /memory shows it, and /forget"
            " with its number deletes it.",
            **known,
        )
    return say(
        "I have read “{name}” and remember it (passages: {count}); other people cannot see it. /memory shows it, and"
        " /forget with its number deletes it.",
        **known,
    )
