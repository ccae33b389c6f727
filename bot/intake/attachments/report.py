"""What a person reads about a document: while it is ingested, and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.core.attachments import Destination
from bot.core.i18n import Translator


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """What came of one document."""

    name: str
    passages: int = 0
    replaced: bool = False
    """Whether it replaced a document of the same name."""
    refusal: str | None = None
    """Why it was refused, in the person's language; None when it was ingested."""
    notes: tuple[str, ...] = ()
    """What is told about it beside its text, in the person's language."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DocumentResult:
        """The result that `to_json` wrote."""
        return cls(**{**stored, "notes": tuple(stored.get("notes", ()))})

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON."""
        stored = asdict(self)
        if not self.notes:
            # The version before this one, which may read it, does not know them.
            del stored["notes"]
        return stored


def fetching_text(name: str, say: Translator) -> str:
    """The status while a document is downloaded."""
    return say("Fetching “{name}” …", name=name)


def reading_text(name: str, say: Translator) -> str:
    """The status while a document is parsed."""
    return say("Reading “{name}” …", name=name)


def embedding_text(name: str, done: int, total: int, say: Translator) -> str:
    """The status while `done` of `total` passages are embedded."""
    return say("Learning “{name}”: {done} of {total} passages …", name=name, done=done, total=total)


def format_report(
    results: Sequence[DocumentResult], destination: Destination, say: Translator, *, in_group: bool
) -> str:
    """What came of all documents of a message, a line each.

    Args:
        in_group: whether other people read the report, too.
    """
    return "\n".join(
        " ".join([_format_result(result, destination, say, in_group=in_group), *result.notes]) for result in results
    )


def _format_result(result: DocumentResult, destination: Destination, say: Translator, *, in_group: bool) -> str:
    if result.refusal is not None:
        return say("“{name}” was not added. {reason}", name=result.name, reason=result.refusal)
    details = {"name": result.name, "count": result.passages}
    if destination == "library":
        if result.replaced:
            return say(
                "“{name}” is updated in the library (passages: {count}). /library shows what is there,"
                " “/library forget {name}” removes it.",
                **details,
            )
        return say(
            "“{name}” is in the library now (passages: {count}). /library shows what is there, “/library forget {name}”"
            " removes it.",
            **details,
        )
    if in_group:
        return say(
            "I have read “{name}” and remember it for you in this chat (passages: {count}). In a private chat with me"
            " /memory shows it, and /forget with its number deletes it.",
            **details,
        )
    if result.replaced:
        return say(
            "I have read “{name}” and remember the new version (passages: {count}). /memory shows it, and /forget"
            " with its number deletes it.",
            **details,
        )
    return say(
        "I have read “{name}” and remember it (passages: {count}); other people cannot see it. /memory shows it, and"
        " /forget with its number deletes it.",
        **details,
    )
