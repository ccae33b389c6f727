"""The making of an answer by one voice: generated, cited and shown while it comes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.given import ClientConversation
from bot.channels.port import Reply
from bot.locales import Translator
from bot.recall.library.cite import Citer, Quotation, best_quotation, collect_evidence, strip_marks
from bot.turns.draft import AUTHOR, Draft
from bot.turns.prompt import Prompt
from bot.turns.utterance import generate
from consilium.errors import N_
from inference.engine.port import Engine, GenerationRequest, Sampling

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
