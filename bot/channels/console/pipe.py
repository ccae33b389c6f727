"""One message a line in, one answer out: the console when standard input is not a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

from bot.channels.console.render import as_json, as_lines, source_lines
from bot.channels.console.saving import with_files_saved
from bot.channels.console.stdin import lines
from bot.channels.port import Incoming, Outcome
from bot.locales import Language, Translator
from bot.turns.direct import Direct

PLATFORM = "console"


class PlainReply:
    """Writes the answer as it comes, then an empty line."""

    def __init__(self, target: TextIO, say: Translator) -> None:
        self._target = target
        self._translate = say
        self._written = False

    async def queue(self, ahead: int) -> None:
        """A pipe is read a line at a time: nothing waits."""

    async def notice(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def open(self, mode: str) -> None:
        self._say(f"[{mode}] ", end="")

    async def write(self, text: str) -> None:
        self._written = True
        self._say(text, end="")

    async def finish(self, outcome: Outcome) -> None:
        outcome = await with_files_saved(outcome, self._translate)
        if self._written:
            self._say("")
        elif outcome.answer:
            self._say(outcome.answer)
        for part in (*source_lines(outcome), as_lines(outcome.table), outcome.error):
            if part:
                self._say(part)
        self._say("")

    async def close(self) -> None:
        """Nothing is held."""

    def _say(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._target, flush=True)


class JsonReply:
    """Writes one JSON object when the answer is whole."""

    def __init__(self, target: TextIO, say: Translator) -> None:
        self._target = target
        self._translate = say
        self.is_written = False

    async def queue(self, ahead: int) -> None:
        """Nothing is shown before the end."""

    async def notice(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def open(self, mode: str) -> None:
        """Nothing is shown before the end."""

    async def write(self, text: str) -> None:
        """Nothing is shown before the end."""

    async def finish(self, outcome: Outcome) -> None:
        outcome = await with_files_saved(outcome, self._translate)
        print(as_json(outcome), file=self._target, flush=True)
        self.is_written = True

    async def close(self) -> None:
        """Nothing is held."""


async def talk_in_lines(talk: Direct, person: str, language: Language | None, *, machine: bool) -> bool:
    """Answer every line of standard input in order; True when none failed through the service's fault."""
    sound, say = True, Translator(language or "en")
    async for line in lines():
        reply = JsonReply(sys.stdout, say) if machine else PlainReply(sys.stdout, say)
        outcome = await talk.answer(Incoming(PLATFORM, person, "terminal", line, language, counted=False), reply)
        if isinstance(reply, JsonReply) and not reply.is_written:
            # A program that counts lines gets one for each message, also for one that a person is told nothing of.
            await reply.finish(outcome)
        sound = sound and not outcome.at_fault
    return sound
