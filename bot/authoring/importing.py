"""An import from beginning to end: files read, dialogues stitched, personal data replaced, judged, parted, written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from bot.authoring.candidates import Candidate, Origin, Turn, candidate_from_record, candidate_to_record
from bot.authoring.errors import AuthorNotGiven
from bot.authoring.filters import Filter, Rules, is_quoted
from bot.authoring.forgetting import forget_requested, forgotten_test, without_messages
from bot.authoring.heldout import choose_heldout, find_leaking
from bot.authoring.library_copies import copy_to_library
from bot.authoring.monologues import ask_for
from bot.authoring.outcome import WORK_FOLDER, Part
from bot.authoring.personal import PersonalFinder, Replacements
from bot.authoring.reading import message_from_record, read_source
from bot.authoring.reasons import Reason
from bot.authoring.report import ImportFacts, ImportReport, SourceReport, facts_to_record
from bot.authoring.review import apply_review
from bot.authoring.sources import Source, SourceKind, find_sources, tell_kind
from bot.authoring.speakers import Speakers, speaker_hash, speaker_key
from bot.authoring.stages import StageFolder, digest_of
from bot.authoring.stitching import ChatHead, stitch
from bot.library.parse.block import Block
from bot.library.parse.chats import ConversationKind, Message
from bot.library.parse.parser import Parser
from bot.minds import Mind
from consilium.errors import ConsiliumError

log = structlog.get_logger(__name__)

ChooseAuthor = Callable[[Speakers], Sequence[str]]
"""Says who the author is, by names or ids. It is asked once, and only if there are chats."""
OnProgress = Callable[[str, int, int], None]
"""Called with the name of a stage, how much of it is done, and how much there is."""


def no_author(speakers: Speakers) -> Sequence[str]:
    """A chooser where nobody can be asked.

    Raises:
        AuthorNotGiven: always.
    """
    raise AuthorNotGiven([speaker.name for speaker in speakers.ranked()[:5]])


def no_progress(stage: str, done: int, total: int) -> None:
    """Tells nobody how far an import is."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What an import depends on beside the files, and whom it asks and tells."""

    rules: Rules
    authors: tuple[str, ...] = ()
    """Names or ids; empty where the chooser is to be asked."""
    choose_author: ChooseAuthor = no_author
    on_progress: OnProgress = no_progress
    describe: Callable[[ConsiliumError], str] = str
    """Makes a sentence of the error of a file that cannot be read, in the reader's language."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import has done."""

    report: ImportReport
    library: Sequence[tuple[Path, Path | None]]
    """Documents, and where in the library they lie now; None where no collection takes such files."""


def run_import(mind: Mind, paths: Sequence[Path], options: ImportOptions) -> ImportResult:
    """Import files into a mind's folder; blocking.

    It may be killed at any point: run again with the same files it goes on, and the report is the same.

    Raises:
        AuthoringError: it cannot be done; nothing of the mind was changed.
    """
    sources = find_sources(paths)
    stages = StageFolder(mind.folder / WORK_FOLDER)
    forget_requested(mind)
    stages.remove_others("read-*", [_stage_of(source) for source in sources])
    reports = []
    with asyncio.Runner() as runner:
        for number, source in enumerate(sources):
            options.on_progress("read", number, len(sources))
            reports.append(_read(stages, source, runner, options.describe))
    options.on_progress("read", len(sources), len(sources))
    _Import(stages, sources, options).finish(tuple(reports))
    documents = [
        source.path for source, report in zip(sources, reports, strict=True) if report.kind is SourceKind.DOCUMENT
    ]
    copies = [(document, copy_to_library(mind, document)) for document in documents]
    return ImportResult(apply_review(mind.folder), copies)


def _read(
    stages: StageFolder, source: Source, runner: asyncio.Runner, describe: Callable[[ConsiliumError], str]
) -> SourceReport:
    """Read one file, unless that is done already; a file that cannot be read is told of, and the others are read."""
    name = _stage_of(source)
    try:
        kind = tell_kind(source.path)

        def records() -> Iterator[dict[str, Any]]:
            blocks = runner.run(_parse(source.path.absolute())) if kind is SourceKind.DOCUMENT else ()
            return without_messages(read_source(source, kind, blocks), forgotten_test(stages))

        stages.ensure(name, digest_of(source.digest, kind), records)
    except ConsiliumError as error:
        log.warning("import.source_refused", path=str(source.path), reason=error)
        stages.ensure(name, digest_of(source.digest, "refused"), lambda: ())
        return SourceReport(source.path.name, None, 0, describe(error))
    return SourceReport(source.path.name, kind, sum(map(_pieces, stages.read(name))))


async def _parse(path: Path) -> list[Block]:
    async with Parser() as parser:
        return list(await parser.parse(path))


def _stage_of(source: Source) -> str:
    return f"read-{source.key}"


def _pieces(record: dict[str, Any]) -> int:
    if "candidate" in record:
        return int(record["candidate"]["pieces"])
    return int(record.get("count", "message" in record))


class _Import:
    """The stages after reading."""

    def __init__(self, stages: StageFolder, sources: Sequence[Source], options: ImportOptions) -> None:
        self._stages = stages
        self._sources = sources
        self._options = options
        self._inputs = digest_of([source.digest for source in sources])

    def finish(self, reports: tuple[SourceReport, ...]) -> None:
        speakers = self._census()
        authors = self._authors(speakers)
        inputs = digest_of(self._inputs, sorted(authors))
        self._options.on_progress("stitch", 0, 1)
        self._stages.ensure("dialogues", inputs, lambda: self._stitch(authors))
        self._options.on_progress("stitch", 1, 1)
        dropped = {
            Reason(each["dropped"]): each["count"] for each in self._stages.read("dialogues") if "dropped" in each
        }
        facts = facts_to_record(
            ImportFacts(reports, tuple(speakers.names(authors)), len(speakers) - len(authors), dropped)
        )
        self._stages.ensure("facts", digest_of(facts), lambda: [facts])
        inputs = digest_of(inputs, asdict(self._options.rules))
        self._stages.ensure("verdicts", inputs, lambda: self._judge(speakers, authors))

    def _census(self) -> Speakers:
        speakers = Speakers()
        for chat, message in self._messages():
            speakers.add(chat.key.partition(":")[0], chat.key, chat.kind, message)
        return speakers

    def _authors(self, speakers: Speakers) -> frozenset[tuple[str, str]]:
        """The author's accounts: as given, as told the last time for the same files, or as the chooser says."""
        if not len(speakers):
            return frozenset()
        names = self._options.authors or self._remembered()
        if not names:
            names = tuple(self._options.choose_author(speakers))
        found = speakers.find_authors(names)
        self._stages.ensure("author", digest_of(self._inputs, names), lambda: [{"names": names}])
        return found

    def _remembered(self) -> tuple[str, ...]:
        with suppress(FileNotFoundError, StopIteration):
            names = tuple(next(self._stages.read("author"))["names"])
            if not self._stages.ensure("author", digest_of(self._inputs, names), lambda: [{"names": names}]):
                return names
        return ()

    def _messages(self) -> Iterator[tuple[ChatHead, Message]]:
        head = ChatHead("", ConversationKind.UNKNOWN, "")
        for source, record in self._records():
            if chat := record.get("chat"):
                head = ChatHead(chat["key"], ConversationKind(chat["kind"]), source.path.name)
            elif message := record.get("message"):
                yield head, message_from_record(message)

    def _records(self) -> Iterator[tuple[Source, dict[str, Any]]]:
        for source in self._sources:
            for record in self._stages.read(_stage_of(source)):
                yield source, record

    def _stitch(self, authors: frozenset[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        dropped: Counter[str] = Counter()
        for _, record in self._records():
            if candidate := record.get("candidate"):
                yield {"candidate": candidate}
            elif "dropped" in record:
                dropped[record["dropped"]] += record["count"]
        salt = self._stages.salt()
        for head, messages in self._chats():
            source = head.key.partition(":")[0]
            stitched = stitch(
                head,
                messages,
                lambda message, source=source: (source, speaker_key(message)) in authors,  # type: ignore[misc]
                lambda key: speaker_hash(salt, key),
            )
            dropped.update(stitched.dropped)
            for found in stitched.candidates:
                yield {"candidate": candidate_to_record(found)}
        for reason, count in sorted(dropped.items()):
            yield {"dropped": reason, "count": count}

    def _chats(self) -> Iterator[tuple[ChatHead, list[Message]]]:
        current: ChatHead | None = None
        messages: list[Message] = []
        for head, message in self._messages():
            if head is not current:
                if current is not None:
                    yield current, messages
                current, messages = head, []
            messages.append(message)
        if current is not None:
            yield current, messages

    def _judge(self, speakers: Speakers, authors: frozenset[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """Each dialogue without personal data, and what becomes of it."""
        replacements = Replacements(PersonalFinder(speakers.names(), speakers.names(authors)))
        judge = Filter(self._options.rules)
        judged: list[tuple[Candidate, list[str], Reason | None]] = []
        found = list(self._candidates())
        for number, candidate in enumerate(found):
            self._options.on_progress("judge", number + 1, len(found))
            cleaned, kinds = _clean(candidate, replacements)
            judged.append((cleaned, kinds, judge.judge(cleaned, len(kinds))))
        rules = self._options.rules
        quoted = {candidate.id for candidate, _, reason in judged if reason is None and is_quoted(candidate, rules)}
        kept = [candidate for candidate, _, reason in judged if reason is None and candidate.id not in quoted]
        heldout = choose_heldout(kept, rules.heldout)
        leaking = find_leaking(
            [each for each in kept if each.id not in heldout], [each for each in kept if each.id in heldout]
        )
        for candidate, kinds, reason in judged:
            part = Part.LIBRARY if candidate.id in quoted else Part.HELDOUT if candidate.id in heldout else Part.TRAIN
            why = reason or (Reason.LEAK if candidate.id in leaking else None)
            yield {"candidate": candidate_to_record(candidate), "personal": kinds, "reason": why, "part": part}

    def _candidates(self) -> Iterator[Candidate]:
        for record in self._stages.read("dialogues"):
            if "candidate" in record:
                yield candidate_from_record(record["candidate"])


def _clean(candidate: Candidate, replacements: Replacements) -> tuple[Candidate, list[str]]:
    """A dialogue with its personal data replaced, and the kinds of it; a monologue with what asks for it."""
    turns: list[Turn] = []
    kinds: list[str] = []
    for turn in candidate.turns:
        text, found = replacements.replace(turn.text)
        turns.append(replace(turn, text=text))
        kinds += found
    if candidate.origin is Origin.MONOLOGUE:
        turns[0] = replace(turns[0], text=ask_for(turns[1].text, turns[0].text))
    return replace(candidate, turns=tuple(turns)), kinds
