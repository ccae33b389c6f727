"""Prompts that front ends send by themselves: titles, tags, follow-up questions, search queries, summaries.

They come to the same endpoint as what a person writes, often with the person's name. They are recognised by their
openings in Open WebUI, LibreChat and SillyTavern, or marked by the client. Open WebUI also puts retrieved documents
around what a person writes: then only the person's own words are the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from bot.channels.http.request_models import ChatMessage, ChatRequest
from bot.core.quotations import Quotation

TASK_HEADER: Final = "X-Consilium-Task"
"""A request with this header, whatever its value, is a front end's own."""

_TASK_OPENINGS: Final = re.compile(
    r"\s*(?:"
    # Open WebUI
    r"###\s*Task:(?!\s*Respond\s+to\s+the\s+user\s+query)"
    r"|Query:\s*History:"
    r"|Your\s+task\s+is\s+to\s+reflect\s+the\s+speaker's\s+likely\s+facial\s+expression"
    r"|You\s+have\s+been\s+provided\s+with\s+a\s+set\s+of\s+responses\s+from\s+various\s+models"
    r"|Create\s+a\s+concise,\s+3-5\s+word\s+(?:phrase|title)"
    r"|Generate\s+a\s+concise,\s+3-5\s+word\s+title"
    # LibreChat
    r"|(?:Please\s+generate|Provide|Write)\s+a\s+concise,?\s+(?:5-word-or-less\s+)?title\b"
    r"|Analyze\s+this\s+conversation\s+and\s+provide:\s*1\.\s*The\s+detected\s+language"
    r"|In\s+this\s+environment\s+you\s+have\s+access\s+to\s+a\s+set\s+of\s+tools\s+you\s+can\s+use\s+to\s+generate\s+the"
    r"\s+conversation\s+title"
    r"|Summarize\s+the\s+conversation\s+by\s+integrating\s+new\s+lines\s+into\s+the\s+current\s+summary"
    # SillyTavern
    r"|\[\s*Pause\s+your\s+roleplay\b"
    r"|Ignore\s+previous\s+instructions\.\s+Summarize\s+the\s+most\s+important"
    r"|\[\s*Write\s+(?:your|\S+)\s+next\s+reply\s+from\s+the\s+point\s+of\s+view\s+of"
    r")",
    re.IGNORECASE,
)
_RETRIEVAL_TEMPLATE: Final = re.compile(r"\s*###\s*Task:\s*Respond\s+to\s+the\s+user\s+query", re.IGNORECASE)
_USER_QUERY: Final = re.compile(r"<user_query>(.*?)</user_query>", re.IGNORECASE | re.DOTALL)
_CONTEXT_END: Final = "</context>"
_CONTEXT: Final = re.compile(r"<context>(.*)</context>", re.IGNORECASE | re.DOTALL)


def is_front_end_task(request: web.Request, chat_request: ChatRequest) -> bool:
    """Whether a request is a front end's own: marked as such, or recognised by its last message or its instructions."""
    if TASK_HEADER in request.headers or (chat_request.metadata and chat_request.metadata.task is not None):
        return True
    messages = chat_request.messages
    instructions = [message for message in messages[:1] if message.role in ("system", "developer")]
    return any(_TASK_OPENINGS.match(message.text) for message in (messages[-1], *instructions))


def ask_as_user(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The messages of a front end's own request, the last of them as a question: some send it as an instruction."""
    last = messages[-1]
    return [*messages[:-1], last.model_copy(update={"role": "user"})]


def separate_retrieved_text(question: str) -> tuple[str, tuple[Quotation, ...]]:
    """A question without the documents that a front end has put around it, and these as data."""
    if not _RETRIEVAL_TEMPLATE.match(question):
        return question, ()
    queries = _USER_QUERY.findall(question)
    own = queries[-1] if queries else question.rpartition(_CONTEXT_END)[2]
    context = _CONTEXT.search(question)
    if not own.strip() or context is None:
        return question, ()
    return own.strip(), (Quotation.clean("forward", context[1]),)
