"""One question to one answer: resolve the mode, recall, build the prompt, generate, keep. Showing it comes after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import structlog

from bot.channels.given import Given
from bot.channels.port import Outcome, Reply
from bot.mind import Mind, render_system
from bot.modes.access import check_access
from bot.modes.composer import Composer
from bot.modes.expression import ModeExpression, parse
from bot.modes.resolve import ResolvedMode, resolve
from bot.modes.router import Router
from bot.recall.memory import PersonalMemory
from bot.turns.conversation import Conversation
from bot.turns.draft import Draft, outcome_of
from bot.turns.errors import AnswerNotSaved, GenerationTooSlow
from bot.turns.hold import Hold
from bot.turns.prompt import Exchange, Prompt, build_prompt
from bot.turns.running import RunningTurns
from bot.turns.stops import StopTexts
from db import turns
from db.database import Database
from db.errors import DatabaseUnreachable
from db.turns import Turn
from inference.engine.port import Engine, FinishReason, GenerationRequest, Sampling, TextDelta, Usage

log = structlog.get_logger(__name__)

WINDOW_TURNS = 20
"""How far back the recent window reaches, before the token budget shortens it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may take."""

    prompt_tokens: int
    memories: int
    seconds: float


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

    async def answer(self, conversation: Conversation, hold: Hold, draft: Draft, reply: Reply) -> Outcome:
        """Answer a turn and keep the answer; `draft` holds what there is if this raises. The caller shows the end.

        An answer that was kept by an earlier attempt is not made again.

        Raises:
            ConsiliumError: why there is no answer, or only the part in `draft`.
        """
        turn = hold.turn
        if turn.is_answered:
            return outcome_of(turn)
        draft.timings["queue"] = (turn.updated_at - turn.created_at).total_seconds()
        with draft.timed("resolve"):
            mode = await self._resolve(parse(turn.asked_mode or conversation.session.mode), turn)
            draft.mode = mode.text
            draft.adapter = await self._composer.ready(mode)
        draft.prompt = await self._prompt(conversation, turn, mode, draft)
        await hold.start_answering(mode.text, draft.adapter.name if draft.adapter else None)
        await reply.open(mode.text)
        generate = partial(self._generate, draft, reply, conversation.given)
        with draft.timed("generate"):
            stopped = turn.stop_asked or not await self._running.run(turn.id, generate)
        if stopped:
            draft.finish = FinishReason.CANCELLED
        try:
            await hold.keep(draft.answered())
        except DatabaseUnreachable as error:
            raise AnswerNotSaved(str(error)) from error
        log.info("turn.answered", mode=draft.mode, adapter=draft.adapter and draft.adapter.name, finish=draft.finish)
        return draft.outcome(turn)

    async def _resolve(self, asked: ModeExpression, turn: Turn) -> ResolvedMode:
        mode = resolve(asked, self._mind)
        if mode.is_auto:
            mode = (await self._router.route(turn.question)).mode
        check_access(mode, self._mind, turn.roles)
        return mode

    async def _prompt(self, conversation: Conversation, turn: Turn, mode: ResolvedMode, draft: Draft) -> Prompt:
        with draft.timed("recall"):
            recalled = await self._memory.recall(
                conversation.user.id, turn.question, self._limits.memories, chat=conversation.session.company
            )
            window = await self._window(conversation, turn)
        given = conversation.given
        room = self._engine.context_tokens - self._sampling(given).max_tokens

        def system(memories: Sequence[str]) -> str:
            own = render_system(self._mind, mode, memories, conversation.language)
            return f"{own}\n\n{given.system}" if given and given.system else own

        with draft.timed("prompt"):
            # Counting tokens of a long message takes a while, and reading the template touches the disk.
            return await asyncio.to_thread(
                build_prompt,
                turn.question,
                system=system,
                memories=[found.memory.content for found in recalled],
                window=window,
                counter=self._engine.tokens,
                budget=min(self._limits.prompt_tokens, room),
            )

    async def _window(self, conversation: Conversation, turn: Turn) -> list[Exchange]:
        """What was said before, oldest first."""
        if conversation.given is not None:
            return [Exchange(question, answer) for question, answer in conversation.given.exchanges]
        async with self._database.person(conversation.user.id) as connection:
            window = await turns.window(connection, conversation.session.id, WINDOW_TURNS, turn.seq)
        return [Exchange(past.question, past.answer) for past in window if past.answer]

    def _sampling(self, given: Given | None) -> Sampling:
        return given.sampling(self._mind.sampling) if given else self._mind.sampling

    async def _generate(self, draft: Draft, reply: Reply, given: Given | None) -> None:
        assert draft.prompt is not None
        schema = given.schema if given else None
        request = GenerationRequest(draft.prompt.messages, draft.adapter, self._sampling(given), schema)
        stops = StopTexts(given.stop if given else ())
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.seconds), aclosing(self._engine.generate(request)) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        draft.timings.setdefault("first_token", time.monotonic() - began)
                        piece = stops.take(event.text)
                    else:
                        piece = stops.rest()
                        draft.finish, draft.usage = event.reason, event.usage
                    if piece:
                        draft.pieces.append(piece)
                        await reply.write(piece)
                    if stops.found:
                        # The engine is not heard to its end, so nobody but us has counted.
                        draft.finish = FinishReason.STOP
                        draft.usage = Usage(draft.prompt.tokens, self._engine.tokens.count(draft.text))
                        break
        except TimeoutError:
            raise GenerationTooSlow(self._limits.seconds) from None
