"""Explains pydantic's validation errors to the author of the file: what is wrong, on which line, and what to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticKnownError
from rapidfuzz import fuzz, process

from bot.minds.errors import InvalidValue, Mistake, Phrase, safe_excerpt
from bot.minds.schema import StrictModel
from bot.minds.yaml_document import KeyPath, YamlDocument
from consilium.errors import N_

_WRITE_EXAMPLE = N_("Write `{example}`.")
PYDANTIC_MESSAGES: Final = (
    N_("Input should be a valid string"),
    N_("Input should be a valid integer"),
    N_("Input should be a valid integer, unable to parse string as an integer"),
    N_("Input should be a valid integer, got a number with a fractional part"),
    N_("Input should be a valid number"),
    N_("Input should be a finite number"),
    N_("Input should be greater than or equal to {ge}"),
    N_("Input should be greater than {gt}"),
    N_("Input should be less than or equal to {le}"),
)
"""Pydantic's own messages that a mind's file can cause. They are marked here to have a translation."""
_KEYS = N_("Input should be keys with values")
_BOOLEAN = N_("Input should be true or false")
_BETTER_MESSAGES: Final[Mapping[str, str]] = {
    "tuple_type": N_("Input should be a list"),
    "too_short": N_("Input should be a list with {min_length} or more items"),
    "dict_type": _KEYS,
    "model_type": _KEYS,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "enum": N_("Input should be one of {expected}"),
    "string_pattern_mismatch": N_("Input should be a word of lower-case Latin letters"),
    "string_too_short": N_("Input should be text that is not empty"),
    "string_too_long": N_("Input should have at most {max_length} characters"),
}
"""What stands instead of pydantic's messages that speak of Python, by error type."""
_KEY_MARKER = "[key]"
"""What pydantic adds to the location of a dictionary's key."""


def explain_validation_error(
    error: ValidationError, document: YamlDocument, model: type[StrictModel]
) -> Iterator[Mistake]:
    """One mistake for each value in `document` that `model` rejects."""
    for details in error.errors(include_url=False):
        place: KeyPath = tuple(step for step in details["loc"] if step != _KEY_MARKER)
        fields, owner = _walk(model, place)
        examples = (f"{name}: {field.examples[0]}" for name, field in reversed(fields) if field.examples)
        example = next(examples, "key: value")
        values: dict[str, Any] = {"found": _describe_value(details["input"]), "example": example}
        reason = details.get("ctx", {}).get("error")
        if isinstance(reason, InvalidValue):
            yield document.mistake(place, reason.sentence, reason.remedy, **values, **reason.details)
        elif details["type"] == "missing":
            yield document.mistake(place[:-1], N_("“{key}” is missing."), _WRITE_EXAMPLE, **values, key=place[-1])
        elif details["type"] == "extra_forbidden":
            _, owner = _walk(model, place[:-1])
            remedy, known = suggest_known_name(str(place[-1]), owner.model_fields if owner else {})
            key = safe_excerpt(str(place[-1]))
            yield document.mistake(place, N_("“{key}” is not a known key."), remedy, key=key, **known)
        elif details["type"] != "default_factory_not_called":  # it only repeats the error in another field
            problem = _describe_problem(details)
            yield document.mistake(
                place, N_("“{place}” cannot be {found}: {problem}."), _WRITE_EXAMPLE, **values, problem=problem
            )


def suggest_known_name(name: str, known: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """A remedy for a name that is not in `known`, and the details of that remedy."""
    near = process.extractOne(name, list(known), scorer=fuzz.ratio, score_cutoff=60)
    if near:
        return N_("Write “{nearest}”."), {"nearest": near[0]}
    return N_("Write one of: {known}."), {"known": ", ".join(known) or "—"}


def _describe_problem(details: ErrorDetails) -> object:
    """Why a value is rejected: a message that is translated, or pydantic's own text if it is a rare one."""
    values = dict(details.get("ctx", {}))
    if better := _BETTER_MESSAGES.get(details["type"]):
        # Of an enum; pydantic joins the choices in English: 'a', 'b' or 'c'.
        choices = str(values.get("expected", "")).replace("'", "").replace(" or ", ", ")
        return Phrase(better, {**values, "expected": choices})
    own = PydanticKnownError(details["type"], values).message_template  # type: ignore[arg-type]  # any type it reported
    return Phrase(own, values) if own in PYDANTIC_MESSAGES else details["msg"]


def _describe_value(value: object) -> object:
    """A value as a sentence names it."""
    if value is None:
        return Phrase(N_("empty"))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return Phrase(N_("keys with values"))
    if isinstance(value, (list, tuple)):
        return Phrase(N_("a list (items: {count})"), {"count": len(value)})
    return Phrase(N_("“{quotation}”"), {"quotation": safe_excerpt(str(value))})


def _walk(model: type[StrictModel], place: KeyPath) -> tuple[list[tuple[str, FieldInfo]], type[StrictModel] | None]:
    """The fields on the way to `place`, outermost first, and the model at its end, if there is one."""
    fields: list[tuple[str, FieldInfo]] = []
    kind: Any = model
    for step in place:
        if isinstance(kind, type) and issubclass(kind, StrictModel):
            field = kind.model_fields.get(str(step))
            fields += [(str(step), field)] if field else []
            kind = field.annotation if field else None
        else:  # the values of a dictionary or the items of a list
            kind = next((item for item in reversed(get_args(kind)) if item is not Ellipsis), None)
    return fields, kind if isinstance(kind, type) and issubclass(kind, StrictModel) else None
