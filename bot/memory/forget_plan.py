"""Plans what goes with a forgotten record: what certainly says the same, and what the person is asked about.

Planning is pure: it reads everything that is kept of the person and decides. `bot.memory.forgetting` carries it out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from bot.core.conversation import WINDOW_TURNS
from bot.core.i18n import LANGUAGES, Translator
from bot.memory.identity import Comparison, Fact, cut_units
from bot.memory.records import Record, RecordLine
from bot.memory.rendering import passage_quotation, quoted_title
from bot.memory.statement_rules import Verdict
from bot.memory.statements import Speaker
from db.memory.forgetting import MemoryTexts, TurnErasure, TurnTexts

MIN_NEEDLE_LENGTH: Final = 4
"""Characters of a text that is looked for as it is written."""
_LISTED_LENGTH: Final = 120
"""Characters of a text that every list shows."""
_THE_PERSON: Final = re.compile(r"\b(?:the\s+(?:person|user)|пользовател\w*|человек\w*|собеседни\w*)\b", re.IGNORECASE)
"""How a summary speaks of the person."""
_DERIVED_COVERAGE: Final = 0.5
"""Share of a fact's words in a question that make its answer an answer about the fact."""


@dataclass(slots=True)
class ForgetPlan:
    """What is deleted, and what may be."""

    erasures: dict[UUID, TurnErasure] = field(default_factory=dict)
    """By turn."""
    excluded_turns: set[UUID] = field(default_factory=set)
    """Turns that are no longer shown to the model, summarised or remembered."""
    turns_using: set[UUID] = field(default_factory=set)
    """Turns that had something of it in their prompt, or may have it at this moment."""
    deleted_memories: set[UUID] = field(default_factory=set)
    cut_memories: dict[UUID, str] = field(default_factory=dict)
    """Episodes of which a part goes, with what is left."""
    summary_sessions: set[UUID] = field(default_factory=set)
    """Sessions whose summaries are written again."""
    unsure: list[RecordLine] = field(default_factory=list)
    """What may say the same; oldest first."""
    facts: int = 0
    messages: int = 0
    answers: int = 0
    documents: int = 0

    @property
    def total(self) -> int:
        """How many records go."""
        return self.facts + self.messages + self.answers + self.documents


def plan_forgetting(
    records: Collection[Record],
    turns: Sequence[TurnTexts],
    memories: Sequence[MemoryTexts],
    *,
    settled: Collection[Record] = (),
) -> ForgetPlan | None:
    """Decide what goes with some records; None if none of them exists.

    Args:
        records: what the person has chosen.
        turns, memories: everything that is kept of the person.
        settled: records that the person has been asked about already: they stay unless they are chosen.
    """
    return _Planner(records, turns, memories, settled).plan()


class _Planner:
    def __init__(
        self,
        records: Collection[Record],
        turns: Sequence[TurnTexts],
        memories: Sequence[MemoryTexts],
        settled: Collection[Record],
    ) -> None:
        self._turns = {turn.id: turn for turn in turns}
        self._memories = {memory.id: memory for memory in memories}
        self._settled = frozenset(settled)
        self._plan = ForgetPlan()
        chosen = [self._memories[each.id] for each in records if each.kind == "memory" and each.id in self._memories]
        self._chosen_memories = {memory.id: memory for memory in chosen}
        self._chosen_messages = {each.id for each in records if each.kind == "message" and each.id in self._turns}
        self._chosen_answers = {each.id for each in records if each.kind == "answer" and each.id in self._turns}
        texts = [memory.content for memory in chosen if memory.kind in ("fact", "episode")]
        texts += [self._turns[turn_id].question for turn_id in self._chosen_messages]
        self._facts = [Fact(text) for text in texts if text]
        self._needles: set[str] = set()
        """Texts that say it, as they are written."""
        self._shown = [each.question for each in self._chosen_turns()] + [
            each.answer for each in self._chosen_turns() if each.answer
        ]
        """Chosen messages and answers, which commands may have listed."""
        self._stating: set[UUID] = set()
        """Turns that say it."""
        self._summaries_saying_it: set[UUID] = set()
        """Sessions whose summaries may say it."""

    def plan(self) -> ForgetPlan | None:
        if not (self._chosen_memories or self._chosen_messages or self._chosen_answers):
            return None
        plan = self._plan
        for memory in self._chosen_memories.values():
            self._forget_memory(memory)
        for turn in self._turns.values():
            if turn.kind == "question":
                self._judge_question_turn(turn)
        for memory in self._memories.values():
            self._judge_memory(memory)
        self._judge_uses()
        for turn in self._turns.values():
            if turn.kind == "command":
                self._judge_command_turn(turn)
        self._exclude_turns()
        for memory in self._memories.values():
            self._follow_turn(memory)
        plan.unsure.sort(key=lambda line: line.date)
        return plan

    def _chosen_turns(self) -> list[TurnTexts]:
        return [self._turns[turn_id] for turn_id in (*self._chosen_messages, *self._chosen_answers)]

    def _forget_memory(self, memory: MemoryTexts) -> None:
        """A chosen memory, and the words that it came from."""
        plan = self._plan
        plan.deleted_memories.add(memory.id)
        plan.facts += memory.kind == "fact"
        plan.documents += memory.kind == "document"
        plan.messages += memory.kind == "episode" and memory.voice != "mind"
        plan.answers += memory.kind == "episode" and memory.voice == "mind"
        if memory.kind == "document":
            self._needles.add(quoted_title(memory.content))
        elif memory.kind == "passage":
            self._needles.add(passage_quotation(memory.content, memory.title))
        else:
            self._needles.add(memory.content)
        source = self._turns.get(memory.source_turn_id) if memory.source_turn_id is not None else None
        if source is None or memory.kind == "passage":
            return
        if memory.kind == "summary":
            covered = [turn.id for turn in self._turns.values() if turn.session_id == source.session_id]
            plan.turns_using |= {id_ for id_ in covered if self._turns[id_].seq <= source.seq}
        elif memory.kind == "document" or source.kind == "command":
            self._erase(source, question="")
        else:
            self._erase(source, question=self._without_source(source, memory.content))

    def _without_source(self, source: TurnTexts, content: str) -> str:
        """What is left of the message that a fact was drawn from: it says the fact somewhere, whatever the words."""
        comparison = Fact(content).compare(source.question)
        said = [*comparison.same, *comparison.unsure]
        return cut_units(source.question, said) if said else ""

    def _judge_question_turn(self, turn: TurnTexts) -> None:
        comparison = self._compare(turn.question)
        if turn.id in self._chosen_messages:
            self._erase(turn, question="")
        elif comparison.verdict is Verdict.SAME and turn.id not in self._plan.erasures:
            self._needles |= {turn.question[unit.start : unit.end] for unit in comparison.same}
            self._erase(turn, question=cut_units(turn.question, comparison.same))
        elif comparison.verdict is Verdict.UNSURE and turn.question:
            self._ask(RecordLine(Record("message", turn.id), "message", turn.question, turn.created_at))
        if turn.rating_comment and self._compare(turn.rating_comment).verdict is not Verdict.OTHER:
            # The comment goes with the first thing that is forgotten of its turn: better one too many.
            self._plan.excluded_turns.add(turn.id)
        for quotation in turn.quotations or ():
            text = str(quotation.get("text", ""))
            if Verdict.SAME in (self._compare(text).verdict, self._compare(text, "mind").verdict):
                self._erase(turn, with_quotations=True)

    def _judge_answer(self, turn: TurnTexts) -> None:
        """The answer of a question: what was made with the memory and says something of it goes."""
        texts = [text for text in (turn.answer, *_strings(turn.voices)) if text]
        if not texts or ((erasure := self._plan.erasures.get(turn.id)) and erasure.with_answer):
            return
        verdict = max(self._compare(text, "mind").verdict for text in texts)
        has_value = any(fact.has_distinctive_value_of(text) for fact in self._facts for text in texts)
        is_derived = turn.id in self._plan.turns_using or turn.id in self._stating
        # What an answer says of the person beside other things, it knows from them.
        says_it = (
            verdict is Verdict.SAME
            or (verdict is Verdict.UNSURE and (is_derived or not has_value))
            or (has_value and (is_derived or self._asks_about(turn.question)))
        )
        if says_it or turn.id in self._chosen_answers:
            self._erase(turn, with_answer=True)
        elif has_value and turn.answer:
            self._ask(RecordLine(Record("answer", turn.id), "answer", turn.answer, turn.created_at))

    def _judge_memory(self, memory: MemoryTexts) -> None:
        """Facts, passages, and episodes of no turn."""
        if memory.id in self._plan.deleted_memories or memory.kind == "document":
            return
        if memory.kind == "summary":
            self._judge_summary(memory)
            return
        if memory.kind == "episode" and memory.source_turn_id in self._turns:
            return
        speaker: Speaker = "mind" if memory.voice == "mind" else "person"
        comparison = self._compare(memory.content, speaker)
        if comparison.verdict is Verdict.OTHER:
            return
        if memory.kind == "passage":
            if any(fact.has_distinctive_value_of(memory.content) for fact in self._facts) or comparison.same:
                self._ask(_memory_line(memory))
        elif comparison.verdict is Verdict.UNSURE:
            self._ask(_memory_line(memory))
        else:
            self._needles.add(memory.content)
            if memory.kind == "episode":
                self._cut_episode(memory, cut_units(memory.content, comparison.same, speaker))
                self._plan.messages += 1
            else:
                self._forget_memory(memory)

    def _judge_summary(self, memory: MemoryTexts) -> None:
        """A summary that may say it is written again from what is left of its conversation."""
        said = _THE_PERSON.sub(lambda match: "I" if match[0].isascii() else "я", memory.content)
        has_value = any(fact.has_distinctive_value_of(said) for fact in self._facts)
        if memory.session_id is not None and (has_value or self._compare(said).verdict is not Verdict.OTHER):
            self._summaries_saying_it.add(memory.session_id)

    def _judge_uses(self) -> None:
        """Turns that had a text that says it in their prompt, or may have it now; then the answers."""
        needles = [needle for needle in self._needles if len(needle) >= MIN_NEEDLE_LENGTH]
        for turn in self._turns.values():
            if turn.kind != "question":
                continue
            used = any(needle in note for note in turn.recalled for needle in needles)
            if used or not turn.is_over:
                self._plan.turns_using.add(turn.id)
        for turn in self._turns.values():
            if turn.kind == "question" and turn.is_over:
                self._judge_answer(turn)

    def _judge_command_turn(self, turn: TurnTexts) -> None:
        """A command and its reply: gone if they say it, without asking, since they are no record of their own."""
        texts = [turn.question, turn.answer or "", turn.error or "", *_strings(turn.said)]
        needles = [_listed(needle) for needle in (*self._needles, *self._shown) if len(needle) >= MIN_NEEDLE_LENGTH]
        for text in texts:
            flat = " ".join(text.split())
            if any(needle in flat for needle in needles) or self._compare(text).verdict is Verdict.SAME:
                self._erase(turn, question="", counted=False)
                return

    def _exclude_turns(self) -> None:
        """The turns that said or used it, and those after them whose prompt showed them: up to the next /new."""
        plan = self._plan
        sources = self._stating | plan.turns_using
        by_session: dict[UUID, list[TurnTexts]] = {}
        for turn in self._turns.values():
            by_session.setdefault(turn.session_id, []).append(turn)
        for session_turns in by_session.values():
            left = 0
            for turn in sorted(session_turns, key=lambda each: each.seq):
                if turn.kind == "command":
                    left = 0 if _starts_window(turn.question) else left
                    continue
                if turn.id in sources:
                    left = WINDOW_TURNS + 1
                if left > 0:
                    plan.excluded_turns.add(turn.id)
                    left -= 1
        plan.summary_sessions = {self._turns[turn_id].session_id for turn_id in sources if turn_id in self._turns}
        plan.summary_sessions |= self._summaries_saying_it

    def _follow_turn(self, memory: MemoryTexts) -> None:
        """An episode goes as its turn does."""
        if memory.kind != "episode" or memory.source_turn_id is None or memory.id in self._plan.deleted_memories:
            return
        erasure = self._plan.erasures.get(memory.source_turn_id)
        turn = self._turns.get(memory.source_turn_id)
        if erasure is None or turn is None:
            return
        if memory.voice == "mind":
            if erasure.with_answer:
                self._plan.deleted_memories.add(memory.id)
        elif erasure.question is not None:
            self._cut_episode(memory, erasure.question)

    def _cut_episode(self, memory: MemoryTexts, rest: str) -> None:
        if rest:
            self._plan.cut_memories[memory.id] = rest
        else:
            self._plan.deleted_memories.add(memory.id)

    def _erase(
        self,
        turn: TurnTexts,
        *,
        question: str | None = None,
        with_answer: bool = False,
        with_quotations: bool = False,
        counted: bool = True,
    ) -> None:
        """Delete something of a turn. An answer goes with the whole of its question, and so do quotations."""
        if not turn.is_over and turn.kind == "command":
            return
        before = self._plan.erasures.get(turn.id) or TurnErasure(
            turn.id, None, with_answer=False, with_quotations=False
        )
        whole = question == "" or before.question == ""
        after = TurnErasure(
            turn.id,
            "" if whole else before.question if question is None else question,
            with_answer=before.with_answer or with_answer or whole,
            with_quotations=before.with_quotations or with_quotations or whole,
        )
        self._plan.erasures[turn.id] = after
        if turn.kind == "question" and counted:
            self._stating.add(turn.id)
            self._plan.messages += before.question is None and after.question is not None
            self._plan.answers += after.with_answer and not before.with_answer and bool(turn.answer)

    def _ask(self, line: RecordLine) -> None:
        if line.record not in self._settled:
            self._plan.unsure.append(line)

    def _compare(self, text: str, speaker: Speaker = "person") -> Comparison:
        found = [fact.compare(text, speaker) for fact in self._facts if fact.may_be_in(text)]
        if not found:
            return Comparison(Verdict.OTHER, (), ())
        same = tuple(dict.fromkeys(unit for each in found for unit in each.same))
        unsure = tuple(dict.fromkeys(unit for each in found for unit in each.unsure if unit not in same))
        return Comparison(Verdict.SAME if same else Verdict.UNSURE if unsure else Verdict.OTHER, same, unsure)

    def _asks_about(self, question: str) -> bool:
        return any(fact.share_of_words_in(question) >= _DERIVED_COVERAGE for fact in self._facts)


def _listed(text: str) -> str:
    """The beginning of a text, as lists show it."""
    return " ".join(text.split())[:_LISTED_LENGTH]


def _memory_line(memory: MemoryTexts) -> RecordLine:
    label = "message" if memory.kind == "episode" else memory.kind
    return RecordLine(Record("memory", memory.id), label, memory.content, memory.valid_from, memory.title)


def _strings(value: object) -> Iterator[str]:
    """All strings in plain JSON; the cells of a table's row together."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _starts_window(command: str) -> bool:
    return _NEW_COMMAND.match(command) is not None


_NEW_COMMAND: Final = re.compile(
    rf"/(?:{'|'.join({'new', *(Translator(language).translate('/new').removeprefix('/') for language in LANGUAGES)})})"
    r"(?!\w)",
    re.IGNORECASE,
)
