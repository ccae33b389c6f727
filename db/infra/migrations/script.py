"""Runs a revision's SQL file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import op


def run(revision: str, direction: Literal["up", "down"]) -> None:
    """Run the ``.up.sql`` or ``.down.sql`` beside a revision's Python file, whole, in the migration's transaction.

    It goes to the driver's own connection, which takes several statements at once.
    """
    statements = Path(revision).with_suffix(f".{direction}.sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.run_async(lambda driver: driver.execute(statements))
