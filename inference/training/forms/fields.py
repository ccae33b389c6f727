"""Fields of a record: found under any of their names, and taken as text or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from inference.training.errors import RecordRefused
from inference.training.forms.refusals import (
    BrokenCharacter,
    Contradiction,
    EmptyField,
    MissingField,
    NotText,
    PartlyLearnt,
    PreferenceData,
    ToolUse,
    WrongValue,
)

Record = Mapping[str, Any]

_TOOLS: Final = ("tools", "functions", "tool_calls", "function_call", "tool_call_id")
_MEDIA: Final = ("image", "images", "video", "videos", "audio", "audios", "image_url", "input_audio")
_PREFERENCES: Final = ("chosen", "rejected", "preferred_output", "non_preferred_output", "chosen_response",
                       "rejected_response")  # fmt: skip
_PARTS: Final = ("train_detail", "training_detail")
WEIGHTS: Final = ("weight", "train", "training", "loss", "learn")


def joined(field: str, name: str) -> str:
    """The path of the field `name` of what stands at the path `field`."""
    return f"{field}.{name}" if field else name


def is_blank(value: object) -> bool:
    """Whether a field says nothing."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def find(record: Record, names: Sequence[str]) -> list[str]:
    """The record's own names of the fields that are there, in the order of `names`; letter case aside."""
    own = {normalised(name): name for name in record}
    return [own[name] for name in names if name in own]


def find_given(record: Record, names: Sequence[str], field: str = "") -> str | None:
    """The one field of `names` that says anything; None when none does.

    Raises:
        Contradiction: two do, and not the same.
    """
    found = [name for name in find(record, names) if not is_blank(record[name])]
    for other in found[1:]:
        if record[other] != record[found[0]]:
            raise Contradiction(joined(field, found[0]), joined(field, other))
    return found[0] if found else None


def find_needed(record: Record, names: Sequence[str]) -> str | None:
    """As `find_given`; when none says anything, one that is there, to be refused as empty."""
    return find_given(record, names) or next(iter(find(record, names)), None)


def normalised(name: str) -> str:
    """The name of a field without letter case, and with ``_`` for its spaces."""
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


def text_of(value: object, field: str, example: str = '"…"') -> str:
    """A field's value as text.

    Raises:
        MissingField, EmptyField, WrongValue, BrokenCharacter
    """
    if value is None:
        raise MissingField(field, example)
    if not isinstance(value, str):
        raise WrongValue(field, value, example)
    if not value.strip():
        raise EmptyField(field)
    for character in value if not value.isascii() else "":
        if "\ud800" <= character <= "\udfff":
            raise BrokenCharacter(field, f"\\u{ord(character):04x}")
    return value


def refuse_unlearnable(record: Record, field: str = "") -> None:
    """Refuse what would be lost if only the text were taken: tools, images, preferences, parts of answers.

    Raises:
        ToolUse, NotText, PreferenceData, PartlyLearnt
    """
    refusals: tuple[tuple[Sequence[str], Callable[[str], RecordRefused]], ...] = (
        (_TOOLS, ToolUse),
        (_MEDIA, lambda place: NotText(place, place.rpartition(".")[2])),
        (_PREFERENCES, PreferenceData),
        (_PARTS, PartlyLearnt),
    )
    for names, refusal in refusals:
        for name in find(record, names):
            # Some programs write every field, and these values where there is nothing.
            if not is_blank(record[name]) and record[name] not in (False, "[]", "{}", "null"):
                raise refusal(joined(field, name))


def is_learnt(record: Record, field: str = "", names: Sequence[str] = WEIGHTS) -> bool | None:
    """What the weights of a record or a message say; None when it has none.

    Raises:
        WrongValue: a weight is neither 0 nor 1.
        Contradiction: two of them differ.
    """
    said: dict[str, bool] = {}
    for name in record:
        if normalised(name) in names and not is_blank(record[name]):
            said[name] = _weight(record[name], joined(field, name))
    if len(set(said.values())) > 1:
        first, second = sorted(said, key=lambda name: said[name])[:: len(said) - 1]
        raise Contradiction(joined(field, first), joined(field, second))
    return next(iter(said.values()), None)


def _weight(value: object, field: str) -> bool:
    # In a table every value is text.
    weights: dict[object, bool] = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    weight = weights.get(value.strip().lower()) if isinstance(value, str) else None
    if weight is None:
        raise WrongValue(field, value, "0 or 1")
    return weight
