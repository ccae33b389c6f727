"""One question to one answer: resolve the mode, recall, build the prompt, generate, deliver, keep."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot.channels.port import Outcome, Reply
from bot.mind import Mind, render_system
from bot.modes.access import check_access
from bot.modes.composer import Composer
from bot.modes.expression import ModeExpression
from bot.modes.resolve import ResolvedMode, resolve
from bot.modes.router import Router
from bot.recall.memory import PersonalMemory
from bot.turns.conversation import Conversation
from bot.turns.errors import AnswerNotSaved, GenerationTooSlow
from bot.turns.prompt import Exchange, Prompt, build_prompt
from bot.turns.running import RunningTurns
from db import turns
from db.database import Database
from db.errors import DatabaseError
from db.turns import FinalState, Turn
from inference.engine.port import AdapterRef, Engine, FinishReason, GenerationRequest, TextDelta, Usage

log = structlog.get_logger(__name__)

WINDOW_TURNS = 20
"""How far back the recent window reaches, before the token budget shortens it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may take."""

    prompt_tokens: int
    memories: int
    seconds: float


@dataclass(slots=True)
class Draft:
    """An answer while it is made; whatever ends the turn, this much is known of it."""

    mode: str
    adapter: AdapterRef | None = None
    prompt: Prompt | None = None
    pieces: list[str] = field(default_factory=list)
    finish: FinishReason | None = None
    usage: Usage | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()

    def outcome(self, turn: Turn) -> Outcome:
        usage = self.usage
        return Outcome(
            mode=self.mode,
            answer=self.text,
            turn=str(turn.id),
            adapter=self.adapter.name if self.adapter else None,
            memories=self.prompt.memories if self.prompt else (),
            usage={"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens} if usage else {},
            stopped=self.finish is FinishReason.CANCELLED,
        )


class Pipeline:
    """Answers questions for one mind with one engine."""

    def __init__(
        self,
        mind: Mind,
        database: Database,
        engine: Engine,
        memory: PersonalMemory,
        router: Router,
        composer: Composer,
        running: RunningTurns,
        limits: Limits,
    ) -> None:
        self._mind = mind
        self._database = database
        self._engine = engine
        self._memory = memory
        self._router = router
        self._composer = composer
        self._running = running
        self._limits = limits

    async def answer(
        self,
        conversation: Conversation,
        turn: Turn,
        asked: ModeExpression,
        roles: frozenset[str],
        draft: Draft,
        reply: Reply,
    ) -> Outcome:
        """Answer an accepted turn in the mode asked for; `draft` holds what there is if this raises.

        Raises:
            ConsiliumError: why there is no answer, or only the part in `draft`.
        """
        async with self._database.person(conversation.user.id) as connection:
            await turns.start_thinking(connection, turn.id)
        mode = await self._resolve(asked, turn.question, roles)
        draft.mode = mode.text
        draft.adapter = await self._composer.ready(mode)
        draft.prompt = await self._prompt(conversation, turn, mode)
        async with self._database.person(conversation.user.id) as connection:
            adapter = draft.adapter.name if draft.adapter else None
            await turns.start_answering(connection, turn.id, mode=mode.text, adapter=adapter)
        await reply.open(mode.text)
        finished = await self._running.run(conversation.session.id, partial(self._generate, draft, reply))
        if not finished:
            draft.finish = FinishReason.CANCELLED
        await self._keep(conversation, turn, draft)
        log.info("turn.answered", turn=str(turn.id), mode=draft.mode, adapter=adapter, finish=draft.finish)
        return draft.outcome(turn)

    async def _resolve(self, asked: ModeExpression, question: str, roles: frozenset[str]) -> ResolvedMode:
        mode = resolve(asked, self._mind)
        if mode.is_auto:
            mode = (await self._router.route(question)).mode
        check_access(mode, self._mind, roles)
        return mode

    async def _prompt(self, conversation: Conversation, turn: Turn, mode: ResolvedMode) -> Prompt:
        recalled = await self._memory.recall(conversation.user.id, turn.question, self._limits.memories)
        async with self._database.person(conversation.user.id) as connection:
            window = await turns.window(connection, conversation.session.id, WINDOW_TURNS)
        room = self._engine.context_tokens - self._mind.sampling.max_tokens
        # Counting tokens of a long message takes a while, and reading the template touches the disk.
        return await asyncio.to_thread(
            build_prompt,
            turn.question,
            system=lambda memories: render_system(self._mind, mode, memories, conversation.language),
            memories=[found.memory.content for found in recalled],
            window=[Exchange(past.question, past.answer) for past in window if past.answer],
            counter=self._engine.tokens,
            budget=min(self._limits.prompt_tokens, room),
        )

    async def _generate(self, draft: Draft, reply: Reply) -> None:
        assert draft.prompt is not None
        request = GenerationRequest(draft.prompt.messages, draft.adapter, self._mind.sampling)
        try:
            async with asyncio.timeout(self._limits.seconds), aclosing(self._engine.generate(request)) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        draft.pieces.append(event.text)
                        await reply.write(event.text)
                    else:
                        draft.finish, draft.usage = event.reason, event.usage
        except TimeoutError:
            raise GenerationTooSlow(self._limits.seconds) from None

    async def _keep(self, conversation: Conversation, turn: Turn, draft: Draft) -> None:
        state: FinalState = "stopped" if draft.finish is FinishReason.CANCELLED else "delivered"
        try:
            async with self._database.person(conversation.user.id) as connection:
                await turns.finish(
                    connection,
                    turn.id,
                    state,
                    answer=draft.text,
                    finish_reason=draft.finish,
                    prompt_tokens=draft.usage.prompt_tokens if draft.usage else None,
                    completion_tokens=draft.usage.completion_tokens if draft.usage else None,
                )
        except DatabaseError as error:
            raise AnswerNotSaved(str(error)) from error
