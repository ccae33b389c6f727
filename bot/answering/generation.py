"""Generation by one voice: streamed, cited, cut at stop texts, within a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from bot.answering.draft import AUTHOR, Draft
from bot.answering.history import LIBRARY_QUOTATION
from bot.answering.prompt import Prompt
from bot.core.errors import GenerationTooSlow, NothingButThoughts
from bot.core.i18n import Translator
from bot.core.messages import ClientConversation
from bot.core.ports import Reply
from bot.library.cite import (
    NOTHING_BEFORE,
    Citer,
    Quotation,
    SaidBefore,
    best_quotation,
    collect_evidence,
    strip_marks,
)
from bot.library.passage import Passage
from bot.minds.schema import Thinking
from consilium.errors import N_
from inference.engines.port import (
    ActivatesAdapters,
    Engine,
    Finished,
    FinishReason,
    GenerationRequest,
    Sampling,
    TextDelta,
    ThoughtDelta,
    ToolCall,
    Usage,
)
from inference.engines.tool_calls import parse_schema_call

NOTHING_IN_THIS_LANGUAGE: Final = N_(
    "In this language I answer with the author's own words only, and found none about this in the library. "
    "/library shows what the author has written."
)

OnPiece = Callable[[str], Awaitable[None]]
"""Called with each piece of generated text as it arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationContext:
    """Everything that one answer is generated with."""

    engine: Engine
    sampling: Sampling
    timeout_seconds: float
    """Of each generation."""
    draft: Draft
    reply: Reply
    say: Translator
    question: str
    before: SaidBefore = NOTHING_BEFORE
    """What the question goes on from, if it does."""
    cites_library: bool
    """Whether the answer may cite a library. If not, numbers in brackets are ordinary text."""
    quotes_library: bool = True
    """Whether the library may be quoted where it supports nothing of the answer: not where no facts are asked for."""
    thinking: Thinking = Thinking.OFF
    """Whether the author's voice thinks first, and who sees it."""
    invocation: Sequence[int] = ()
    """The tokens from which on the mode's adapter is active; empty: from the prompt's first token."""
    client_conversation: ClientConversation | None = None
    """Parameters from a client that keeps the conversation itself."""

    async def write(self, text: str) -> None:
        """Show the next piece of the answer."""
        if text:
            self.draft.pieces.append(text)
            await self.reply.write(text)

    def author_request(self, prompt: Prompt) -> GenerationRequest:
        """The request for the author's voice."""
        client = self.client_conversation
        return GenerationRequest(
            prompt.messages,
            self.draft.adapter,
            self.sampling,
            client.answer_schema if client else None,
            thinking=self.thinking is not Thinking.OFF,
            answer_prefix=client.answer_prefix if client else "",
            invocation=self.invocation,
            tools=client.tools if client else (),
        )

    def add_call(self, call: ToolCall) -> None:
        """Take a call of a tool into the answer, if it may have one more."""
        limit = self.client_conversation.max_calls if self.client_conversation else None
        if limit is None or len(self.draft.tool_calls) < limit:
            self.draft.add_call(call)

    async def show_thought(self, text: str) -> None:
        """Show the next piece of a thought where the mind wants it shown. It is kept nowhere."""
        if self.thinking is Thinking.SHOWN:
            await self.reply.write_thought(text)

    @property
    def stop_texts(self) -> Sequence[str]:
        """Texts that end the answer; they are not part of it."""
        return self.client_conversation.stop if self.client_conversation else ()

    def record_first_token(self, began: float) -> None:
        """Record how long the first piece took; only the first call counts."""
        self.draft.timings.setdefault("first_token", time.monotonic() - began)


def invocation_tokens(engine: Engine, *, activated: bool) -> Sequence[int]:
    """The tokens from which on adapters are active; empty where they are from the prompt's first token.

    Args:
        engine: what answers.
        activated: whether the mind wants its adapters to begin with the question (`policies.activated`).
    """
    return engine.question_head if activated and isinstance(engine, ActivatesAdapters) else ()


async def answer_with_one_voice(context: GenerationContext) -> None:
    """Generate the answer, with a mark after each sentence that the library supports.

    If the library supports no sentence but has something on the question, it is quoted below the answer. What a
    client's tools have said is an answer by itself.

    Raises:
        ConsiliumError: as `generate`, and whatever the reply raises.
    """
    draft = context.draft
    assert draft.prompt is not None
    citer = Citer(draft.prompt.passages) if context.cites_library else None
    began = time.monotonic()

    async def write_piece(piece: str) -> None:
        context.record_first_token(began)
        draft.add_spoken(AUTHOR, piece)
        await context.write(citer.feed(piece) if citer else piece)
        draft.cited = citer.cited if citer else ()

    stop_filter = StopTextFilter(context.stop_texts)
    finished = await generate(
        context.engine,
        context.author_request(draft.prompt),
        context.timeout_seconds,
        write_piece,
        stop_filter,
        on_thought=context.show_thought,
        on_call=context.add_call,
    )
    if citer:
        await context.write(citer.finish())
        draft.spoken[AUTHOR] = [strip_marks("".join(draft.spoken.get(AUTHOR, [])))]
        ended = stop_filter.stopped or bool(draft.tool_calls) or bool(draft.steps)
        if context.quotes_library and not citer.cited and not ended:
            best = await asyncio.to_thread(_find_quotation, context, draft.prompt.passages, finished)
            if best is not None:
                await context.write(quotation_paragraph(best, citer.mark(best.passage), context.say))
        draft.cited = citer.cited
    draft.add_usage(finished.usage)
    draft.finish_reason = finished.reason


async def answer_with_a_call(context: GenerationContext) -> None:
    """Generate a call of one of the client's tools, and nothing else. One that is cut before its end is none.

    Raises:
        ConsiliumError: as `generate`.
    """
    draft = context.draft
    assert draft.prompt is not None
    pieces: list[str] = []

    async def collect(piece: str) -> None:
        pieces.append(piece)

    request = context.author_request(draft.prompt)
    finished = await generate(context.engine, request, context.timeout_seconds, collect)
    if call := parse_schema_call("".join(pieces)):
        context.add_call(call)
    draft.add_usage(finished.usage)
    draft.finish_reason = finished.reason


async def answer_from_library(context: GenerationContext, known: Quotation | None = None) -> None:
    """Answer with the author's own words on the question, quoted from the library: the engine generates nothing.

    For questions that the author has answered before, and for those in a language that the base model does not write.

    Args:
        known: the author's answer to this very question (`find_known_answer`). Without it the best words that the
            library has on the question are quoted, if it has any.
    """
    draft = context.draft
    assert draft.prompt is not None
    passages = draft.prompt.passages if context.cites_library and context.quotes_library else ()
    citer = Citer([known.passage] if known else passages)
    nothing_generated = Finished(FinishReason.STOP, Usage(0, 0))
    if known is not None:
        draft.add_spoken(AUTHOR, known.text)
        await context.write(f"{known.text} {citer.mark(known.passage)}")
    elif best := await asyncio.to_thread(_find_quotation, context, passages, nothing_generated, is_whole_answer=True):
        draft.add_spoken(AUTHOR, best.text)
        await context.write(quotation_paragraph(best, citer.mark(best.passage), context.say).lstrip())
    else:
        await context.write(context.say(NOTHING_IN_THIS_LANGUAGE))
    draft.cited = citer.cited
    draft.add_usage(nothing_generated.usage)
    draft.finish_reason = nothing_generated.reason


def _find_quotation(
    context: GenerationContext, passages: Sequence[Passage], finished: Finished, *, is_whole_answer: bool = False
) -> Quotation | None:
    """What the library says on the question, if the client's limits leave room for it."""
    best = best_quotation(
        context.question, collect_evidence(passages), before=context.before, is_whole_answer=is_whole_answer
    )
    if best is None or not leaves_room(context, quotation_paragraph(best, "[1]", context.say), finished):
        return None
    return best


def leaves_room(context: GenerationContext, text: str, finished: Finished | None = None) -> bool:
    """Whether the limits of a client that keeps the conversation leave room for words of the library.

    Args:
        text: with its mark.
        finished: what was generated before it; None if nothing was.
    """
    if context.client_conversation is None:
        return True
    if any(stop and stop in context.draft.text + text for stop in context.stop_texts):
        return False
    limit = context.client_conversation.max_tokens
    if limit is None:
        return True
    used = finished.usage.completion_tokens if finished else 0
    was_cut = finished is not None and finished.reason is FinishReason.LENGTH
    return not was_cut and used + context.engine.tokenizer.count(text) <= limit


def quotation_paragraph(quotation: Quotation, mark: str, say: Translator) -> str:
    """A quotation from the library as a separate paragraph."""
    return "\n\n" + say(LIBRARY_QUOTATION, quotation=quotation.text, mark=mark)


async def generate(
    engine: Engine,
    request: GenerationRequest,
    timeout_seconds: float,
    on_piece: OnPiece,
    stop_filter: StopTextFilter | None = None,
    *,
    on_thought: OnPiece | None = None,
    on_call: Callable[[ToolCall], None] = lambda call: None,
) -> Finished:
    """Generate text and pass it on piece by piece, up to the first text that `stop_filter` stops at.

    Args:
        stop_filter: knows afterwards whether it has stopped the text.
        on_thought: gets what the model thinks before it answers; without it, thoughts are dropped.
        on_call: gets the calls of the request's tools.

    Raises:
        GenerationTooSlow: it was not finished by the deadline.
        NothingButThoughts: the model had not begun to answer when it had used up its tokens.
        EngineError: the engine cannot answer.
    """
    stop_filter = stop_filter or StopTextFilter(())
    pieces = []
    has_thought = has_called = False
    try:
        async with asyncio.timeout(timeout_seconds), aclosing(engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, ThoughtDelta):
                    has_thought = True
                    if on_thought:
                        await on_thought(event.text)
                    continue
                if isinstance(event, ToolCall):
                    has_called = True
                    on_call(event)
                    continue
                piece = stop_filter.feed(event.text) if isinstance(event, TextDelta) else stop_filter.flush()
                if piece:
                    pieces.append(piece)
                    await on_piece(piece)
                if isinstance(event, Finished):
                    if has_thought and not pieces and not has_called:
                        raise NothingButThoughts(request.sampling.max_tokens)
                    return event
                if stop_filter.stopped:
                    break
    except TimeoutError:
        raise GenerationTooSlow(timeout_seconds) from None
    assert stop_filter.stopped, "an engine ends every stream with Finished"
    # The stream was closed before its end, so the engine has reported no usage.
    return await asyncio.to_thread(_count_usage, engine, request, "".join(pieces))


def _count_usage(engine: Engine, request: GenerationRequest, text: str) -> Finished:
    prompt_tokens = engine.tokenizer.count_prompt(request.messages) + engine.tokenizer.count(request.answer_prefix)
    usage = Usage(prompt_tokens, engine.tokenizer.count(text))
    return Finished(FinishReason.STOP, usage)


class StopTextFilter:
    """Passes text through piece by piece, up to the first of the texts that end it."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Set up; without texts everything passes through as it comes."""
        self.stopped = False
        self._texts = [text for text in texts if text]
        self._buffer = ""
        """The end of what has come, if it may be the beginning of a stop text."""

    def feed(self, piece: str) -> str:
        """What may be shown now; nothing more once `stopped`."""
        if self.stopped:
            return ""
        text = self._buffer + piece
        stops_at = [at for stop in self._texts if (at := text.find(stop)) >= 0]
        if stops_at:
            self.stopped = True
            self._buffer = ""
            return text[: min(stops_at)]
        held = max((_overlap_length(text, stop) for stop in self._texts), default=0)
        shown, self._buffer = text[: len(text) - held], text[len(text) - held :]
        return shown

    def flush(self) -> str:
        """What was held back, when nothing will follow."""
        held, self._buffer = self._buffer, ""
        return held


def _overlap_length(text: str, stop: str) -> int:
    """How many characters at the end of `text` are a beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if stop.startswith(text[len(text) - n :])), 0)
