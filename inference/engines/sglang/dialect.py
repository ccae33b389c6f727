"""How SGLang is asked for answers and likelihoods, and what its refusals mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.engines.remote.port import Call
from inference.engines.sglang.api import ScoreReply, chat_request, score_request
from inference.engines.sglang.server import SGLangServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.engines.port import GenerationRequest
    from inference.engines.remote.client import ServerClient
    from inference.engines.tokenizer import ChatTokenizer

_NOT_LOADED_MESSAGE = "never been loaded"
_BAD_SCHEMA_MESSAGE = "Failed to compile json grammar"


class SGLangDialect:
    """See `inference.engines.remote.port.Dialect`."""

    def server(self, client: ServerClient) -> SGLangServer:
        return SGLangServer(client)

    def answer_call(
        self,
        served_name: str,
        tokenizer: ChatTokenizer,
        request: GenerationRequest,
        *,
        max_tokens: int,
        written: str = "",
    ) -> Call:
        begun = tokenizer.escape_control_tokens(request.answer_prefix)
        has_marks = request.thinks or request.parses_tool_calls
        body = chat_request(
            served_name,
            tokenizer.prepare_messages(request.messages),
            request.adapter.name if request.adapter else None,
            request.sampling,
            max_tokens=max_tokens,
            stop_ids=tokenizer.end_ids if has_marks else tokenizer.stop_ids,
            answer_prefix=written if request.thinks else tokenizer.answer_head + begun + written,
            schema=request.schema,
            thinking=request.thinks,
            tools=tokenizer.prepare_tools(request.tools),
        )
        return Call("/v1/chat/completions", body)

    def score_call(self, served_name: str, ids: Sequence[int], adapter: str | None, *, start: int) -> Call:
        return Call("/generate", score_request(list(ids), adapter, start=start))

    def parse_scores(self, body: bytes, *, start: int) -> list[float]:
        (logprobs,) = ScoreReply.parse(body)
        return logprobs

    def says_adapter_is_missing(self, status: int, message: str) -> bool:
        return status == 400 and _NOT_LOADED_MESSAGE in message

    def says_schema_is_bad(self, status: int, message: str) -> bool:
        return status == 400 and _BAD_SCHEMA_MESSAGE in message
