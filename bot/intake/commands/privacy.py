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
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import CommandRegistry
from bot.intake.rate_limits import rate_limit_keys
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import audit, personal_data

Row = Mapping[str, Any]

EXPORT_NAME: Final = "consilium-export"
ZIP_THRESHOLD: Final = 4_000_000
"""Bytes above which both files go into one archive: platforms limit the size of a file."""
_PRIVACY: Final = N_(
    "What I keep: your questions and my answers, what I remember about you, the text of the documents you send, your"
    " ids on the platforms, your mode and language, and how many messages you send.\n"
    "Where: in the database of the operator, who runs this service. The operator can read it; other people cannot."
    " Answers are generated on servers that the operator has chosen.\n"
    "How long: until you delete it. What you say in private is never used in a chat with others.\n"
    "/export gives you a copy of everything. /memory shows what I remember. /forget N deletes one entry and"
    " everything I have kept that says the same, /forget all deletes everything I remember, /forget me deletes all"
    " your data. Messages in the chat itself stay until you delete them there, and the operator's access rules stay in"
    " the operator's list.\n"
    "Training: what you write here is never trained on. If the author has exported a chat with you and drawn dialogues"
    " from it, /forget me takes your words out of them as well, wherever your account can be recognised, and tells the"
    " operator which parts of the mind were trained with them, to be trained anew without them.\n"
    "Backups: the operator's copies of the database hold what you have deleted until the operator deletes the copies."
    " A list of what was deleted is kept, without any of your words; with it, a copy that is restored loses it again."
)

commands: CommandRegistry[CommandContext] = CommandRegistry()


@commands.command("export", N_("get everything that is kept about you, as files"), private_only=True)
async def export(context: CommandContext, _argument: str) -> CommandResult:
    """Give the person everything that is stored about them."""
    await audit.record(context.connection, "data.exported")
    data = await personal_data.export(context.connection, await rate_limit_keys(context.connection))
    files = await asyncio.to_thread(export_files, data, datetime.now(UTC), context.say)
    return CommandResult(context.say("Here is everything that is kept about you."), files=files)


@commands.command("privacy", N_("what is kept about you, where, and how to get or delete it"), private_only=True)
async def show_privacy(context: CommandContext, _argument: str) -> CommandResult:
    """Say what is stored."""
    return CommandResult(context.say(_PRIVACY))


def export_files(data: Mapping[str, Sequence[Row]], created_at: datetime, say: Translator) -> tuple[File, ...]:
    """The export as a JSON and a Markdown file, or as one archive of both. Blocking: there may be years of data.

    Args:
        data: rows by table (`db.people.personal_data.export`).
        created_at: when the rows were read.
        say: the language of the Markdown file.
    """
    document = {"made": created_at.isoformat(), **data}
    files = (
        File(f"{EXPORT_NAME}.json", json.dumps(document, ensure_ascii=False, indent=2).encode()),
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
    title = say("Everything that is kept about you")
    yield f"# {title}"
    yield ""
    yield say("Created on {moment}. The JSON file has every detail.", moment=f"{created_at:%Y-%m-%d %H:%M} UTC")
    accounts = [f"{row['platform']}: {row['external_id']}" for row in data["identities"]]
    yield from _section_lines(say("Your accounts"), accounts)
    rules = [f"{row['effect']} {row['role']} ({row['platform']}: {row['subject']})" for row in data["access_rules"]]
    yield from _section_lines(say("Access rules about you"), rules)
    counters = [f"{row['key']}: {row['day']}, {row['used']}" for row in data["allowances"]]
    yield from _section_lines(say("Messages counted, by day"), counters)
    facts = [
        f"{_day(row)} ({row['kind']}): {_single_line(row['content'])}"
        for row in data["memories"]
        if row["kind"] not in ("document", "passage")
    ]
    yield from _section_lines(say("What I remember about you"), facts)
    for document in (row for row in data["memories"] if row["kind"] == "document"):
        passages = [
            f"{row['place'] or '—'}: {_single_line(row['content'])}"
            for row in data["memories"]
            if row.get("document_id") == document["id"]
        ]
        yield from _section_lines(say("Document: {name}", name=document["title"]), passages)
    for session in data["sessions"]:
        yield from _session_lines(session, [row for row in data["turns"] if row["session_id"] == session["id"]], say)


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
    yield say("Mode: {mode}. Started on {day}.", mode=session["mode"], day=_day(session))
    for turn in turns:
        yield ""
        yield f"### {turn['created_at'][:16].replace('T', ' ')}"
        yield ""
        for quotation in turn.get("quotations") or ():
            author = _single_line(quotation.get("author") or "—")
            yield from _quote_lines("\n".join(f"> {line}" for line in (f"{author}:", *quotation["text"].splitlines())))
        yield from _quote_lines(turn["question"])
        yield from (f"> 📎 {file['name']}" for file in (turn.get("files") or {}).get("files", ()))
        if turn["answer"]:
            yield ""
            yield f"**{turn['mode'] or '—'}**"
            yield ""
            yield from _quote_lines(turn["answer"])
        if turn["error"]:
            yield ""
            yield f"*{_single_line(turn['error'])}*"


def _quote_lines(text: str) -> Iterator[str]:
    yield from (f"> {line}".rstrip() for line in text.splitlines())


def _single_line(text: str) -> str:
    return " ".join(text.split())


def _day(row: Row) -> str:
    return str(row["created_at"])[:10]
