"""From an outcome to what each message shows: Markdown as it is, in pieces that Discord takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from discord.utils import escape_markdown

from bot.channels.discord.components import ComponentBuilder
from bot.channels.discord.surfaces import PLACEHOLDER, MessageBody
from bot.channels.port import File, Outcome, Source
from bot.channels.splitting import close_fence, split_message, utf16_length
from bot.channels.tables import table_as_code_block
from bot.locales import Translator

MAX_MESSAGE_LENGTH: Final = 2000
"""Characters of a message; Discord may count them as UTF-16 does or more kindly."""
MAX_UPLOAD_BYTES: Final = 10 * 1024 * 1024 - 64 * 1024
"""Bytes of the files of a message, what is said of them left off."""
MAX_FILES: Final = 10


@dataclass(frozen=True, slots=True)
class AnswerRenderer:
    """How answers to one person look."""

    person: str
    say: Translator
    components: ComponentBuilder

    def render_queue_position(self, ahead: int) -> str:
        """What is said until the answer begins."""
        say = self.say
        return "-# " + say("Your earlier messages are answered first; before this one: {ahead}.", ahead=ahead)

    def render_status(self, text: str) -> str:
        """What is being done until the answer begins."""
        return f"-# {escape_markdown(text)}"

    def render_draft(self, text: str, mode: str) -> list[MessageBody]:
        """As far as the answer has come."""
        pieces = split_message(text, MAX_MESSAGE_LENGTH, utf16_length) or [
            f"-# {escape_markdown(mode)} {PLACEHOLDER}" if mode else PLACEHOLDER
        ]
        *full, last = [MessageBody(piece) for piece in pieces]
        return [*full, replace(last, components=self.components.draft_buttons(self.person, self.say))]

    def render_outcome(self, outcome: Outcome) -> list[MessageBody]:
        """All that is to be said."""
        say = self.say
        stopped = say("Stopped.") if outcome.stopped else ""
        footer = " · ".join(part for part in (outcome.mode if outcome.turn else "", stopped) if part)
        # What commands and errors say holds words of people, who did not mean their asterisks.
        paragraphs = [
            close_fence(outcome.answer if outcome.turn else escape_markdown(outcome.answer)),
            table_as_code_block(outcome.table) if outcome.table else "",
            "\n".join(_format_source(source) for source in outcome.sources),
            escape_markdown(outcome.error or ""),
            f"-# {escape_markdown(footer)}" if footer else "",
        ]
        taken = [file for file in outcome.files if len(file.content) <= MAX_UPLOAD_BYTES]
        paragraphs += [
            say("{name} is too large for Discord.", name=file.name) for file in outcome.files if file not in taken
        ]
        pieces = split_message("\n\n".join(part for part in paragraphs if part), MAX_MESSAGE_LENGTH, utf16_length)
        bodies = [MessageBody(piece) for piece in pieces]
        groups = _group_files(taken)
        if groups and bodies:
            bodies[-1] = replace(bodies[-1], files=groups.pop(0))
        bodies += [MessageBody("", files=group) for group in groups]
        *full, last = bodies or [MessageBody(PLACEHOLDER)]
        return [*full, replace(last, components=self._components_below(outcome))]

    def _components_below(self, outcome: Outcome) -> tuple[dict[str, object], ...]:
        if outcome.menu is not None:
            return self.components.menu(outcome.menu, self.person, self.say)
        return self.components.answer_buttons(self.person, self.say) if outcome.turn else ()


def _format_source(source: Source) -> str:
    where = f", {source.where}" if source.where else ""
    told = " ".join(f"[{source.n}] {source.title}{where}".split())
    return f"-# {escape_markdown(told)}"


def _group_files(files: Sequence[File]) -> list[tuple[File, ...]]:
    """As many files in one message as it takes."""
    groups: list[tuple[File, ...]] = []
    for file in files:
        last = groups[-1] if groups else ()
        if last and len(last) < MAX_FILES and sum(len(f.content) for f in (*last, file)) <= MAX_UPLOAD_BYTES:
            groups[-1] = (*last, file)
        else:
            groups.append((file,))
    return groups
