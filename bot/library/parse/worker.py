"""The child process that reads untrusted files: when it runs out of memory or time, nothing else is affected.

It gets a line of JSON for each file on its standard input, writes the blocks into the file named there, and answers
with a line of JSON on its standard output: the notes about the file, or why it is refused. It may be killed between
two files.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from bot.library.parse.block import Block, BlockKind, block_to_json
from bot.library.parse.content import refuse_other_content
from bot.library.parse.errors import (
    DocumentRefused,
    Gone,
    NoText,
    TooDeep,
    TooLarge,
    TooMuchMemory,
    TooMuchText,
    Unreadable,
    error_reason,
    refusal_to_record,
)
from bot.library.parse.formats import is_streamed, reader_for
from bot.library.parse.limits import MB, ParseLimits
from bot.library.parse.notes import Note, note_to_record

_BYTES_PER_CHARACTER = 8
"""Of the output at most: JSON in ASCII takes six for a Russian letter."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_BLOCK_LENGTH = 200_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class ParseJob:
    """A file to read."""

    path: Path
    is_dialogue: bool
    output: Path


def parse_file(job: ParseJob, limits: ParseLimits) -> list[Note]:
    """Write the blocks of a file to the job's output, one per line; returns the notes about it.

    Raises:
        DocumentRefused: the output is not complete then.
    """
    try:
        reader = reader_for(job.path, is_dialogue=job.is_dialogue)
        notes: list[Note] = []
        megabytes = limits.streamed_megabytes if is_streamed(job.path) else limits.megabytes
        if job.path.stat().st_size > megabytes * MB:
            raise TooLarge(megabytes)
        refuse_other_content(job.path)
        with job.output.open("w", encoding="ascii") as output:
            characters = 0
            for block in _split_long_blocks(_without_notes(reader(job.path, limits), notes)):
                characters += len(block.text)
                if characters > limits.characters:
                    raise TooMuchText(limits.characters)
                output.write(block_to_json(block) + "\n")
        if not characters or not _has_text(job.output):
            raise NoText
        return notes
    except DocumentRefused:
        raise
    except MemoryError:
        raise TooMuchMemory(limits.memory_megabytes) from None
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise Gone(error_reason(error)) from error
    except RecursionError:
        raise TooDeep from None
    except Exception as error:  # with a malformed file, libraries raise errors of any class
        if _ran_out_of_memory(error):
            raise TooMuchMemory(limits.memory_megabytes) from None
        raise Unreadable(error_reason(error)) from error


def main() -> None:
    """Read files until the input ends."""
    # Libraries print warnings to the standard output; the answers go to a copy of it.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limits = ParseLimits(**json.loads(sys.stdin.readline()))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_megabytes * MB,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.characters * _BYTES_PER_CHARACTER,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        job = json.loads(line)
        _limit_cpu_time(limits.cpu_seconds)
        answer: dict[str, Any] = {}
        try:
            notes = parse_file(ParseJob(Path(job["path"]), job["spoken"], Path(job["output"])), limits)
            answer = {"notes": [note_to_record(told) for told in notes]}
        except DocumentRefused as refusal:
            answer = {"refusal": refusal_to_record(refusal)}
        _write_answer(answers, answer)


def _limit_cpu_time(seconds: int) -> None:
    """Let the process use so much CPU time from now on; then SIGXCPU ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, resource.RLIM_INFINITY))


def _write_answer(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _without_notes(found: Iterable[Block | Note], notes: list[Note]) -> Iterator[Block]:
    """The blocks alone; the notes are added to a list."""
    for one in found:
        if isinstance(one, Note):
            notes.append(one)
        else:
            yield one


def _split_long_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks, with very long ones split, because a reader has a whole block in memory.

    Halves of surrogate pairs, which a JSON file may hold, become U+FFFD: such a text cannot be encoded.
    """
    for block in blocks:
        text = _SURROGATE.sub("\ufffd", block.text)
        for start in range(0, max(len(text), 1), _MAX_BLOCK_LENGTH):
            yield replace(block, text=text[start : start + _MAX_BLOCK_LENGTH])


def _has_text(output: Path) -> bool:
    title = f'{{"kind": "{BlockKind.TITLE}"'
    with output.open(encoding="ascii") as lines:
        return any(not line.startswith(title) for line in lines)


def _ran_out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    main()
