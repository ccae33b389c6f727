"""A conversation over standard input and output: one message a line, answered as text or JSON."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import BinaryIO, Final, TextIO

from bot.channels.console.rendering import outcome_as_json, source_lines, table_as_text
from bot.channels.console.saved_files import save_files
from bot.core.i18n import Language, Translator
from bot.core.messages import Incoming, Outcome
from bot.core.silent_reply import SilentReply
from bot.intake.inline import InlineResponder

PLATFORM: Final = "console"
"""The value of `Incoming.platform`."""
PLACE: Final = "terminal"
"""The value of `Incoming.place`."""


class PlainReply(SilentReply):
    """Writes the answer as it is generated, then an empty line."""

    def __init__(self, target: TextIO, say: Translator) -> None:
        self._target = target
        self._translate = say
        self._written = False

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

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._target, flush=True)


class JsonReply(SilentReply):
    """Writes one JSON object when the answer is complete."""

    def __init__(self, target: TextIO, say: Translator) -> None:
        self._target = target
        self._translate = say
        self.is_written = False

    async def finish(self, outcome: Outcome) -> None:
        outcome = await save_files(outcome, self._translate)
        print(outcome_as_json(outcome), file=self._target, flush=True)
        self.is_written = True


async def run_pipe_chat(
    responder: InlineResponder, person: str, language: Language | None, *, json_output: bool
) -> bool:
    """Answer each line of standard input in order; False when the service failed to answer one."""
    succeeded, say = True, Translator(language or "en")
    async for line in read_lines():
        reply = JsonReply(sys.stdout, say) if json_output else PlainReply(sys.stdout, say)
        outcome = await responder.answer(
            Incoming(PLATFORM, person, PLACE, line, language, counts_toward_limits=False), reply
        )
        if isinstance(reply, JsonReply) and not reply.is_written:
            # A program that counts lines gets one for each message, even for a refusal that people do not see.
            await reply.finish(outcome)
        succeeded = succeeded and not outcome.is_service_error
    return succeeded


async def read_lines(source: BinaryIO | None = None) -> AsyncIterator[str]:
    """Yield each line without its line break; bytes that are not UTF-8 become U+FFFD.

    A daemon thread reads, because a blocking read cannot be cancelled, and the program must not wait for it at exit.
    """
    stream = source or sys.stdin.buffer
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def read() -> None:
        line: bytes | None
        while line := stream.readline():
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")
