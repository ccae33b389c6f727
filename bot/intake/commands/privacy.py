"""/privacy and /export: what is stored about a person, and all of it as files."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bot.core.i18n import Translator
from bot.core.messages import File
from bot.intake.commands.context import COMMANDS, CommandContext
from bot.intake.rate_limits import rate_limit_keys
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import personal_data

_PRIVACY = N_(
    "What I keep: what you ask and what I answer, what I remember about you and the text of documents you send,"
    " the ids that the platforms know you by, your mode and language, and how many messages you send.\n"
    "Where: in the database of whoever runs this service. He can read it; other people cannot. Answers are made on"
    " servers he has chosen.\n"
    "How long: until you delete it. What you say in private is never used in a chat with others.\n"
    "/export gives you all of it. /memory shows what I remember; /forget N deletes one thing of it, and all I have"
    " kept that says it, /forget all everything I remember, /forget me deletes you altogether. What you and I have"
    " written stays in the chat itself until you delete it there, and whom the operator has let in or kept out stays in"
    " his list."
)


@COMMANDS.command("export", N_("get everything that is kept about you, as files"), private_only=True)
async def export(context: CommandContext, _argument: str) -> CommandResult:
    """Hand over everything that is held about the person."""
    held = await personal_data.export(context.connection, await rate_limit_keys(context.connection))
    files = await asyncio.to_thread(export_files, held, datetime.now(UTC), context.say)
    return CommandResult(context.say("Everything that is kept about you is in here."), files=files)


@COMMANDS.command("privacy", N_("what is kept about you, where, and how to get or delete it"), private_only=True)
async def show_privacy(context: CommandContext, _argument: str) -> CommandResult:
    """Say what is kept."""
    return CommandResult(context.say(_PRIVACY))


EXPORT_NAME: Final = "consilium-export"
ZIP_THRESHOLD: Final = 4_000_000
"""Bytes above which both go into one archive: platforms take no files of any size."""
Row = Mapping[str, Any]


def export_files(data: Mapping[str, Sequence[Row]], created_at: datetime, say: Translator) -> tuple[File, ...]:
    """The files; blocking, for there may be years in them.

    Args:
        held: rows by table (`db.people.personal_data.held`).
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
