"""The page about logs names events that the code writes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "read-the-logs.md"
EVENT = re.compile(r"`([a-z_]+\.[a-z_]+)`")


def test_no_record_says_what_an_exception_says() -> None:
    """`str(error)` may quote what a person wrote; the exception itself is described by the log's processor."""
    told = [
        f"{path}:{node.lineno}"
        for package in ("bot", "inference", "db")
        for path in (ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
        for node in ast.walk(call)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("str", "repr")
        and any(isinstance(name, ast.Name) and name.id in ("error", "failure", "cause") for name in node.args)
    ]
    assert told == []


def test_named_events_are_written() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {event for row in rows for event in EVENT.findall(row.split(" | ")[0])}
    code = "\n".join(
        path.read_text("utf-8") for package in ("bot", "inference", "db") for path in (ROOT / package).rglob("*.py")
    )
    assert len(named) > 30
    assert {event for event in named if f'"{event}"' not in code} == set()
