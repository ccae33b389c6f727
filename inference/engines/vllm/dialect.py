"""How vLLM is asked for answers and likelihoods, and what its refusals mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.engines.remote.port import Call
from inference.engines.vllm.api import ScoreReply, completion_request, score_request
from inference.engines.vllm.server import VLLMServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.engines.port import GenerationRequest
    from inference.engines.remote.client import ServerClient
    from inference.engines.tokenizer import ChatTokenizer

_COMPLETIONS = "/v1/completions"
_NO_SUCH_MODEL = "does not exist"
_BAD_SCHEMA_MESSAGE = "grammar"
"""In “Failed to transform json schema into a grammar: …”, and in “Grammar error: …”."""


class VLLMDialect:
    """See `inference.engines.remote.port.Dialect`.

    Prompts are tokenized here and completed there: the server's chat endpoint would render them by its own rules.
    An adapter's name stands in place of the model's.
    """

    def server(self, client: ServerClient) -> VLLMServer:
        return VLLMServer(client)

    def answer_call(
        self,
        served_name: str,
        tokenizer: ChatTokenizer,
        request: GenerationRequest,
        *,
        max_tokens: int,
        written: str = "",
    ) -> Call:
        has_marks = request.thinks or request.parses_tool_calls
        body = completion_request(
            request.adapter.name if request.adapter else served_name,
            _prompt(tokenizer, request, written),
            request.sampling,
            max_tokens=max_tokens,
            stop_ids=tokenizer.end_ids if has_marks else tokenizer.stop_ids,
            schema=request.schema,
            marked=has_marks,
        )
        return Call(_COMPLETIONS, body)

    def score_call(self, served_name: str, ids: Sequence[int], adapter: str | None, *, start: int) -> Call:
        return Call(_COMPLETIONS, score_request(adapter or served_name, ids))

    def parse_scores(self, body: bytes, *, start: int) -> list[float]:
        return ScoreReply.parse(body)[start:]

    def says_adapter_is_missing(self, status: int, message: str) -> bool:
        return status == 404 and _NO_SUCH_MODEL in message

    def says_schema_is_bad(self, status: int, message: str) -> bool:
        return status == 400 and _BAD_SCHEMA_MESSAGE in message.casefold()


def _prompt(tokenizer: ChatTokenizer, request: GenerationRequest, written: str) -> list[int]:
    """Ids of the prompt, and of what has been written behind it."""
    if request.answer_prefix:
        return tokenizer.encode_prompt(
            request.messages, answer_prefix=request.answer_prefix + written, tools=request.tools
        )
    has_marks = request.thinks or request.parses_tool_calls
    prompt = tokenizer.encode_prompt(request.messages, thinking=request.thinks, tools=request.tools)
    return [*prompt, *(tokenizer.encode_marked(written) if has_marks else tokenizer.encode(written))]
