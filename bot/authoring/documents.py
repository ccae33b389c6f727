"""Dialogues made of documents: questions with their answers, or the author's own text as monologues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.authoring.candidates import Candidate, Origin, Turn, candidate_id
from bot.authoring.monologues import MAX_WORDS
from bot.authoring.sources import Source
from bot.library.parse.block import Block, BlockKind
from bot.text.sentences import split_sentences

_QUESTION_MARK: Final = re.compile(
    r"(?:\*\*|__)?\s*(?:q|question|в|вопрос)\s*\d{0,3}\s*[:.)]\s*(?:\*\*|__)?\s*(.+)", re.IGNORECASE | re.DOTALL
)
_ANSWER_MARK: Final = re.compile(
    r"(?:\*\*|__)?\s*(?:a|answer|о|ответ)\s*\d{0,3}\s*[:.)]\s*(?:\*\*|__)?\s*(.+)", re.IGNORECASE | re.DOTALL
)
_ANSWER_INSIDE: Final = re.compile(r"\n\s*(?:\*\*|__)?\s*(?:a|answer|о|ответ)\s*\d{0,3}\s*[:.)]", re.IGNORECASE)
_BOLD: Final = re.compile(r"(?:\*\*|__)(.+\?)(?:\*\*|__)", re.DOTALL)
_MIN_QUESTIONS: Final = 2
"""Questions with answers that make a document one of questions and answers."""


@dataclass(slots=True)
class _Section:
    """What stands below a heading or a question."""

    title: str
    is_question: bool
    texts: list[str] = field(default_factory=list)


def dialogues_of_blocks(source: Source, blocks: Iterable[Block]) -> Iterator[Candidate]:
    """The dialogues of a document: its questions with answers if it consists of such, else its text in parts."""
    sections = list(_sections(blocks))
    answered = [section for section in sections if section.is_question and section.texts]
    if len(answered) >= _MIN_QUESTIONS:
        for number, section in enumerate(answered):
            turns = (Turn("user", section.title), Turn("assistant", "\n\n".join(section.texts)))
            yield _candidate(source, Origin.QUESTIONS, number, turns)
        return
    number = 0
    for section in sections:
        for text in _parts(section.texts):
            # What asks for it is made once personal data has been replaced.
            yield _candidate(source, Origin.MONOLOGUE, number, (Turn("user", section.title), Turn("assistant", text)))
            number += 1


def _candidate(source: Source, origin: Origin, number: int, turns: tuple[Turn, ...]) -> Candidate:
    return Candidate(candidate_id(source.digest, number), origin, source.path.name, source.key, turns)


def _sections(blocks: Iterable[Block]) -> Iterator[_Section]:
    current = _Section("", is_question=False)
    for block in blocks:
        if block.kind is BlockKind.TITLE:
            continue
        if block.kind is BlockKind.HEADING:
            yield current
            current = _Section(block.text.strip(), is_question=block.text.strip().endswith("?"))
        elif block.kind is BlockKind.ROW:
            yield current
            current = _row(block)
        elif question := _question(block.text):
            yield current
            current = _Section(question, is_question=True)
            if inside := _ANSWER_INSIDE.search(block.text):
                current.title = _question(block.text[: inside.start()])
                current.texts.append(_answer(block.text[inside.start() :]))
        else:
            current.texts.append(_answer(block.text))
    yield current


def _row(block: Block) -> _Section:
    """A row of a table with two columns, of which the first ends with a question mark."""
    cells = [cell.strip() for cell in block.cells]
    if len(cells) == 2 and cells[0].endswith("?") and cells[1]:
        return _Section(cells[0], is_question=True, texts=[cells[1]])
    return _Section("", is_question=False)


def _question(text: str) -> str:
    """The question of a paragraph that is marked as one, or is bold and ends with a question mark; else empty."""
    text = text.strip()
    if match := _QUESTION_MARK.fullmatch(text):
        return match[1].strip().strip("*_").strip()
    if match := _BOLD.fullmatch(text):
        return match[1].strip()
    return ""


def _answer(text: str) -> str:
    match = _ANSWER_MARK.fullmatch(text.strip())
    return (match[1] if match else text).strip()


def _parts(texts: Sequence[str]) -> Iterator[str]:
    """Paragraphs together up to a length; one that is longer is parted between sentences."""
    part: list[str] = []
    size = 0
    for text in texts:
        pieces = [text] if len(text.split()) <= MAX_WORDS else split_sentences(text)
        for index, piece in enumerate(pieces):
            words = len(piece.split())
            if part and size + words > MAX_WORDS:
                yield "".join(part).strip()
                part, size = [], 0
            part.append((" " if index else "\n\n" if part else "") + piece)
            size += words
    if part:
        yield "".join(part).strip()
