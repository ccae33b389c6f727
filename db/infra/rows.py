"""Rows as frozen dataclasses: a dataclass's fields are the columns it is read from."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

    R = TypeVar("R", bound=DataclassInstance)
else:
    R = TypeVar("R")


JSONB: Final = {"jsonb": True}
"""Metadata of a field that is read from a jsonb column."""


def with_columns(row_type: type[DataclassInstance], statement: str) -> str:
    """The statement with ``@columns`` replaced by the columns of `row_type`.

    Columns are named, never ``*``: a process of this release keeps working after a newer one has added a column.
    """
    return statement.replace("@columns", ", ".join(column.name for column in fields(row_type)))


def to_jsonb(value: object) -> str:
    """A value as a jsonb column takes it."""
    return json.dumps(value, ensure_ascii=False)


def from_row(row_type: type[R], row: Mapping[str, Any]) -> R:
    """One row; columns that are not fields of `row_type` are left aside."""
    values = {name: row[name] for name in _column_names(row_type)}
    for name in _jsonb_columns(row_type):
        if values[name] is not None:
            values[name] = json.loads(values[name])
    return row_type(**values)


@cache
def _column_names(row_type: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(column.name for column in fields(row_type))


@cache
def _jsonb_columns(row_type: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(column.name for column in fields(row_type) if "jsonb" in column.metadata)
