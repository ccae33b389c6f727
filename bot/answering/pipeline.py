"""From a question to its saved answer: resolve the mode, retrieve, build the prompt, generate. Delivery comes after."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

import structlog

from bot.answering.asked import quotations_of, render_quotations, search_text
from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.answering.consilium import answer_with_two_voices, build_archivist_prompt
from bot.answering.draft import Draft, stored_outcome
from bot.answering.generation import (
    GenerationContext,
    answer_from_library,
    answer_with_a_call,
    answer_with_one_voice,
    invocation_tokens,
    leaves_room,
)
from bot.answering.library_words import Found, find_words_on, search_library
from bot.answering.mode_choice import ModeChoice
from bot.answering.past import Past, exchanges_in_prompt, goes_on_from, load_past, past_questions
from bot.answering.prompt import Exchange, Prompt, build_prompt, quoted_passages, with_quotations
from bot.answering.router import Router
from bot.core.conversation import Conversation
from bot.core.errors import AnswerNotSaved
from bot.core.i18n import LANGUAGES, Language, Translator
from bot.core.messages import ClientConversation, Outcome
from bot.core.ports import Reply
from bot.core.together import run_together
from bot.library.cite import Quotation
from bot.library.passage import Passage
from bot.library.retriever import Retriever, collections_for_mode
from bot.memory import PersonalMemory, RecalledMemory, render_memory
from bot.minds import Mind, render_system_prompt
from bot.minds.resolve import ResolvedMode
from bot.text.language import detect_language
from bot.text.requests import asks_for_facts
from db.errors import DatabaseUnavailable
from db.infra.database import Database
from db.turns.states import GeneratedAnswer
from db.turns.turns import Turn
from inference.engines.port import Engine, FinishReason

_PART_OF_MARK: Final = re.compile(r" ?\[?\d*\]?")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PipelineLimits:
    """What one turn may use."""

    prompt_tokens: int
    max_memories: int
    generation_timeout: float
    """Seconds of each generation."""


class ClaimedTurn(Protocol):
    """The turn being answered, as its worker holds it (`bot.turns.lease.TurnLease`)."""

    @property
    def turn(self) -> Turn:
        """The turn as it was when it was claimed."""
        ...

    async def start_answering(self, mode: str, adapter: str | None) -> bool:
        """Record that the answer begins, in which mode and with which composition; whether it is stopped already.

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


@dataclass(frozen=True, slots=True)
class _Context:
    """What a prompt is built from, beside the question."""

    memories: Sequence[str]
    window: Sequence[Exchange]
    """Past exchanges, oldest first."""
    found: Found


class Pipeline:
    """Answers questions for one mind with one engine."""

    def __init__(
        self,
        *,
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
        self._mode_choice = ModeChoice(mind, router, composer)
        self._composer = composer
        self._running_answers = running_answers
        self._limits = limits

    async def answer(self, conversation: Conversation, lease: ClaimedTurn, draft: Draft, reply: Reply) -> Outcome:
        """Answer a turn and save the answer; the caller shows its end.

        An answer that an earlier attempt saved is not generated again. Text that the draft has already, about documents
        that came with the question, is shown before the answer. If this raises, `draft` has what there is of it.

        Raises:
            ConsiliumError: why there is no answer, or only a part of it.
        """
        turn = lease.turn
        if turn.is_answered:
            return stored_outcome(turn)
        draft.timings["queue"] = (turn.updated_at - turn.created_at).total_seconds()
        with draft.timed("resolve"):
            adapters = await self._mode_choice.adapters_of(conversation)
            past = await load_past(
                self._database, self._memory, conversation, turn, adapters=adapters.digest, reads=self._reads
            )
            mode, draft.routing = await self._mode_choice.choose(
                conversation, turn, past_questions(past, conversation, self._mind), adapters
            )
            draft.mode = mode.text
            draft.adapter = await self._composer.prepare(mode, adapters)
        context = await self._load_context(conversation, turn, mode, past, draft)
        with draft.timed("prompt"):
            generation = self._generation_context(conversation, turn, mode, draft, reply, context.found)
            answer = await self._prepare_prompts(conversation, turn, mode, context, generation)
        stop_asked = await lease.start_answering(mode.text, draft.adapter.name if draft.adapter else None)
        await reply.start(mode.text)
        for piece in draft.pieces:
            await reply.write(piece)
        with draft.timed("generate"):
            stopped = stop_asked or not await self._running_answers.run(turn.id, answer)
        if stopped:
            draft.finish_reason = FinishReason.CANCELLED
        try:
            await lease.save_answer(draft.to_generated_answer())
        except DatabaseUnavailable as error:
            raise AnswerNotSaved(str(error)) from error
        log.info(
            "turn.answered", mode=draft.mode, adapter=draft.adapter and draft.adapter.name, finish=draft.finish_reason
        )
        return draft.outcome(turn)

    async def _load_context(
        self, conversation: Conversation, turn: Turn, mode: ResolvedMode, past: Past, draft: Draft
    ) -> _Context:
        """Load memories and passages of the library at the same time."""
        memories, found = await run_together(
            self._recall_memories(conversation, turn, past, draft),
            self._search_library(conversation, turn, mode, past, draft),
        )
        return _Context(memories, exchanges_in_prompt(past, conversation), found)

    async def _recall_memories(self, conversation: Conversation, turn: Turn, past: Past, draft: Draft) -> list[str]:
        """Memories of the person as text."""
        recalled: list[RecalledMemory] = []
        with draft.timed("recall"):
            if past.sources is not None:
                recalled = await self._memory.recall(
                    conversation.user.id,
                    turn.question or search_text(turn),
                    self._limits.max_memories,
                    chat=conversation.session.group_chat,
                    turns_in_prompt={turn.id, *(each.id for each in past.window)},
                    sources=past.sources,
                )
        if self._writes_language_of(turn, conversation):
            recalled = [found for found in recalled if found.memory.kind == "fact" or self._reads(found.memory.content)]
        say_to_model = Translator(self._prompt_language(conversation))
        return [render_memory(found.memory, say_to_model) for found in recalled]

    async def _search_library(
        self, conversation: Conversation, turn: Turn, mode: ResolvedMode, past: Past, draft: Draft
    ) -> Found:
        with draft.timed("library"):
            return await search_library(
                self._retriever, search_text(turn), mode, before=goes_on_from(past, conversation, turn)
            )

    async def _prepare_prompts(
        self,
        conversation: Conversation,
        turn: Turn,
        mode: ResolvedMode,
        context: _Context,
        generation: GenerationContext,
    ) -> Callable[[], Awaitable[None]]:
        """Build the prompt of each voice; what generates the answer from them.

        Counting the tokens of a long message takes a while, and reading a template touches the disk: both run in a
        thread.
        """
        retrieved = context.found.retrieved
        client = conversation.client_conversation
        answer: Callable[[], Awaitable[None]] = partial(answer_with_one_voice, generation)
        known = await self._find_known_answer(conversation, turn, mode, context, generation)
        if client is not None and client.call_schema is not None:
            answer = partial(answer_with_a_call, generation)
        elif known is not None or (mode.terms and not self._writes_language_of(turn, conversation)):
            answer = partial(answer_from_library, generation, known)
        elif turn.consilium:
            archivist_prompt = await asyncio.to_thread(
                build_archivist_prompt,
                with_quotations(turn.question, self._quotations(conversation, turn, context)),
                retrieved.passages,
                conversation.language,
                self._engine.tokenizer,
                self._token_budget,
            )
            answer = partial(answer_with_two_voices, generation, archivist_prompt)
            # The author answers without the library.
            context = replace(context, found=context.found.without_passages())
        generation.draft.prompt = await asyncio.to_thread(self._build_prompt, conversation, turn, mode, context)
        return answer

    async def _find_known_answer(
        self,
        conversation: Conversation,
        turn: Turn,
        mode: ResolvedMode,
        context: _Context,
        generation: GenerationContext,
    ) -> Quotation | None:
        """What is said in the author's own words instead of being generated: what they have answered to this very
        question, or, where the mind puts the library first, what it says on it."""
        policies = self._mind.policies
        is_wanted = policies.known_answers or policies.library_first or not self._writes_language_of(turn, conversation)
        if not is_wanted or not mode.terms or not generation.cites_library or turn.consilium:
            return None
        client = conversation.client_conversation
        uses_tools = client is not None and (bool(client.steps) or client.call_schema is not None)
        # An answer that is gone on from is the model's own from its first word.
        goes_on = client is not None and bool(client.answer_prefix)
        if uses_tools or goes_on or self._quotations(conversation, turn, context):
            return None
        passages, has_context = context.found.retrieved.passages, bool(context.window)
        known = await self._retriever.find_known_answer(turn.question, passages, has_context=has_context)
        # Whether a tool serves a question better than the library does, the model has to decide.
        may_call = client is not None and bool(client.tools)
        if known is None and not may_call:
            known = await asyncio.to_thread(
                find_words_on,
                context.found,
                in_place_of_model=policies.library_first or not self._writes_language_of(turn, conversation),
                in_part=policies.library_first and generation.quotes_library,
                is_small_talk=not generation.quotes_library,
            )
        return known if known is not None and leaves_room(generation, f"{known.text} [1]") else None

    def _build_prompt(self, conversation: Conversation, turn: Turn, mode: ResolvedMode, context: _Context) -> Prompt:
        client = conversation.client_conversation

        def system_prompt(memories: Sequence[str], passages: Sequence[Passage]) -> str:
            prompt = render_system_prompt(
                self._mind,
                mode,
                memories=memories,
                language=self._prompt_language(conversation),
                passages=quoted_passages(passages),
                examples=context.found.retrieved.examples,
            )
            return f"{prompt}\n\n{client.system}" if client and client.system else prompt

        reserved = self._client_texts(client) if client else ""
        begun = self._engine.tokenizer.count(reserved) if reserved else 0
        prompt = build_prompt(
            turn.question,
            quotations=self._quotations(conversation, turn, context),
            system=system_prompt,
            memories=context.memories,
            passages=context.found.retrieved.passages,
            window=context.window,
            counter=self._engine.tokenizer,
            budget=self._token_budget - begun,
        )
        return replace(prompt, messages=(*prompt.messages, *client.steps)) if client and client.steps else prompt

    @staticmethod
    def _client_texts(client: ClientConversation) -> str:
        """What a client has put into the prompt beside its messages: about as long as the template writes it."""
        results = [step.content for step in client.steps]
        calls = [call.name + call.arguments for step in client.steps for call in step.tool_calls]
        tools = [json.dumps(tool, ensure_ascii=False) for tool in client.tools]
        return "\n".join([*tools, *results, *calls, client.answer_prefix]).strip("\n")

    def _prompt_language(self, conversation: Conversation) -> Language:
        """The person's language, or else one that the base model writes."""
        written = [each for each in (conversation.language, *LANGUAGES) if each not in self._mind.quoted_languages]
        return written[0]

    def _reads(self, said: str) -> bool:
        """Whether the base model knows the language of what was said. One that it does not know leads it astray."""
        return detect_language(said) not in self._mind.quoted_languages

    def _writes_language_of(self, turn: Turn, conversation: Conversation) -> bool:
        """Whether the base model writes the language of a question. Data for a client's program have no language."""
        client = conversation.client_conversation
        if client is not None and client.answer_schema is not None:
            return True
        language = detect_language(search_text(turn)) or conversation.language
        return language not in self._mind.quoted_languages

    @staticmethod
    def _quotations(conversation: Conversation, turn: Turn, context: _Context) -> str:
        return render_quotations(quotations_of(turn, context.window), conversation.say)

    @property
    def _token_budget(self) -> int:
        return min(self._limits.prompt_tokens, self._engine.context_tokens - self._mind.sampling.max_tokens)

    def _generation_context(
        self,
        conversation: Conversation,
        turn: Turn,
        mode: ResolvedMode,
        draft: Draft,
        reply: Reply,
        found: Found,
    ) -> GenerationContext:
        client = conversation.client_conversation
        draft.goes_on = client is not None and bool(client.answer_prefix)
        draft.steps = client.steps if client is not None else ()
        has_schema = client is not None and client.answer_schema is not None
        stops_at_marks = client is not None and any(map(_PART_OF_MARK.fullmatch, client.stop))
        return GenerationContext(
            engine=self._engine,
            sampling=client.resolve_sampling(self._mind.sampling) if client else self._mind.sampling,
            timeout_seconds=self._limits.generation_timeout,
            draft=draft,
            reply=reply,
            say=conversation.say,
            question=search_text(turn),
            before=found.before,
            # Marks would break an answer that must satisfy a schema, or end at what a mark is made of.
            cites_library=bool(collections_for_mode(self._mind, mode)) and not has_schema and not stops_at_marks,
            quotes_library=bool(mode.terms) and asks_for_facts(turn.question) and found.about_answer is None,
            thinking=self._mind.thinking,
            invocation=invocation_tokens(self._engine, activated=self._mind.policies.activated),
            client_conversation=client,
        )
