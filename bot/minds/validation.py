"""Explains pydantic's validation errors to the author of the file: what is wrong, on which line, and what to write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, Final, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
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
_KEY_MARKER: Final = "[key]"
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
        value = details["input"]
        found = safe_excerpt(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
        values: dict[str, Any] = {"found": found, "example": example}
        reason = details.get("ctx", {}).get("error")
        if isinstance(reason, InvalidValue):
            yield document.mistake(place, reason.sentence, reason.remedy, **values, **reason.details)
        elif details["type"] == "missing":
            yield document.mistake(place[:-1], N_("“{key}” is missing."), _WRITE_EXAMPLE, **values, key=place[-1])
        elif details["type"] == "extra_forbidden":
            key = str(place[-1])
            remedy, known = suggest_known_name(key, owner.model_fields)
            yield document.mistake(place, N_("“{key}” is not a known key."), remedy, key=safe_excerpt(key), **known)
        elif details["type"] != "default_factory_not_called":  # it only repeats the error in another field
            sentence = N_("“{place}” cannot be “{found}”: {problem}.")
            yield document.mistake(place, sentence, _WRITE_EXAMPLE, **values, problem=_describe_problem(details))


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


def _walk(model: type[BaseModel], place: KeyPath) -> tuple[list[tuple[str, FieldInfo]], type[BaseModel]]:
    """The fields on the way to `place`, outermost first, and the innermost model around it."""
    fields: list[tuple[str, FieldInfo]] = []
    owner, kind = model, cast(Any, model)
    for step in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            owner = kind
            field = kind.model_fields.get(str(step))
            fields += [(str(step), field)] if field else []
            kind = _without_none(field.annotation) if field else None
        else:  # the values of a dictionary or the items of a list
            kind = next((item for item in reversed(get_args(kind)) if item is not Ellipsis), None)
    return fields, owner


def _without_none(annotation: Any) -> Any:
    """The type of a value that may also be null, without what is annotated to it."""
    choices = [choice for choice in get_args(annotation) if choice is not NoneType]
    if len(choices) != 1 or NoneType not in get_args(annotation):
        return annotation
    return get_args(choices[0])[0] if get_origin(choices[0]) is Annotated else choices[0]
