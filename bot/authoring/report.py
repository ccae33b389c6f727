"""What an import has made of its sources: how much was read and kept, and of all else why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from bot.authoring.outcome import Choice, Fate, Part
from bot.authoring.reasons import Reason
from bot.authoring.sources import SourceKind

Key = TypeVar("Key", bound=str)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A file that was imported."""

    name: str
    kind: SourceKind | None
    """None where it could not be read."""
    pieces: int
    """Messages of chats; dialogues, questions and passages of other files. Those that cannot be read count as well."""
    refusal: str = ""
    """Why it could not be read, as a sentence."""


@dataclass(frozen=True, slots=True)
class ImportFacts:
    """What is known of an import before its dialogues are judged."""

    sources: tuple[SourceReport, ...]
    authors: tuple[str, ...]
    """The names that the author's accounts have in the chats."""
    others: int
    """Accounts of others that write in the chats."""
    dropped: Mapping[Reason, int]
    """Pieces that have become part of no dialogue."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The figures of an import. They add up: what was read is what was kept and what was dropped, for each reason."""

    facts: ImportFacts
    pieces: int
    """Read, as counted file by file."""
    kept_pieces: int
    dropped_pieces: Mapping[Reason, int]
    dialogues: int
    trained: int
    """Kept to train on."""
    heldout: int
    """Kept to measure with."""
    quoted: int
    """Kept to be quoted from the library."""
    dropped_dialogues: Mapping[Reason, int]
    personal: Mapping[str, int]
    """Pieces of personal data replaced in what is kept, by kind."""
    decided: Mapping[Choice, int]
    """Decisions of the review."""


def make_report(facts: ImportFacts, fates: Sequence[Fate]) -> ImportReport:
    """The figures of an import."""
    kept = [fate for fate in fates if fate.reason is None]
    dropped_pieces = Counter(facts.dropped)
    dropped_dialogues: Counter[Reason] = Counter()
    for fate in fates:
        if fate.reason is not None:
            dropped_pieces[fate.reason] += fate.candidate.pieces
            dropped_dialogues[fate.reason] += 1
    parts = Counter(fate.part for fate in kept)
    return ImportReport(
        facts=facts,
        pieces=sum(source.pieces for source in facts.sources),
        kept_pieces=sum(fate.candidate.pieces for fate in kept),
        dropped_pieces=_by_count(dropped_pieces),
        dialogues=len(fates),
        trained=parts[Part.TRAIN],
        heldout=parts[Part.HELDOUT],
        quoted=parts[Part.LIBRARY],
        dropped_dialogues=_by_count(dropped_dialogues),
        personal=_by_count(Counter(kind for fate in kept for kind in fate.personal)),
        decided=_by_count(Counter(fate.decision for fate in fates if fate.decision is not None)),
    )


def report_to_record(report: ImportReport) -> dict[str, Any]:
    """A report as JSON."""
    return asdict(report)


def facts_to_record(facts: ImportFacts) -> dict[str, Any]:
    """The facts of an import as JSON."""
    return asdict(facts)


def facts_from_record(record: Mapping[str, Any]) -> ImportFacts:
    """The facts that `facts_to_record` wrote."""
    sources = tuple(
        SourceReport(each["name"], SourceKind(each["kind"]) if each["kind"] else None, each["pieces"], each["refusal"])
        for each in record["sources"]
    )
    dropped = {Reason(reason): count for reason, count in record["dropped"].items()}
    return ImportFacts(sources, tuple(record["authors"]), record["others"], dropped)


def _by_count(counts: Counter[Key]) -> dict[Key, int]:
    """Without those that did not occur, the most frequent first."""
    return {key: count for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count}
