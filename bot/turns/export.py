"""Everything that is held about a person, as files for him: JSON for machines, Markdown to read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bot.channels.port import File
from bot.locales import Translator

EXPORT_NAME: Final = "consilium-export"
ZIP_THRESHOLD: Final = 4_000_000
"""Bytes above which both go into one archive: platforms take no files of any size."""

Row = Mapping[str, Any]


def export_files(data: Mapping[str, Sequence[Row]], created_at: datetime, say: Translator) -> tuple[File, ...]:
    """The files; blocking, for there may be years in them.

    Args:
        held: rows by table (`db.holdings.held`).
    """
    told = {"made": created_at.isoformat(), **data}
    files = (
        File(f"{EXPORT_NAME}.json", json.dumps(told, ensure_ascii=False, indent=2).encode()),
        File(f"{EXPORT_NAME}.md", "\n".join(_markdown_lines(data, created_at, say)).encode()),
    )
    return files if sum(len(file.content) for file in files) <= ZIP_THRESHOLD else (_zip_files(files),)


def _zip_files(files: Sequence[File]) -> File:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(file.name, file.content)
    return File(f"{EXPORT_NAME}.zip", target.getvalue())


def _markdown_lines(data: Mapping[str, Sequence[Row]], created_at: datetime, say: Translator) -> Iterator[str]:
    title = say("All that is held about you")
    yield f"# {title}"
    yield ""
    yield say("Made on {moment}. The JSON beside it has every detail.", moment=f"{created_at:%Y-%m-%d %H:%M} UTC")
    yield from _section_lines(
        say("You are known as"), [f"{row['platform']}: {row['external_id']}" for row in data["identities"]]
    )
    rules = [f"{row['effect']} {row['role']} ({row['platform']}: {row['subject']})" for row in data["access_rules"]]
    yield from _section_lines(say("Rules of the operator about you"), rules)
    counters = [f"{row['key']}: {row['day']}, {row['used']}" for row in data["allowances"]]
    yield from _section_lines(say("Messages counted, by day"), counters)
    yield from _section_lines(
        say("What is remembered of you"),
        [
            f"{_day(row)} ({row['kind']}): {_single_line(row['content'])}"
            for row in data["memories"]
            if _is_personal_fact(row)
        ],
    )
    for document in (row for row in data["memories"] if row["kind"] == "document"):
        passages = [row for row in data["memories"] if row.get("document_id") == document["id"]]
        title = say("Document: {name}", name=document["title"])
        yield from _section_lines(title, [f"{row['place'] or '—'}: {_single_line(row['content'])}" for row in passages])
    for session in data["sessions"]:
        yield from _session_lines(session, [row for row in data["turns"] if row["session_id"] == session["id"]], say)


def _is_personal_fact(memory: Row) -> bool:
    return memory["kind"] not in ("document", "passage")


def _section_lines(title: str, items: Sequence[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from ([f"- {item}" for item in items] or ["—"])


def _session_lines(session: Row, turns: Sequence[Row], say: Translator) -> Iterator[str]:
    title = say("Conversation: {where}", where=f"{session['platform']}, {session['place']}")
    yield ""
    yield f"## {title}"
    yield ""
    yield say("Mode: {mode}. Begun on {day}.", mode=session["mode"], day=_day(session))
    for turn in turns:
        yield ""
        yield f"### {turn['created_at'][:16].replace('T', ' ')}"
        yield ""
        yield from _as_quote(turn["question"])
        yield from (f"> 📎 {file['name']}" for file in (turn.get("files") or {}).get("files", ()))
        if turn["answer"]:
            yield ""
            yield f"**{turn['mode'] or '—'}**"
            yield ""
            yield from _as_quote(turn["answer"])
        if turn["error"]:
            yield ""
            yield f"*{_single_line(turn['error'])}*"


def _as_quote(text: str) -> Iterator[str]:
    yield from (f"> {line}".rstrip() for line in text.splitlines())


def _single_line(text: str) -> str:
    return " ".join(text.split())


def _day(row: Row) -> str:
    return str(row["created_at"])[:10]
