"""The review of an import, page by page: what was kept and what was not, and the creator's decisions about it.

These are plain functions over the import's files. The terminal uses them, and a web page can use them as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from bot.authoring.candidates import Turn
from bot.authoring.errors import EditNotUsable, NoSuchDialogue, NotImported
from bot.authoring.outcome import (
    WORK_FOLDER,
    Choice,
    Decision,
    Fate,
    add_decision,
    read_fates,
    write_dialogues,
)
from bot.authoring.quotable import write_quotable
from bot.authoring.reasons import Reason
from bot.authoring.report import ImportReport, facts_from_record, make_report, report_to_record
from bot.authoring.stages import StageFolder, write_atomically
from bot.authoring.subjects.acceptance import adapter_files
from bot.minds import load_mind

PAGE_SIZE: Final = 10
"""Dialogues of a page where nothing else is asked for."""
REPORT_FILE: Final = "report.json"


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A page of dialogues."""

    items: Sequence[Fate]
    page: int
    """From 1; never beyond the last one."""
    pages: int
    """At least 1."""
    total: int
    """Dialogues on all pages."""


def read_page(
    mind_folder: Path, page: int = 1, *, reason: Reason | None = None, size: int = PAGE_SIZE, all_: bool = False
) -> ReviewPage:
    """A page of the kept dialogues, or of those that were left out for a reason; blocking.

    Args:
        all_: all dialogues, whatever becomes of them.

    Raises:
        NotImported: the mind has no import.
    """
    fates = [fate for fate in read_fates(open_stages(mind_folder)) if all_ or fate.reason is reason]
    pages = max(1, -(-len(fates) // size))
    page = min(max(page, 1), pages)
    return ReviewPage(fates[(page - 1) * size : page * size], page, pages, len(fates))


def decide(mind_folder: Path, id_: str, choice: Choice, turns: Sequence[Turn] = ()) -> Fate:
    """Keep, drop or edit a dialogue; returns what becomes of it. It counts from the next `apply_review` on.

    Args:
        turns: of an edit, what is said now.

    Raises:
        NotImported: the mind has no import.
        NoSuchDialogue: the import has none with this id.
        EditNotUsable: user and assistant do not take turns in an edit, or say nothing.
    """
    stages = open_stages(mind_folder)
    if choice is Choice.EDIT:
        _check_turns(turns)
    if all(fate.candidate.id != id_ for fate in read_fates(stages)):
        raise NoSuchDialogue(id_)
    add_decision(stages, id_, Decision(choice, tuple(turns)))
    return next(fate for fate in read_fates(stages) if fate.candidate.id == id_)


def apply_review(mind_folder: Path) -> ImportReport:
    """Write the dialogue files as they were decided, what is quoted into the library, and the report; blocking.

    Raises:
        NotImported: the mind has no import.
    """
    stages = open_stages(mind_folder)
    fates = read_fates(stages)
    report = make_report(facts_from_record(next(stages.read("facts"))), fates)
    write_dialogues(mind_folder, stages, fates, adapter_files(stages))
    known_answers = load_mind(mind_folder, require_adapters=False).policies.known_answers
    write_quotable(mind_folder, fates, all_answers=known_answers)
    text = json.dumps(report_to_record(report), ensure_ascii=False, indent=1)
    write_atomically(stages.folder / REPORT_FILE, [text, "\n"])
    return report


def open_stages(mind_folder: Path) -> StageFolder:
    """The files of a finished import.

    Raises:
        NotImported: the mind has none.
    """
    folder = mind_folder / WORK_FOLDER
    if not (folder / "verdicts.jsonl").exists() or not (folder / "facts.jsonl").exists():
        raise NotImported(mind_folder)
    return StageFolder(folder)


def _check_turns(turns: Sequence[Turn]) -> None:
    roles = [turn.role for turn in turns]
    takes_turns = all(first != second for first, second in pairwise(roles))
    is_whole = bool(roles) and roles[0] == "user" and roles[-1] == "assistant"
    if not takes_turns or not is_whole or not all(turn.text.strip() for turn in turns):
        raise EditNotUsable
