"""OpenAI's chat completion as one object and as a stream of chunks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

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

    def completion_object(self, outcome: Outcome) -> dict[str, Any]:
        """The answer as one object."""
        message = {"role": "assistant", "content": outcome.answer, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(outcome)}
        return {
            **self._envelope("chat.completion", outcome.mode),
            "choices": [choice],
            "usage": token_usage(outcome),
            "consilium": consilium_details(outcome),
        }

    def chunk(self, mode: str, delta: Mapping[str, str], finish: str | None = None, **extra: Any) -> dict[str, Any]:
        """A chunk of the answer."""
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
        return {**self._envelope("chat.completion.chunk", mode), "choices": [choice], **extra}

    def final_chunk(self, outcome: Outcome, **extra: Any) -> dict[str, Any]:
        """The chunk with the finish reason and our own details."""
        return self.chunk(outcome.mode, {}, finish_reason(outcome), consilium=consilium_details(outcome), **extra)

    def usage_chunk(self, outcome: Outcome) -> dict[str, Any]:
        """The last chunk for clients that ask for token counts."""
        return {**self._envelope("chat.completion.chunk", outcome.mode), "choices": [], "usage": token_usage(outcome)}

    def _envelope(self, kind: str, mode: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": mode}


def finish_reason(outcome: Outcome) -> str:
    """The reason in OpenAI's terms, which have none for an answer that a person stopped."""
    return "length" if outcome.finish_reason == "length" else "stop"


def token_usage(outcome: Outcome) -> dict[str, int]:
    """OpenAI's token counts."""
    prompt, completion = (outcome.usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens"))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def consilium_details(outcome: Outcome) -> dict[str, Any]:
    """Our own details, for which OpenAI's format has no place."""
    return {
        "turn": outcome.turn,
        "mode": outcome.mode,
        "adapter": outcome.adapter,
        "sources": [asdict(source) for source in outcome.sources],
        "memories": list(outcome.memories),
        "stopped": outcome.stopped,
    }


def server_sent_event(data: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


DONE_EVENT = b"data: [DONE]\n\n"
"""The event that ends every stream."""
