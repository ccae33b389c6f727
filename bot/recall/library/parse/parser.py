"""Reads files in a process beside this one, with an end to the memory and time they may take."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import bot
from bot.recall.library.parse.block import Block, decode
from bot.recall.library.parse.limits import LIMITS, Limits
from bot.recall.library.parse.refusals import ReaderDied, TooSlow, from_record

_PACKAGES: Final = Path(bot.__file__).resolve().parents[1]
_MODULE: Final = "bot.recall.library.parse.worker"
_RENEWED_AFTER: Final = 200
"""Files after which the process is replaced, for whatever the libraries have not given back."""


class Parsed:
    """The blocks of one document, on disk until they are read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Block]:
        """The blocks in order, each time from the beginning; never more than one in memory."""
        with self._path.open("rb") as lines:
            for line in lines:
                yield decode(line)


class Parser:
    """Reads one file at a time. Used as an async context manager."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self._folder = tempfile.TemporaryDirectory(prefix="consilium-parse-")
        self._process: asyncio.subprocess.Process | None = None
        self._read = 0
        self._turn = asyncio.Lock()

    async def parse(self, path: Path, *, spoken: bool = False) -> Parsed:
        """The blocks of a file; good until the next one is parsed.

        Args:
            path: absolute.
            spoken: whether it is in a collection of dialogues.

        Raises:
            DocumentRefused: why it cannot be had; nothing else comes of whatever is in the file.
        """
        async with self._turn:
            process = await self._ready()
            output = Path(self._folder.name) / "blocks"
            asked = {"path": str(path), "spoken": spoken, "output": str(output)}
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                async with asyncio.timeout(self.limits.wall_seconds):
                    process.stdin.write(json.dumps(asked).encode() + b"\n")
                    await process.stdin.drain()
                    answer = await process.stdout.readline()
            except TimeoutError:
                await self._end()
                raise TooSlow(self.limits.wall_seconds) from None
            except (OSError, ValueError):
                answer = b""
            except BaseException:
                await self._end()
                raise
            if not answer:
                code = await self._end()
                raise TooSlow(self.limits.cpu_seconds) if code == -signal.SIGXCPU else ReaderDied()
            self._read += 1
            if refusal := json.loads(answer):
                await self._end()
                raise from_record(refusal)
            return Parsed(output)

    async def close(self) -> None:
        """End the process and remove what it wrote. Idempotent."""
        await self._end()
        self._folder.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._read >= _RENEWED_AFTER:
            await self._end()
        if self._process is None:
            # What the service knows of its surroundings, addresses and keys, is nothing to this process.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=self._folder.name,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_PACKAGES), "PYTHONUTF8": "1"},
            )
            self._read = 0
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asdict(self.limits)).encode() + b"\n")
        return self._process

    async def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()
