"""OpenAI's chat completion as one object and as a stream of chunks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

from bot.channels.http.annotations import chat_annotations, sources_text
from bot.channels.http.answer_format import plain, server_sent_event
from bot.channels.http.error_responses import ErrorResponse
from bot.channels.http.response_models import (
    AssistantMessage,
    CalledFunction,
    ChatCompletion,
    Choice,
    ConsiliumDetails,
    FinishReason,
    SourceObject,
    TokenUsage,
    ToolCallObject,
)
from bot.core.messages import Outcome
from inference.engines.port import ToolCall


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer as a chat completion; an `AnswerFormat`."""

    turn_id: str
    """The id of the turn, from which the completion's id is made."""
    created: int
    """Seconds since 1970."""
    _: KW_ONLY
    with_usage: bool = False
    """Whether a stream ends with the token counts."""
    with_sources: bool = False
    """Whether the sources follow the answer as text."""

    @property
    def id(self) -> str:
        return f"chatcmpl-{self.turn_id}"

    def answer_object(self, outcome: Outcome) -> ChatCompletion:
        """The answer as one object."""
        text = outcome.answer + self._sources(outcome)
        message = AssistantMessage(
            content=text if text or not outcome.tool_calls else None,
            annotations=chat_annotations(outcome),
            tool_calls=[tool_call_object(call) for call in outcome.tool_calls] or None,
        )
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=outcome.mode,
            choices=[Choice(message=message, finish_reason=finish_reason(outcome))],
            usage=token_usage(outcome),
            consilium=consilium_details(outcome),
        )

    def opening_events(self, mode: str) -> bytes:
        return self._chunk(mode, {"role": "assistant", "content": ""})

    def text_events(self, mode: str, text: str) -> bytes:
        return self._chunk(mode, {"content": text})

    def thought_events(self, mode: str, text: str) -> bytes:
        return self._chunk(mode, {"reasoning_content": text})

    def final_events(self, outcome: Outcome) -> bytes:
        sources = self._sources(outcome)
        events = [self.text_events(outcome.mode, sources)] if sources else []
        for n, call in enumerate(outcome.tool_calls):
            chunk = {"index": n, **plain(tool_call_object(call))}
            events.append(self._chunk(outcome.mode, {"tool_calls": [chunk]}))
        annotations = [plain(each) for each in chat_annotations(outcome)]
        delta = {"annotations": annotations} if annotations else {}
        details = plain(consilium_details(outcome))
        events.append(self._chunk(outcome.mode, delta, finish_reason(outcome), consilium=details))
        if self.with_usage:
            usage = {**self._envelope(outcome.mode), "choices": [], "usage": plain(token_usage(outcome))}
            events.append(server_sent_event(usage))
        return b"".join([*events, DONE_EVENT])

    def failure_events(self, outcome: Outcome, response: ErrorResponse) -> bytes:
        return server_sent_event(response.body(outcome.error or "")) + DONE_EVENT

    def _sources(self, outcome: Outcome) -> str:
        return sources_text(outcome.sources) if self.with_sources else ""

    def _chunk(self, mode: str, delta: Mapping[str, Any], finish: str | None = None, **extra: Any) -> bytes:
        choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
        # Clients that ask for token counts get the empty field in all chunks but the last.
        usage = {"usage": None} if self.with_usage else {}
        return server_sent_event({**self._envelope(mode), "choices": [choice], **extra, **usage})

    def _envelope(self, mode: str) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": mode}


def tool_call_object(call: ToolCall) -> ToolCallObject:
    """A call in OpenAI's form."""
    return ToolCallObject(id=call.id, function=CalledFunction(name=call.name, arguments=call.arguments))


def finish_reason(outcome: Outcome) -> FinishReason:
    """The reason in OpenAI's terms, which have none for an answer that a person stopped."""
    if outcome.tool_calls:
        return "tool_calls"
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


DONE_EVENT: Final = b"data: [DONE]\n\n"
"""The event that ends every stream."""
