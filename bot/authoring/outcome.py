"""What becomes of each dialogue of an import: as it was judged, and as the creator has decided in the review."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from bot.authoring.candidates import Candidate, Turn, candidate_from_record, turns_from_records
from bot.authoring.reasons import Reason
from bot.authoring.stages import StageFolder, write_atomically
from consilium.files import remove_unfinished

WORK_FOLDER: Final = "imported"
"""Folder of an import's stages within a mind."""
TRAIN_FILE: Final = "dialogues/imported.train.jsonl"
HELDOUT_FILE: Final = "dialogues/imported.heldout.jsonl"
_DECISIONS: Final = "review.jsonl"


class Part(StrEnum):
    """What a kept dialogue is for."""

    TRAIN = "train"
    HELDOUT = "heldout"
    LIBRARY = "library"
    """To be quoted: it is in a language that the base model does not write, so nothing could be learnt from it."""


class Choice(StrEnum):
    """What the creator decides about a dialogue."""

    KEEP = "keep"
    DROP = "drop"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of the review; the last one about a dialogue counts."""

    choice: Choice
    turns: tuple[Turn, ...] = ()
    """Of an edit: what is said now."""


@dataclass(frozen=True, slots=True)
class Fate:
    """A dialogue and what becomes of it."""

    candidate: Candidate
    """With personal data replaced, as edited."""
    personal: tuple[str, ...]
    """The kinds of personal data that were replaced."""
    reason: Reason | None
    """Why it is left out; None where it is kept."""
    part: Part
    decision: Choice | None = None


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """The dialogue files of one adapter, relative to the mind's folder."""

    train: str
    heldout: str
    takes: Callable[[str], bool]
    """Whether a dialogue belongs to the adapter, by its id."""


def read_fates(stages: StageFolder) -> list[Fate]:
    """Every dialogue of an import, in its order; blocking."""
    decisions = read_decisions(stages)
    return [_decided(_judged(record), decisions) for record in stages.read("verdicts")]


def read_decisions(stages: StageFolder) -> dict[str, Decision]:
    """The decisions of the review by dialogue; a line that a crash has cut short is passed over."""
    path = stages.folder / _DECISIONS
    if not path.exists():
        return {}
    decisions: dict[str, Decision] = {}
    for line in path.read_text("utf-8").split("\n"):
        try:
            record = json.loads(line)
            decisions[record["id"]] = Decision(Choice(record["choice"]), turns_from_records(record.get("turns", ())))
        except (ValueError, KeyError, TypeError):
            continue
    return decisions


def add_decision(stages: StageFolder, id_: str, decision: Decision) -> None:
    """Remember a decision, at once and for good."""
    record = {"id": id_, "choice": decision.choice, "turns": [asdict(turn) for turn in decision.turns]}
    with (stages.folder / _DECISIONS).open("a", encoding="utf-8") as stream:
        # The line end before it parts it from a line that a crash has cut short.
        stream.write("\n" + json.dumps(record, ensure_ascii=False))
        stream.flush()
        os.fsync(stream.fileno())


def write_dialogues(
    mind_folder: Path, stages: StageFolder, fates: Sequence[Fate], adapters: Sequence[AdapterFiles] = ()
) -> None:
    """Write the kept dialogues to train on and to measure with, and beside them who speaks in each; blocking.

    Args:
        adapters: files of single adapters, which repeat the dialogues that belong to each.
    """
    (mind_folder / "dialogues").mkdir(exist_ok=True)
    remove_unfinished(mind_folder / "dialogues")
    origins: list[dict[str, Any]] = []
    everything = AdapterFiles(TRAIN_FILE, HELDOUT_FILE, lambda _: True)
    for files, part, file in [
        (each, part, file)
        for each in (everything, *adapters)
        for part, file in ((Part.TRAIN, each.train), (Part.HELDOUT, each.heldout))
    ]:
        kept = [
            fate.candidate
            for fate in fates
            if fate.reason is None and fate.part is part and files.takes(fate.candidate.id)
        ]
        write_atomically(mind_folder / file, map(training_line, kept))
        origins += [
            {"file": file, "line": line, "id": each.id, "source": each.source, "speakers": each.speakers}
            for line, each in enumerate(kept, 1)
        ]
    write_atomically(stages.folder / "origins.jsonl", map(_json_line, origins))


def _judged(record: Mapping[str, Any]) -> Fate:
    reason = Reason(record["reason"]) if record["reason"] else None
    return Fate(candidate_from_record(record["candidate"]), tuple(record["personal"]), reason, Part(record["part"]))


def _decided(fate: Fate, decisions: Mapping[str, Decision]) -> Fate:
    decision = decisions.get(fate.candidate.id)
    if decision is None:
        return fate
    if decision.choice is Choice.DROP:
        return replace(fate, reason=Reason.REVIEW, decision=decision.choice)
    candidate = replace(fate.candidate, turns=decision.turns) if decision.turns else fate.candidate
    return replace(fate, candidate=candidate, reason=None, decision=decision.choice)


def training_line(candidate: Candidate) -> str:
    """A dialogue as a line of a file to train on."""
    return _json_line({"messages": list(_messages(candidate.turns))})


def _messages(turns: Sequence[Turn]) -> Iterator[dict[str, Any]]:
    for turn in turns:
        message: dict[str, Any] = {"role": turn.role, "content": turn.text}
        if not turn.learn:
            message["weight"] = 0
        yield message


def _json_line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
