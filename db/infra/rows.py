"""Rows as frozen dataclasses: a dataclass's fields are the columns it is read from."""

from __future__ import annotations

import json
from dataclasses import Field, fields
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
    return row_type(**{column.name: _column_value(column, row[column.name]) for column in fields(row_type)})


def _column_value(column: Field[Any], value: Any) -> Any:
    return json.loads(value) if value is not None and "jsonb" in column.metadata else value
