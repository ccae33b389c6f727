"""One question to one answer: resolve the mode, recall, build the prompt, generate, keep. Showing it comes after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.answering.consilium import answer_with_two_voices, build_archivist_prompt
from bot.answering.draft import Draft, author_text, stored_outcome
from bot.answering.generation import GenerationContext, answer_with_one_voice
from bot.answering.prompt import Exchange, Prompt, build_prompt, quoted_passages
from bot.answering.router import Router
from bot.core.attachments import question_text
from bot.core.background import run_both
from bot.core.conversation import Conversation
from bot.core.errors import AnswerNotSaved
from bot.core.messages import Outcome
from bot.core.ports import Reply
from bot.library.passage import Passage
from bot.library.retriever import Retrieved, Retriever, collections_for_mode
from bot.memory import PersonalMemory, render_memory
from bot.minds import Mind, render_system_prompt
from bot.minds.grammar import ModeExpression, parse_expression
from bot.minds.resolve import ResolvedMode, check_access, resolve_mode
from db.errors import DatabaseUnreachable
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.turns import turns
from db.turns.states import GeneratedAnswer
from db.turns.turns import Turn
from inference.engines.port import Engine, FinishReason

log = structlog.get_logger(__name__)

WINDOW_TURNS = 20
"""How far back the recent window reaches, before the token budget shortens it."""


@dataclass(frozen=True, slots=True)
class PipelineLimits:
    """What one turn may take."""

    prompt_tokens: int
    max_memories: int
    generation_timeout: float


class ClaimedTurn(Protocol):
    """The turn being answered, as its worker holds it (`bot.turns.lease.TurnLease`)."""

    @property
    def turn(self) -> Turn:
        """The turn as it was when it was claimed."""
        ...

    async def start_answering(self, mode: str, adapter: str | None) -> None:
        """Record that the answer begins, in which mode and with which composition.

        Raises:
            TurnLeaseLost: another worker has claimed the turn.
        """
        ...

    async def save_answer(self, answer: GeneratedAnswer) -> None:
        """Save a complete answer, before the last of it is shown.

        Raises:
            TurnLeaseLost: another worker has claimed the turn.
        """
        ...


class Pipeline:
    """Answers questions for one mind with one engine."""

    def __init__(
        self,
        mind: Mind,
        database: Database,
        engine: Engine,
        memory: PersonalMemory,
        retriever: Retriever,
        router: Router,
        composer: Composer,
        running_answers: RunningAnswers,
        limits: PipelineLimits,
    ) -> None:
        self._mind = mind
        self._database = database
        self._engine = engine
        self._memory = memory
        self._retriever = retriever
        self._router = router
        self._composer = composer
        self._running_answers = running_answers
        self._limits = limits

    async def answer(self, conversation: Conversation, lease: ClaimedTurn, draft: Draft, reply: Reply) -> Outcome:
        """Answer a turn and keep the answer; `draft` holds what there is if this raises. The caller shows the end.

        An answer that was kept by an earlier attempt is not made again. What the draft says already, of documents that
        came with the question, is shown before it.

        Raises:
            ConsiliumError: why there is no answer, or only the part in `draft`.
        """
        turn = lease.turn
        if turn.is_answered:
            return stored_outcome(turn)
        draft.timings["queue"] = (turn.updated_at - turn.created_at).total_seconds()
        with draft.timed("resolve"):
            mode = await self._resolve(parse_expression(turn.asked_mode or conversation.session.mode), turn)
            if turn.consilium and not mode.terms:
                mode = await self._resolve(parse_expression(self._mind.core), turn)
            draft.mode = mode.text
            draft.adapter = await self._composer.prepare(mode)
        memories, drawn, window = await self._retrieve_context(conversation, turn, mode, draft)
        archive = None
        with draft.timed("prompt"):
            # Counting tokens of a long message takes a while, and reading the template touches the disk.
            if turn.consilium:
                archive = await asyncio.to_thread(
                    build_archivist_prompt,
                    turn.question,
                    drawn.passages,
                    conversation.language,
                    self._engine.tokenizer,
                    self._token_budget,
                )
                drawn = Retrieved(examples=drawn.examples)
            draft.prompt = await asyncio.to_thread(
                self._build_prompt, conversation, turn, mode, memories, drawn, window
            )
        making = self._generation_context(conversation, turn, mode, draft, reply)
        answer = (
            partial(answer_with_two_voices, making, archive)
            if turn.consilium
            else partial(answer_with_one_voice, making)
        )
        await lease.start_answering(mode.text, draft.adapter.name if draft.adapter else None)
        await reply.start(mode.text)
        for told in draft.pieces:
            await reply.write(told)
        with draft.timed("generate"):
            stopped = turn.stop_asked or not await self._running_answers.run(turn.id, answer)
        if stopped:
            draft.finish_reason = FinishReason.CANCELLED
        try:
            await lease.save_answer(draft.to_answered())
        except DatabaseUnreachable as error:
            raise AnswerNotSaved(str(error)) from error
        log.info(
            "turn.answered", mode=draft.mode, adapter=draft.adapter and draft.adapter.name, finish=draft.finish_reason
        )
        return draft.outcome(turn)

    async def _resolve(self, asked: ModeExpression, turn: Turn) -> ResolvedMode:
        mode = resolve_mode(asked, self._mind)
        if mode.is_auto:
            mode = (await self._router.route(turn.question)).mode
        check_access(mode, self._mind, turn.roles)
        return mode

    async def _retrieve_context(
        self, conversation: Conversation, turn: Turn, mode: ResolvedMode, draft: Draft
    ) -> tuple[list[str], Retrieved, list[Exchange]]:
        """What the person has told, what the library has on the question, and what was said last: all at once."""
        (memories, window), drawn = await run_both(
            self._recall_memories(conversation, turn, draft), self._retrieve_passages(turn, mode, draft)
        )
        return memories, drawn, window

    async def _recall_memories(
        self, conversation: Conversation, turn: Turn, draft: Draft
    ) -> tuple[list[str], list[Exchange]]:
        with draft.timed("recall"):
            chat = conversation.session.group_chat
            async with self._database.person_transaction(conversation.user.id) as connection:
                past = [] if conversation.client_conversation else await _load_window(connection, turn)
                speakers = await self._memory.list_speakers(connection, chat=chat)
            recalled = await self._memory.recall(
                conversation.user.id,
                turn.question,
                self._limits.max_memories,
                chat=chat,
                turns_in_prompt={one.id for one in past},
                speakers=speakers,
            )
        window = [Exchange(question_text(one), author_text(one)) for one in past]
        if conversation.client_conversation is not None:
            window = [Exchange(question, answer) for question, answer in conversation.client_conversation.exchanges]
        return [render_memory(found.memory, conversation.say) for found in recalled], window

    async def _retrieve_passages(self, turn: Turn, mode: ResolvedMode, draft: Draft) -> Retrieved:
        with draft.timed("library"):
            return await self._retriever.retrieve(turn.question, mode)

    def _build_prompt(
        self,
        conversation: Conversation,
        turn: Turn,
        mode: ResolvedMode,
        memories: Sequence[str],
        retrieved: Retrieved,
        window: Sequence[Exchange],
    ) -> Prompt:
        given = conversation.client_conversation

        def system(told: Sequence[str], passages: Sequence[Passage]) -> str:
            own = render_system_prompt(
                self._mind,
                mode,
                told,
                conversation.language,
                passages=quoted_passages(passages),
                examples=retrieved.examples,
            )
            return f"{own}\n\n{given.system}" if given and given.system else own

        return build_prompt(
            turn.question,
            system=system,
            memories=memories,
            passages=retrieved.passages,
            window=window,
            counter=self._engine.tokenizer,
            budget=self._token_budget,
        )

    @property
    def _token_budget(self) -> int:
        return min(self._limits.prompt_tokens, self._engine.context_tokens - self._mind.sampling.max_tokens)

    def _generation_context(
        self, conversation: Conversation, turn: Turn, mode: ResolvedMode, draft: Draft, reply: Reply
    ) -> GenerationContext:
        given = conversation.client_conversation
        structured = given is not None and given.schema is not None
        return GenerationContext(
            self._engine,
            given.resolve_sampling(self._mind.sampling) if given else self._mind.sampling,
            self._limits.generation_timeout,
            draft,
            reply,
            conversation.say,
            turn.question,
            # Marks would break what has to satisfy a schema.
            cites_library=bool(collections_for_mode(self._mind, mode)) and not structured,
            client_conversation=given,
        )


async def _load_window(connection: PersonConnection, turn: Turn) -> list[Turn]:
    """The session's turns before this one that the model still sees, oldest first."""
    window = await turns.load_window(connection, turn.session_id, WINDOW_TURNS, turn.seq)
    return [past for past in window if past.answer]
