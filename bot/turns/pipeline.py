"""One question to one answer: resolve the mode, recall, build the prompt, generate, keep. Showing it comes after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from bot.channels.port import Outcome, Reply
from bot.mind import Mind, render_system
from bot.modes.access import check_access
from bot.modes.composer import Composer
from bot.modes.expression import ModeExpression, parse
from bot.modes.resolve import ResolvedMode, resolve
from bot.modes.router import Router
from bot.recall.library.drawing import Drawing, Drawn, open_to
from bot.recall.library.passage import Passage
from bot.recall.memory import PersonalMemory, as_note
from bot.turns.consilium import answer_by_two, archive_prompt
from bot.turns.conversation import Conversation
from bot.turns.documents.sent import asked_of
from bot.turns.draft import Draft, outcome_of, own_words
from bot.turns.errors import AnswerNotSaved
from bot.turns.hold import Hold
from bot.turns.making import Making, answer_alone
from bot.turns.prompt import Exchange, Prompt, build_prompt, quoted
from bot.turns.running import RunningTurns
from bot.turns.together import together
from db import turns
from db.connection import PersonConnection
from db.database import Database
from db.errors import DatabaseUnreachable
from db.turns import Turn
from inference.engine.port import Engine, FinishReason

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
        drawing: Drawing,
        router: Router,
        composer: Composer,
        running: RunningTurns,
        limits: Limits,
    ) -> None:
        self._mind = mind
        self._database = database
        self._engine = engine
        self._memory = memory
        self._drawing = drawing
        self._router = router
        self._composer = composer
        self._running = running
        self._limits = limits

    async def answer(self, conversation: Conversation, hold: Hold, draft: Draft, reply: Reply) -> Outcome:
        """Answer a turn and keep the answer; `draft` holds what there is if this raises. The caller shows the end.

        An answer that was kept by an earlier attempt is not made again. What the draft says already, of documents that
        came with the question, is shown before it.

        Raises:
            ConsiliumError: why there is no answer, or only the part in `draft`.
        """
        turn = hold.turn
        if turn.is_answered:
            return outcome_of(turn)
        draft.timings["queue"] = (turn.updated_at - turn.created_at).total_seconds()
        with draft.timed("resolve"):
            mode = await self._resolve(parse(turn.asked_mode or conversation.session.mode), turn)
            if turn.consilium and not mode.terms:
                mode = await self._resolve(parse(self._mind.core), turn)
            draft.mode = mode.text
            draft.adapter = await self._composer.ready(mode)
        memories, drawn, window = await self._recall(conversation, turn, mode, draft)
        archive = None
        with draft.timed("prompt"):
            # Counting tokens of a long message takes a while, and reading the template touches the disk.
            if turn.consilium:
                archive = await asyncio.to_thread(
                    archive_prompt,
                    turn.question,
                    drawn.passages,
                    conversation.language,
                    self._engine.tokens,
                    self._budget,
                )
                drawn = Drawn(examples=drawn.examples)
            draft.prompt = await asyncio.to_thread(self._prompt, conversation, turn, mode, memories, drawn, window)
        making = self._making(conversation, turn, mode, draft, reply)
        answer = partial(answer_by_two, making, archive) if turn.consilium else partial(answer_alone, making)
        await hold.start_answering(mode.text, draft.adapter.name if draft.adapter else None)
        await reply.open(mode.text)
        for told in draft.pieces:
            await reply.write(told)
        with draft.timed("generate"):
            stopped = turn.stop_asked or not await self._running.run(turn.id, answer)
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

    async def _recall(
        self, conversation: Conversation, turn: Turn, mode: ResolvedMode, draft: Draft
    ) -> tuple[list[str], Drawn, list[Exchange]]:
        """What the person has told, what the library has on the question, and what was said last: all at once."""
        (memories, window), drawn = await together(
            self._remembered(conversation, turn, draft), self._drawn(turn, mode, draft)
        )
        return memories, drawn, window

    async def _remembered(
        self, conversation: Conversation, turn: Turn, draft: Draft
    ) -> tuple[list[str], list[Exchange]]:
        with draft.timed("recall"):
            chat = conversation.session.company
            async with self._database.person(conversation.user.id) as connection:
                past = [] if conversation.given else await _window(connection, turn)
                speakers = await self._memory.speakers(connection, chat=chat)
            recalled = await self._memory.recall(
                conversation.user.id,
                turn.question,
                self._limits.memories,
                chat=chat,
                beyond={one.id for one in past},
                speakers=speakers,
            )
        window = [Exchange(asked_of(one), own_words(one)) for one in past]
        if conversation.given is not None:
            window = [Exchange(question, answer) for question, answer in conversation.given.exchanges]
        return [as_note(found.memory, conversation.say) for found in recalled], window

    async def _drawn(self, turn: Turn, mode: ResolvedMode, draft: Draft) -> Drawn:
        with draft.timed("library"):
            return await self._drawing.draw(turn.question, mode)

    def _prompt(
        self,
        conversation: Conversation,
        turn: Turn,
        mode: ResolvedMode,
        memories: Sequence[str],
        drawn: Drawn,
        window: Sequence[Exchange],
    ) -> Prompt:
        given = conversation.given

        def system(told: Sequence[str], passages: Sequence[Passage]) -> str:
            own = render_system(self._mind, mode, told, conversation.language, quoted(passages), drawn.examples)
            return f"{own}\n\n{given.system}" if given and given.system else own

        return build_prompt(
            turn.question,
            system=system,
            memories=memories,
            passages=drawn.passages,
            window=window,
            counter=self._engine.tokens,
            budget=self._budget,
        )

    @property
    def _budget(self) -> int:
        return min(self._limits.prompt_tokens, self._engine.context_tokens - self._mind.sampling.max_tokens)

    def _making(self, conversation: Conversation, turn: Turn, mode: ResolvedMode, draft: Draft, reply: Reply) -> Making:
        given = conversation.given
        structured = given is not None and given.schema is not None
        return Making(
            self._engine,
            given.sampling(self._mind.sampling) if given else self._mind.sampling,
            self._limits.seconds,
            draft,
            reply,
            conversation.say,
            turn.question,
            # Marks would break what has to satisfy a schema.
            from_library=bool(open_to(self._mind, mode)) and not structured,
            given=given,
        )


async def _window(connection: PersonConnection, turn: Turn) -> list[Turn]:
    """The session's turns before this one that the model still sees, oldest first."""
    window = await turns.window(connection, turn.session_id, WINDOW_TURNS, turn.seq)
    return [past for past in window if past.answer]
