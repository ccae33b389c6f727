"""The making of an answer by one voice: generated, cited and shown while it comes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.given import Given
from bot.channels.port import Reply
from bot.locales import Translator
from bot.recall.library.cite import Citer, Quotation, evidence_of, quote, without_marks
from bot.turns.draft import AUTHOR, Draft
from bot.turns.prompt import Prompt
from bot.turns.utterance import utter
from consilium.errors import N_
from inference.engine.port import Engine, GenerationRequest, Sampling

QUOTED = N_("From the library: “{quotation}” {mark}")


@dataclass(frozen=True, slots=True)
class Making:
    """What an answer is made with."""

    engine: Engine
    sampling: Sampling
    seconds: float
    """Until each generation has to be over."""
    draft: Draft
    reply: Reply
    say: Translator
    question: str
    from_library: bool
    """Whether there is a library to cite; where there is none, brackets in an answer are no marks."""
    given: Given | None = None
    """What a client that keeps the conversation itself asks of the answer."""

    async def show(self, text: str) -> None:
        """Show the next piece of the answer."""
        if text:
            self.draft.pieces.append(text)
            await self.reply.write(text)

    def request(self, prompt: Prompt) -> GenerationRequest:
        """What the author's voice is asked for."""
        schema = self.given.schema if self.given else None
        return GenerationRequest(prompt.messages, self.draft.adapter, self.sampling, schema)

    @property
    def stop(self) -> Sequence[str]:
        """Texts that end the answer before them."""
        return self.given.stop if self.given else ()

    def first_token(self, began: float) -> None:
        """Note how long the first piece took."""
        self.draft.timings.setdefault("first_token", time.monotonic() - began)


async def answer_alone(making: Making) -> None:
    """Generate the answer, with a mark behind each sentence that the library bears out. Where it bears none out and yet
    says something to the question, its own words are quoted below.

    Raises:
        ConsiliumError: as `utter`, and whatever the reply raises.
    """
    draft = making.draft
    assert draft.prompt is not None
    citer = Citer(draft.prompt.passages) if making.from_library else None
    began = time.monotonic()

    async def hear(piece: str) -> None:
        making.first_token(began)
        draft.hear(AUTHOR, piece)
        await making.show(citer.feed(piece) if citer else piece)
        draft.cited = citer.cited if citer else ()

    finished = await utter(making.engine, making.request(draft.prompt), making.seconds, hear, making.stop)
    if citer:
        await making.show(citer.end())
        draft.spoken[AUTHOR] = [without_marks("".join(draft.spoken.get(AUTHOR, [])))]
        if not citer.cited and (found := quote(making.question, evidence_of(draft.prompt.passages))):
            await making.show(quoted_below(found, citer, making.say))
        draft.cited = citer.cited
    draft.spent(finished.usage)
    draft.finish = finished.reason


def quoted_below(found: Quotation, citer: Citer, say: Translator) -> str:
    """A quotation as a paragraph of its own."""
    return "\n\n" + say(QUOTED, quotation=found.text, mark=citer.mark(found.passage))
