"""The page about logs names events that the code writes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "read-the-logs.md"
EVENT = re.compile(r"`([a-z_]+\.[a-z_]+)`")


def test_named_events_are_written() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {event for row in rows for event in EVENT.findall(row.split(" | ")[0])}
    code = "\n".join(
        path.read_text("utf-8") for package in ("bot", "inference", "db") for path in (ROOT / package).rglob("*.py")
    )
    assert len(named) > 30
    assert {event for event in named if f'"{event}"' not in code} == set()
