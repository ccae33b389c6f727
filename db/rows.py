"""Rows as frozen dataclasses: a dataclass's fields are the columns it is read from."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

    R = TypeVar("R", bound=DataclassInstance)
else:
    R = TypeVar("R")


def sql(row_type: type[DataclassInstance], statement: str) -> str:
    """The statement with ``@columns`` replaced by the columns of `row_type`.

    Columns are named, never ``*``: a process of this release keeps working after a newer one has added a column.
    """
    return statement.replace("@columns", ", ".join(field.name for field in fields(row_type)))


def read(row_type: type[R], row: Mapping[str, Any]) -> R:
    """One row; columns that are not fields of `row_type` are left aside."""
    return row_type(**{field.name: row[field.name] for field in fields(row_type)})
