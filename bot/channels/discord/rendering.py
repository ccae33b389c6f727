"""Renders answers as Discord messages; tables as text, because Discord has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from discord.utils import escape_markdown
from rich.cells import cell_len

from bot.channels.discord.answer_messages import PLACEHOLDER, MessageBody
from bot.channels.discord.components import ComponentBuilder
from bot.channels.discord.markup import DiscordText, to_discord
from bot.channels.discord.splitting import close_fence, split_message, utf16_length
from bot.channels.discord.tables import MAX_TABLE_WIDTH
from bot.core.i18n import Translator
from bot.core.messages import File, Outcome, Source, Table

MAX_MESSAGE_LENGTH: Final = 2000
"""UTF-16 code units of a message: the stricter way in which Discord may count."""
MAX_UPLOAD_BYTES: Final = 10 * 1024 * 1024 - 64 * 1024
"""Bytes of all files of a message; the rest of the request fits into what is left of Discord's limit."""
MAX_FILES: Final = 10
"""Files of a message."""


@dataclass(frozen=True, slots=True)
class AnswerRenderer:
    """Renders answers to one person."""

    person: str
    say: Translator
    components: ComponentBuilder

    def render_queue_position(self, ahead: int) -> str:
        """The position in the queue, shown until the answer begins."""
        say = self.say
        return "-# " + say("Your earlier messages are answered first; before this one: {ahead}.", ahead=ahead)

    def render_status(self, text: str) -> str:
        """What is being done before the answer begins."""
        return f"-# {escape_markdown(text)}"

    def render_draft(self, text: str, mode: str) -> list[MessageBody]:
        """The answer as far as it is generated."""
        answer = to_discord(text)
        pieces = _split(answer.text, answer.table_heads) or [
            f"-# {escape_markdown(mode)} {PLACEHOLDER}" if mode else PLACEHOLDER
        ]
        *full, last = [MessageBody(piece) for piece in pieces]
        return [*full, replace(last, components=self.components.draft_buttons(self.person, self.say))]

    def render_outcome(self, outcome: Outcome) -> list[MessageBody]:
        """The complete answer: text, table, sources, error, files and buttons."""
        say = self.say
        stopped = say("Stopped.") if outcome.stopped else ""
        footer = " · ".join(part for part in (outcome.mode if outcome.turn else "", stopped) if part)
        # Answers of commands and errors quote people, whose asterisks are not meant as markup.
        answer = to_discord(outcome.answer) if outcome.turn else DiscordText(escape_markdown(outcome.answer))
        paragraphs = [
            close_fence(answer.text),
            table_as_code_block(outcome.table) if outcome.table else "",
            "\n".join(_format_source(source) for source in outcome.sources),
            escape_markdown(outcome.error or ""),
            ("-# " if outcome.answer else "") + escape_markdown(outcome.notice) if outcome.notice else "",
            f"-# {escape_markdown(footer)}" if footer else "",
        ]
        uploads = [file for file in outcome.files if len(file.content) <= MAX_UPLOAD_BYTES]
        paragraphs += [
            say("{name} is too large for Discord.", name=file.name) for file in outcome.files if file not in uploads
        ]
        pieces = _split("\n\n".join(part for part in paragraphs if part), answer.table_heads)
        bodies = [MessageBody(piece) for piece in pieces]
        groups = _group_files(uploads)
        if groups and bodies:
            bodies[-1] = replace(bodies[-1], files=groups.pop(0))
        bodies += [MessageBody("", files=group) for group in groups]
        *full, last = bodies or [MessageBody(PLACEHOLDER)]
        return [*full, replace(last, components=self._components_below(outcome))]

    def _components_below(self, outcome: Outcome) -> tuple[dict[str, object], ...]:
        if outcome.menu is not None:
            return self.components.menu(outcome.menu, self.person, self.say)
        if outcome.choices:
            return self.components.choices(outcome.choices, self.person, self.say)
        if outcome.turn is None:
            return ()
        library_turn = outcome.turn if outcome.offers_library else None
        return self.components.answer_buttons(self.person, self.say, library_turn)


def _split(text: str, table_heads: Sequence[str]) -> list[str]:
    return split_message(text, MAX_MESSAGE_LENGTH, utf16_length, is_markup=True, table_heads=table_heads)


def _format_source(source: Source) -> str:
    where = f", {source.where}" if source.where else ""
    line = " ".join(f"[{source.n}] {source.title}{where}".split())
    return f"-# {escape_markdown(line)}"


def _group_files(files: Sequence[File]) -> list[tuple[File, ...]]:
    """Files in as few messages as Discord's limits allow, in order."""
    groups: list[tuple[File, ...]] = []
    for file in files:
        last = groups[-1] if groups else ()
        if last and len(last) < MAX_FILES and sum(len(f.content) for f in (*last, file)) <= MAX_UPLOAD_BYTES:
            groups[-1] = (*last, file)
        else:
            groups.append((file,))
    return groups


def table_as_text(table: Table, max_width: int = MAX_TABLE_WIDTH) -> str:
    """A grid if it fits into `max_width` cells, else one paragraph a row."""
    grid = _format_grid(table)
    if all(cell_len(line) <= max_width for line in grid):
        return "\n".join(grid)
    return "\n\n".join(_format_row(table.columns, row) for row in table.rows)


def table_as_code_block(table: Table, max_width: int = MAX_TABLE_WIDTH) -> str:
    """A table in a code block that no text in the table can close."""
    text = table_as_text(table, max_width).replace("```", "`\u200b`\u200b`")
    return f"```\n{text}\n```"


def _format_grid(table: Table) -> list[str]:
    rows = [table.columns, *table.rows]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(table.columns))]
    return ["  ".join(_pad_cell(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _pad_cell(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))


def _format_row(columns: Sequence[str], row: Sequence[str]) -> str:
    """A row as a paragraph: the first cell as a heading, the others under it without the empty ones."""
    heading, *others = row
    lines = [f"  {column}: {cell}" for column, cell in zip(columns[1:], others, strict=True) if cell]
    if len(columns) == 2:
        lines = [f"  {cell}" for cell in others if cell]
    return "\n".join([heading, *lines])
