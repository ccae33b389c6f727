"""A conversation over standard input and output, a message a line, as text or JSON."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import BinaryIO, TextIO

from bot.channels.console.rendering import outcome_as_json, source_lines, table_as_text
from bot.channels.console.saved_files import save_files
from bot.core.i18n import Language, Translator
from bot.core.messages import Incoming, Outcome
from bot.intake.inline import InlineResponder

PLATFORM = "console"


class PlainReply:
    """Writes the answer as it comes, then an empty line."""

    def __init__(self, target: TextIO, say: Translator) -> None:
        self._target = target
        self._translate = say
        self._written = False

    async def show_queue_position(self, ahead: int) -> None:
        """A pipe is read a line at a time: nothing waits."""

    async def show_status(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def start(self, mode: str) -> None:
        self._print(f"[{mode}] ", end="")

    async def write(self, text: str) -> None:
        self._written = True
        self._print(text, end="")

    async def finish(self, outcome: Outcome) -> None:
        outcome = await save_files(outcome, self._translate)
        if self._written:
            self._print("")
        elif outcome.answer:
            self._print(outcome.answer)
        for part in (*source_lines(outcome), table_as_text(outcome.table), outcome.error):
            if part:
                self._print(part)
        self._print("")

    async def close(self) -> None:
        """Nothing is held."""

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._target, flush=True)


class JsonReply:
    """Writes one JSON object when the answer is whole."""

    def __init__(self, target: TextIO, say: Translator) -> None:
        self._target = target
        self._translate = say
        self.is_written = False

    async def show_queue_position(self, ahead: int) -> None:
        """Nothing is shown before the end."""

    async def show_status(self, text: str) -> None:
        """Nothing: what comes here brings no files."""

    async def start(self, mode: str) -> None:
        """Nothing is shown before the end."""

    async def write(self, text: str) -> None:
        """Nothing is shown before the end."""

    async def finish(self, outcome: Outcome) -> None:
        outcome = await save_files(outcome, self._translate)
        print(outcome_as_json(outcome), file=self._target, flush=True)
        self.is_written = True

    async def close(self) -> None:
        """Nothing is held."""


async def run_pipe_chat(direct: InlineResponder, person: str, language: Language | None, *, json_output: bool) -> bool:
    """Answer every line of standard input in order; True when none failed through the service's fault."""
    sound, say = True, Translator(language or "en")
    async for line in read_lines():
        reply = JsonReply(sys.stdout, say) if json_output else PlainReply(sys.stdout, say)
        outcome = await direct.answer(
            Incoming(PLATFORM, person, "terminal", line, language, counts_toward_limits=False), reply
        )
        if isinstance(reply, JsonReply) and not reply.is_written:
            # A program that counts lines gets one for each message, also for one that a person is told nothing of.
            await reply.finish(outcome)
        sound = sound and not outcome.is_service_error
    return sound


async def read_lines(source: BinaryIO | None = None) -> AsyncIterator[str]:
    """Yield each line without its end; bytes that are not UTF-8 become U+FFFD.

    A daemon thread reads, because a read that blocks can be neither cancelled nor waited for at exit.
    """
    stream = source or sys.stdin.buffer
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def pump() -> None:
        line: bytes | None
        while line := stream.readline():
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=pump, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")
