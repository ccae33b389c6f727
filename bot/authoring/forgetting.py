"""Takes a person's words out of what was made of chats: the import's stages, the dialogues, the library's answers.

A person is known by the account that they write to the service with; exports name accounts in the same way, and beside
dialogues stand only hashes of them (`bot.authoring.speakers`). Whom to forget is written down first, by that hash: if
the process dies, the next one goes on, and an import of the same export later does not bring the words back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog

from bot.authoring.candidates import Origin, candidate_from_record, candidate_to_record
from bot.authoring.evaluation.figures import EVALUATION_FILE
from bot.authoring.outcome import WORK_FOLDER, Fate, read_fates, training_line
from bot.authoring.reading import message_from_record
from bot.authoring.reasons import Reason
from bot.authoring.review import apply_review
from bot.authoring.speakers import speaker_hash, speaker_key
from bot.authoring.stages import StageFolder, digest_of_file, write_atomically
from bot.minds import Mind
from bot.minds.versions import (
    CANDIDATE_FOLDER,
    candidate_folder,
    list_versions,
    live_folder,
    mark_for_retraining,
    read_digests,
)
from consilium.files import remove_unfinished

log = structlog.get_logger(__name__)

FORGOTTEN_FILE: Final = "forgotten.jsonl"
_DIALOGUES: Final = "dialogues"
_KEPT_STAGES: Final = ("author", "dialogues", "facts", "forgotten", "origins", "review", "verdicts")
"""Files of an import that stay, without the words; others are made anew by who needs them."""
_EVALUATION_FOLDERS: Final = ("evaluation", f"{CANDIDATE_FOLDER}/evaluation")
_KEPT_OF_EVALUATION: Final = (EVALUATION_FILE, "questions.jsonl", "canaries.jsonl")
"""Figures, and what the operator has written; the rest may repeat what people have said."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken out."""

    dialogues: int
    messages: int
    """Of the stages of the import."""
    retrain: tuple[str, ...]
    """Adapters that were trained with some of it."""
    known: bool = True
    """False where it cannot be told: the folder of the import is gone, and its dialogues are there."""


def account_keys(platform: str, external_id: str) -> tuple[str, ...]:
    """What exports call an account: Telegram's with the kind before the number, Discord's by the number."""
    return (f"user{external_id}", external_id) if platform == "telegram" else (external_id,)


def request_forgetting(mind_folder: Path, keys: Collection[str]) -> None:
    """Write down whom to forget; quick, blocking. `forget_requested` does it.

    Raises:
        OSError: it cannot be written.
    """
    stages = _stages(mind_folder)
    if stages is None:
        return
    salt = stages.salt()
    known = read_forgotten(stages)
    hashes = {speaker_hash(salt, key) for key in keys} | known
    if hashes != known:
        write_atomically(
            stages.folder / FORGOTTEN_FILE, [json.dumps({"speaker": each}) + "\n" for each in sorted(hashes)]
        )


def read_forgotten(stages: StageFolder) -> frozenset[str]:
    """The hashes of those whose words are not to be there any more; blocking."""
    try:
        text = (stages.folder / FORGOTTEN_FILE).read_text("utf-8")
    except FileNotFoundError:
        return frozenset()
    return frozenset(json.loads(line)["speaker"] for line in text.splitlines())


def forget_requested(mind: Mind) -> Removed:
    """Take out the words of everybody that is to be forgotten; blocking. What is done already costs a reading.

    Raises:
        OSError: it cannot be written; done again it goes on.
    """
    stages = _stages(mind.folder)
    if stages is None:
        return Removed(0, 0, (), known=not any((mind.folder / _DIALOGUES).glob("imported.*")))
    forgotten = read_forgotten(stages)
    if not forgotten:
        return Removed(0, 0, ())
    is_forgotten = forgotten_test(stages)
    # Read before anything is removed, and removed last from the verdicts: a process that dies knows them again.
    has_verdicts = (stages.folder / "verdicts.jsonl").exists()
    fates = read_fates(stages) if has_verdicts else []
    gone = [fate for fate in fates if not forgotten.isdisjoint(fate.candidate.speakers)]
    messages = 0
    for path in sorted(stages.folder.glob("read-*.jsonl")):
        messages += _rewrite(path, lambda record: _without_message(record, is_forgotten))
    retrain: tuple[str, ...] = ()
    if gone:
        _remove_decisions(stages, {fate.candidate.id for fate in gone})
        retrain = _remove_from_dialogues(mind, gone)
        _remove_derived(stages)
        _remove_answers(mind.folder)
    _rewrite(stages.folder / "dialogues.jsonl", lambda record: _without_candidate(record, forgotten))
    _rewrite(stages.folder / "verdicts.jsonl", lambda record: _without_verdict(record, forgotten))
    if has_verdicts and (stages.folder / "facts.jsonl").exists():
        apply_review(mind.folder)
    if gone or messages:
        log.info("words.removed", mind=mind.name, dialogues=len(gone), messages=messages, retrain=list(retrain))
    return Removed(len(gone), messages, retrain)


def forgotten_test(stages: StageFolder) -> Callable[[str], bool]:
    """Tells whether a speaker, by their key in the export, is to be forgotten."""
    forgotten = read_forgotten(stages)
    if not forgotten:
        return lambda _: False
    salt = stages.salt()
    return lambda key: speaker_hash(salt, key) in forgotten


def without_messages(
    records: Iterable[dict[str, Any]], is_forgotten: Callable[[str], bool]
) -> Iterator[dict[str, Any]]:
    """The records of a source, with a count in the place of each message of a forgotten speaker."""
    for record in records:
        yield _without_message(record, is_forgotten)


def _stages(mind_folder: Path) -> StageFolder | None:
    folder = mind_folder / WORK_FOLDER
    return StageFolder(folder) if folder.is_dir() else None


def _without_message(record: dict[str, Any], is_forgotten: Callable[[str], bool]) -> dict[str, Any]:
    if "message" in record and is_forgotten(speaker_key(message_from_record(record["message"]))):
        return {"dropped": Reason.FORGOTTEN, "count": 1}
    return record


def _without_candidate(record: dict[str, Any], forgotten: Collection[str]) -> dict[str, Any]:
    if "candidate" not in record or not set(forgotten) & set(record["candidate"]["speakers"]):
        return record
    candidate = candidate_from_record(record["candidate"])
    emptied = replace(candidate, origin=Origin.CHAT, turns=(), first="", last="", speakers=())
    return {**record, "candidate": candidate_to_record(emptied)}


def _without_verdict(record: dict[str, Any], forgotten: Collection[str]) -> dict[str, Any]:
    emptied = _without_candidate(record, forgotten)
    return record if emptied is record else {**emptied, "personal": [], "reason": Reason.FORGOTTEN}


def _rewrite(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> int:
    """Change the records of a stage, its head as it is; how many are others now."""
    if not path.exists():
        return 0
    head, *lines = path.read_text("utf-8").splitlines(keepends=True)
    changed = 0
    for number, line in enumerate(lines):
        record = json.loads(line)
        made = change(record)
        if made is not record:
            lines[number] = json.dumps(made, ensure_ascii=False) + "\n"
            changed += 1
    if changed:
        write_atomically(path, [head, *lines])
    return changed


def _remove_decisions(stages: StageFolder, ids: Collection[str]) -> None:
    """Take what the review has made of dialogues out of its file."""
    path = stages.folder / "review.jsonl"
    if not path.exists():
        return
    kept = []
    for line in path.read_text("utf-8").split("\n"):
        try:
            if json.loads(line)["id"] not in ids:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):  # cut short by a crash
            continue
    write_atomically(path, kept)


def _remove_from_dialogues(mind: Mind, gone: Sequence[Fate]) -> tuple[str, ...]:
    """Take dialogues out of every file of dialogues; the adapters that were trained with one of these files."""
    lines = {training_line(fate.candidate).strip() for fate in gone}
    folder = mind.folder / _DIALOGUES
    if folder.is_dir():
        remove_unfinished(folder)
    before = {path: digest_of_file(path) for path in folder.rglob("*.jsonl")}
    holding = set()
    for path in before:
        found = path.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in found if line.strip() not in lines]
        if len(kept) != len(found):
            holding.add(path)
            write_atomically(path, kept)
    retrain = tuple(name for name, adapter in mind.adapters.items() if adapter.dialogues in holding)
    for name in retrain:
        folders = {"live": live_folder(mind, name), "candidate": candidate_folder(mind, name)}
        digests = set(read_digests(folders).values())
        digests |= {version.adapters[name] for version in list_versions(mind.folder) if name in version.adapters}
        mark_for_retraining(mind.folder, name, digests)
    return retrain


def _remove_derived(stages: StageFolder) -> None:
    """Remove the stages that are made of the dialogues, such as proposals of subjects with samples of them."""
    for path in stages.folder.glob("*.jsonl"):
        if path.stem not in _KEPT_STAGES and not path.stem.startswith("read-"):
            path.unlink()


def _remove_answers(mind_folder: Path) -> None:
    """Remove what evaluations keep beside their figures: it is made anew by the next one."""
    for name in _EVALUATION_FOLDERS:
        folder = mind_folder / name
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name in _KEPT_OF_EVALUATION:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
