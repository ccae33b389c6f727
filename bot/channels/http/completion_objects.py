"""OpenAI's chat completion as one object and as a stream of chunks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bot.channels.http.response_models import (
    AssistantMessage,
    ChatCompletion,
    Choice,
    ConsiliumDetails,
    FinishReason,
    SourceObject,
    TokenUsage,
)
from bot.core.messages import Outcome


@dataclass(frozen=True, slots=True)
class Completion:
    """The identity of one answer."""

    turn_id: str
    """The id of the turn, from which the completion's id is made."""
    created: int
    """Seconds since 1970."""

    @property
    def id(self) -> str:
        return f"chatcmpl-{self.turn_id}"

    def completion_object(self, outcome: Outcome) -> ChatCompletion:
        """The answer as one object."""
        message = AssistantMessage(content=outcome.answer)
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=outcome.mode,
            choices=[Choice(message=message, finish_reason=finish_reason(outcome))],
            usage=token_usage(outcome),
            consilium=consilium_details(outcome),
        )

    def chunk(self, mode: str, delta: Mapping[str, str], finish: str | None = None, **extra: Any) -> dict[str, Any]:
        """A chunk of the answer."""
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
        return {**self._chunk_envelope(mode), "choices": [choice], **extra}

    def final_chunk(self, outcome: Outcome, **extra: Any) -> dict[str, Any]:
        """The chunk with the finish reason and our own details."""
        return self.chunk(
            outcome.mode, {}, finish_reason(outcome), consilium=_plain(consilium_details(outcome)), **extra
        )

    def usage_chunk(self, outcome: Outcome) -> dict[str, Any]:
        """The last chunk for clients that ask for token counts."""
        return {**self._chunk_envelope(outcome.mode), "choices": [], "usage": _plain(token_usage(outcome))}

    def _chunk_envelope(self, mode: str) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": mode}


def finish_reason(outcome: Outcome) -> FinishReason:
    """The reason in OpenAI's terms, which have none for an answer that a person stopped."""
    return "length" if outcome.finish_reason == "length" else "stop"


def token_usage(outcome: Outcome) -> TokenUsage:
    """OpenAI's token counts."""
    prompt, completion = (outcome.usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens"))
    return TokenUsage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def consilium_details(outcome: Outcome) -> ConsiliumDetails:
    """Our own details, for which OpenAI's format has no place."""
    return ConsiliumDetails(
        turn=outcome.turn,
        mode=outcome.mode,
        adapter=outcome.adapter,
        sources=[SourceObject.model_validate(source) for source in outcome.sources],
        memories=list(outcome.memories),
        stopped=outcome.stopped,
    )


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def server_sent_event(data: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


DONE_EVENT = b"data: [DONE]\n\n"
"""The event that ends every stream."""
