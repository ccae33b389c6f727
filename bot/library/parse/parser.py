"""Parses files in a child process with limited memory and time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

import bot
from bot.core.scratch import ScratchFolder
from bot.library.parse.block import Block, block_from_json
from bot.library.parse.errors import ReaderDied, TooSlow, refusal_from_record
from bot.library.parse.limits import DEFAULT_LIMITS, ParseLimits
from bot.library.parse.notes import Note, notes_from_records

log = structlog.get_logger(__name__)

_IMPORT_ROOT: Final = Path(bot.__file__).resolve().parents[bot.__name__.count(".") + 1]
"""The folder that imports are looked up in: in a wheel, `bot` is not at the top."""
_WORKER_MODULE: Final = "bot.library.parse.worker"
_MAX_FILES_PER_PROCESS: Final = 200
"""After so many files the process is replaced, because the libraries it uses may leak memory."""
_EXIT_TIMEOUT: Final = 5.0
"""Seconds that a process may take to end once its output has ended."""


class ParsedBlocks:
    """The blocks of one document, on disk until they are read, and the notes about it."""

    def __init__(self, path: Path, notes: tuple[Note, ...] = ()) -> None:
        self._path = path
        self.notes = notes

    def __iter__(self) -> Iterator[Block]:
        """The blocks in order, from the beginning each time, one in memory at a time."""
        with self._path.open("rb") as lines:
            for line in lines:
                yield block_from_json(line)


class Parser:
    """Parses one file at a time. An async context manager."""

    def __init__(self, limits: ParseLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._folder = ScratchFolder()
        self._process: asyncio.subprocess.Process | None = None
        self._files_parsed = 0
        self._lock = asyncio.Lock()

    async def parse(self, path: Path, *, is_dialogue: bool = False) -> ParsedBlocks:
        """The blocks of a file; valid until the next file is parsed.

        Args:
            path: absolute.
            is_dialogue: whether the file is in a collection of dialogues.

        Raises:
            DocumentRefused: it cannot be read. No content of a file raises anything else.
        """
        async with self._lock:
            process = await self._ensure_process()
            output = self._folder.path / "blocks"
            job = {"path": str(path), "spoken": is_dialogue, "output": str(output)}
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                async with asyncio.timeout(self.limits.wall_seconds):
                    process.stdin.write(json.dumps(job).encode() + b"\n")
                    await process.stdin.drain()
                    answer = await process.stdout.readline()
            except TimeoutError:
                await self._kill_process()
                raise TooSlow(self.limits.wall_seconds) from None
            except (OSError, ValueError):
                answer = b""
            except BaseException:
                await self._kill_process()
                raise
            if not answer:
                code = await self._await_exit()
                if code == -signal.SIGXCPU:
                    raise TooSlow(self.limits.cpu_seconds)
                log.warning("library.reader_died", path=str(path), exit_code=code)
                raise ReaderDied
            self._files_parsed += 1
            result = json.loads(answer)
            if refusal := result.get("refusal"):
                await self._kill_process()
                raise refusal_from_record(refusal)
            return ParsedBlocks(output, notes_from_records(result["notes"]))

    async def close(self) -> None:
        """End the process and remove what it wrote. Idempotent."""
        await self._kill_process()
        await asyncio.to_thread(self._folder.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ensure_process(self) -> asyncio.subprocess.Process:
        if self._files_parsed >= _MAX_FILES_PER_PROCESS:
            await self._kill_process()
        if self._process is None:
            # A minimal environment: this process must not know the service's addresses and keys.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _WORKER_MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=self._folder.path,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_IMPORT_ROOT), "PYTHONUTF8": "1"},
            )
            self._files_parsed = 0
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asdict(self.limits)).encode() + b"\n")
        return self._process

    async def _await_exit(self) -> int | None:
        """The exit code of a process whose output has ended.

        It is not killed first: `Popen.kill` polls, and so takes the exit code of a process that has just ended away
        from asyncio, which then reports 255.
        """
        assert self._process is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_TIMEOUT):
                code = await self._process.wait()
            self._process = None
            return code
        return await self._kill_process()

    async def _kill_process(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()
