"""What pydantic has against a document, said to the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from rapidfuzz import fuzz, process

from bot.minds.errors import Mistake, safe_excerpt
from bot.minds.schema import StrictModel
from bot.minds.yaml_document import KeyPath, YamlDocument
from consilium.errors import N_

_WRITE_EXAMPLE = N_("Write `{example}`.")
_NEEDS_TEXT = (N_("“{place}” needs text, not {found}."), _WRITE_EXAMPLE)
_NEEDS_LIST = (N_("“{place}” needs a list, not {found}."), _WRITE_EXAMPLE)
_NEEDS_KEYS = (N_("“{place}” needs keys with values, not {found}."), _WRITE_EXAMPLE)
_NEEDS_INTEGER = (N_("“{place}” needs a whole number, not {found}."), _WRITE_EXAMPLE)
_NEEDS_NUMBER = (N_("“{place}” needs a number, not {found}."), _WRITE_EXAMPLE)
_NEEDS_CHOICE = (N_("“{place}” cannot be {found}."), N_("Write {expected}."))
_NEEDS_BOOLEAN = (N_("“{place}” needs true or false, not {found}."), N_("Write `{key}: true` or `{key}: false`."))

_MESSAGES_BY_TYPE: Final[Mapping[str, tuple[str, str]]] = {
    "string_type": _NEEDS_TEXT,
    "no_text": _NEEDS_TEXT,
    "string_too_short": (N_("“{place}” is empty."), _WRITE_EXAMPLE),
    "string_too_long": (N_("“{place}” is too long."), N_("Write at most {max_length} characters.")),
    "string_pattern_mismatch": (N_("“{place}” cannot be {found}."), N_("Write a word of small Latin letters.")),
    "tuple_type": _NEEDS_LIST,
    "list_type": _NEEDS_LIST,
    "too_short": (N_("“{place}” has too few items."), N_("Write at least {min_length}, as in `{example}`.")),
    "dict_type": _NEEDS_KEYS,
    "model_type": _NEEDS_KEYS,
    "model_attributes_type": _NEEDS_KEYS,
    "int_type": _NEEDS_INTEGER,
    "int_parsing": _NEEDS_INTEGER,
    "int_from_float": _NEEDS_INTEGER,
    "float_type": _NEEDS_NUMBER,
    "finite_number": _NEEDS_NUMBER,
    "bool_type": _NEEDS_BOOLEAN,
    "bool_parsing": _NEEDS_BOOLEAN,
    "enum": _NEEDS_CHOICE,
    "greater_than_equal": (N_("“{place}” is {found}."), N_("Write {ge} or more.")),
    "greater_than": (N_("“{place}” is {found}."), N_("Write more than {gt}.")),
    "less_than_equal": (N_("“{place}” is {found}."), N_("Write {le} or less.")),
    "overlap": (
        N_("“{place}” repeats {overlap} tokens in chunks of {size}."),
        N_("Write an `overlap` smaller than `size`, a fifth of it for example."),
    ),
    "no_file": (N_("there is no file {written}."), N_("Make it, or correct the path at “{place}”.")),
    "no_adapter": (
        N_("there is no adapter in {written}."),
        N_("Train it with `consilium train`, or correct the path at “{place}”."),
    ),
    "no_match": (N_("no file matches {written}."), N_("Add one, or correct the pattern at “{place}”.")),
    "outside": (
        N_("{written} does not stay inside the mind's folder."),
        N_("Write a path relative to that folder, with “/” and without “..”."),
    ),
    "no_name": (
        N_("{found} cannot be a name."),
        N_("Begin with a letter and use letters, digits, “-” and “_”."),
    ),
    "not_canonical": (N_("{found} is not how modes write this name."), N_("Write `{canonical}`.")),
    "reserved": (N_("{found} is a word of the mode grammar itself."), N_("Take another; reserved are {reserved}.")),
}
_FALLBACK_MESSAGE = (N_("“{place}” does not fit: {problem}."), _WRITE_EXAMPLE)
_KEY_MARKER = "[key]"


def explain_validation_error(
    error: ValidationError, document: YamlDocument, model: type[StrictModel]
) -> Iterator[Mistake]:
    """One mistake for each thing `model` refused in `document`."""
    for one in error.errors(include_url=False):
        place: KeyPath = tuple(step for step in one["loc"] if step != _KEY_MARKER)
        if one["type"] == "extra_forbidden":
            yield _unknown_key_mistake(place, document, model)
        elif one["type"] == "default_factory_not_called":
            continue  # a default that depends on a field which is itself complained of
        elif one["type"] == "missing":
            yield document.mistake(
                place[:-1], N_("“{key}” is missing."), _WRITE_EXAMPLE, **_template_values(place, model, one)
            )
        else:
            sentence, remedy = _MESSAGES_BY_TYPE.get(one["type"], _FALLBACK_MESSAGE)
            yield document.mistake(place, sentence, remedy, **_template_values(place, model, one))


def suggest_known_name(name: str, known: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """A remedy for a name that is not among `known`, and its details."""
    near = process.extractOne(name, list(known), scorer=fuzz.ratio, score_cutoff=60)
    if near:
        return N_("Write “{nearest}”."), {"nearest": near[0]}
    return N_("Write one of: {known}."), {"known": ", ".join(known) or "—"}


def _unknown_key_mistake(place: KeyPath, document: YamlDocument, model: type[StrictModel]) -> Mistake:
    owner = _model_at(model, place[:-1])
    remedy, details = suggest_known_name(str(place[-1]), owner.model_fields if owner else {})
    return document.mistake(
        place, N_("“{key}” is not a known key."), remedy, key=safe_excerpt(str(place[-1])), **details
    )


def _template_values(place: KeyPath, model: type[StrictModel], error: ErrorDetails) -> dict[str, Any]:
    """Everything a template may name; `place` itself comes from the document."""
    steps = [step for step in place if isinstance(step, str)]
    return {
        "key": steps[-1] if steps else "",
        "found": _describe_value(error["input"]),
        "example": _example_for(place, model),
        "problem": error["msg"],
        **error.get("ctx", {}),
    }


def _describe_value(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "keys with values"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"“{safe_excerpt(str(value))}”"


def _example_for(place: KeyPath, model: type[StrictModel]) -> str:
    """How the field at `place`, or the nearest field around it with an example, is written."""
    while place:
        found = _field_at(model, place)
        if found and found.examples:
            name = [step for step in place if isinstance(step, str)][-1]
            return f"{name}: {found.examples[0]}"
        place = place[:-1]
    return "key: value"


def _field_at(model: type[StrictModel], place: KeyPath) -> FieldInfo | None:
    owner = _model_at(model, place[:-1])
    return owner.model_fields.get(str(place[-1])) if owner else None


def _model_at(model: type[StrictModel], place: KeyPath) -> type[StrictModel] | None:
    kind: Any = model
    for step in place:
        if isinstance(kind, type) and issubclass(kind, StrictModel):
            kind = kind.model_fields[str(step)].annotation if step in kind.model_fields else None
        else:
            arguments = [argument for argument in get_args(kind) if argument is not Ellipsis]
            kind = arguments[-1] if arguments else None
    return kind if isinstance(kind, type) and issubclass(kind, StrictModel) else None
