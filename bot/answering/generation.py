"""Generation by one voice: streamed, cited, cut at stop texts, within a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from bot.answering.draft import AUTHOR, Draft
from bot.answering.prompt import Prompt
from bot.core.errors import GenerationTooSlow
from bot.core.i18n import Translator
from bot.core.messages import ClientConversation
from bot.core.ports import Reply
from bot.library.cite import Citer, Quotation, best_quotation, collect_evidence, strip_marks
from consilium.errors import N_
from inference.engines.port import Engine, Finished, FinishReason, GenerationRequest, Sampling, TextDelta, Usage

LIBRARY_QUOTATION = N_("From the library: “{quotation}” {mark}")


@dataclass(frozen=True, slots=True)
class GenerationContext:
    """What an answer is made with."""

    engine: Engine
    sampling: Sampling
    timeout_seconds: float
    """Until each generation has to be over."""
    draft: Draft
    reply: Reply
    say: Translator
    question: str
    cites_library: bool
    """Whether there is a library to cite; where there is none, brackets in an answer are no marks."""
    client_conversation: ClientConversation | None = None
    """What a client that keeps the conversation itself asks of the answer."""

    async def write(self, text: str) -> None:
        """Show the next piece of the answer."""
        if text:
            self.draft.pieces.append(text)
            await self.reply.write(text)

    def author_request(self, prompt: Prompt) -> GenerationRequest:
        """What the author's voice is asked for."""
        schema = self.client_conversation.schema if self.client_conversation else None
        return GenerationRequest(prompt.messages, self.draft.adapter, self.sampling, schema)

    @property
    def stop_texts(self) -> Sequence[str]:
        """Texts that end the answer before them."""
        return self.client_conversation.stop if self.client_conversation else ()

    def record_first_token(self, began: float) -> None:
        """Note how long the first piece took."""
        self.draft.timings.setdefault("first_token", time.monotonic() - began)


async def answer_with_one_voice(context: GenerationContext) -> None:
    """Generate the answer, with a mark behind each sentence that the library bears out. Where it bears none out and yet
    says something to the question, its own words are quoted below.

    Raises:
        ConsiliumError: as `utter`, and whatever the reply raises.
    """
    draft = context.draft
    assert draft.prompt is not None
    citer = Citer(draft.prompt.passages) if context.cites_library else None
    began = time.monotonic()

    async def hear(piece: str) -> None:
        context.record_first_token(began)
        draft.add_spoken(AUTHOR, piece)
        await context.write(citer.feed(piece) if citer else piece)
        draft.cited = citer.cited if citer else ()

    finished = await generate(
        context.engine, context.author_request(draft.prompt), context.timeout_seconds, hear, context.stop_texts
    )
    if citer:
        await context.write(citer.finish())
        draft.spoken[AUTHOR] = [strip_marks("".join(draft.spoken.get(AUTHOR, [])))]
        if not citer.cited and (found := best_quotation(context.question, collect_evidence(draft.prompt.passages))):
            await context.write(quotation_paragraph(found, citer, context.say))
        draft.cited = citer.cited
    draft.add_usage(finished.usage)
    draft.finish_reason = finished.reason


def quotation_paragraph(quotation: Quotation, citer: Citer, say: Translator) -> str:
    """A quotation as a paragraph of its own."""
    return "\n\n" + say(LIBRARY_QUOTATION, quotation=quotation.text, mark=citer.mark(quotation.passage))


OnPiece = Callable[[str], Awaitable[None]]
"""Told each piece of it as it comes."""


async def generate(
    engine: Engine,
    request: GenerationRequest,
    timeout_seconds: float,
    on_piece: OnPiece,
    stop_texts: Sequence[str] = (),
) -> Finished:
    """Have the engine generate, and hear it piece by piece, up to the first of the texts that stop it.

    Raises:
        GenerationTooSlow: it was not over by the deadline.
        EngineError: the engine cannot answer.
    """
    stops = StopTextFilter(stop_texts)
    heard = []
    try:
        async with asyncio.timeout(timeout_seconds), aclosing(engine.generate(request)) as events:
            async for event in events:
                piece = stops.feed(event.text) if isinstance(event, TextDelta) else stops.flush()
                if piece:
                    heard.append(piece)
                    await on_piece(piece)
                if isinstance(event, Finished):
                    return event
                if stops.stopped:
                    break
    except TimeoutError:
        raise GenerationTooSlow(timeout_seconds) from None
    assert stops.stopped, "an engine ends every stream with Finished"
    # It was not heard to its end, so nobody but us has counted.
    return await asyncio.to_thread(_count_usage, engine, request, "".join(heard))


def _count_usage(engine: Engine, request: GenerationRequest, text: str) -> Finished:
    usage = Usage(engine.tokenizer.count_prompt(request.messages), engine.tokenizer.count(text))
    return Finished(FinishReason.STOP, usage)


class StopTextFilter:
    """Lets an answer through piece by piece, up to the first of the texts that end it."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Set up; with no texts everything goes through as it comes."""
        self.stopped = False
        self._texts = [text for text in texts if text]
        self._buffer = ""
        """The end of what came, which may be the beginning of such a text."""

    def feed(self, piece: str) -> str:
        """What may be shown now; once `found`, nothing more may."""
        if self.stopped:
            return ""
        text = self._buffer + piece
        ends = [at for stop in self._texts if (at := text.find(stop)) >= 0]
        if ends:
            self.stopped = True
            self._buffer = ""
            return text[: min(ends)]
        kept = max((_overlap_length(text, stop) for stop in self._texts), default=0)
        shown, self._buffer = text[: len(text) - kept], text[len(text) - kept :]
        return shown

    def flush(self) -> str:
        """What was held back, when nothing will follow."""
        held, self._buffer = self._buffer, ""
        return held


def _overlap_length(text: str, stop: str) -> int:
    """How much of the text's end is a beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if stop.startswith(text[len(text) - n :])), 0)
