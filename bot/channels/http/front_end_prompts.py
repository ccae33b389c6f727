"""Prompts that front ends send by themselves: titles, tags, follow-up questions, search queries, summaries.

They come to the same endpoint as what a person writes, often with the person's name. They are recognised by their
openings in Open WebUI, LibreChat, SillyTavern, LobeChat and AnythingLLM, or marked by the client. Open WebUI also puts
retrieved documents around what a person writes: then only the person's own words are the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request

from bot.channels.http.request_models import ChatMessage, ChatRequest
from bot.core.quotations import Quotation

TASK_HEADER: Final = "X-Consilium-Task"
"""A request with this header, whatever its value, is a front end's own."""

_TASK_OPENINGS: Final = re.compile(
    r"\s*(?:"
    # Open WebUI. People head their own texts with "### Task:" too: what follows decides.
    r"###\s*Task:\s*(?:Generate\s+a\s+concise(?:,\s+3-5\s+word)?\s+title\b|Create\s+a\s+concise,\s+3-5\s+word"
    r"|Generate\s+1-3\s+broad\s+tags|Generate\s+a\s+detailed\s+prompt\s+for\s+an?m?\s+image"
    r"|Suggest\s+3-5\s+relevant\s+follow-up|Analyze\s+the\s+chat\s+history\s+to\s+determine"
    r"|You\s+are\s+an\s+autocompletion\s+system|Summarize\s+the\s+conversation\b)"
    r"|Query:\s*History:"
    r"|Available\s+Tools:.{0,20000}?Your\s+task\s+is\s+to\s+choose\s+and\s+return\s+the\s+correct\s+tool"
    r"|Your\s+task\s+is\s+to\s+reflect\s+the\s+speaker's\s+likely\s+facial\s+expression"
    r"|You\s+have\s+been\s+provided\s+with\s+a\s+set\s+of\s+responses\s+from\s+various\s+models"
    r"|Create\s+a\s+concise,\s+3-5\s+word\s+(?:phrase|title)"
    r"|Generate\s+a\s+concise,\s+3-5\s+word\s+title"
    # LibreChat
    r"|Provide\s+a\s+concise,\s+5-word-or-less\s+title\s+for\s+the\s+conversation"
    r"|Please\s+generate\s+a\s+concise(?:,\s+40-character)?\s+title\s+(?:\(max\s+40\s+characters\)\s+)?for\s+"
    r"(?:a|this|the)\s+conversation"
    r"|Write\s+a\s+concise\s+title\s+for\s+this\s+conversation"
    r"|Analyze\s+this\s+conversation\s+and\s+provide:\s*1\.\s*The\s+detected\s+language"
    r"|In\s+this\s+environment\s+you\s+have\s+access\s+to\s+a\s+set\s+of\s+tools\s+you\s+can\s+use\s+to\s+generate\s+the"
    r"\s+conversation\s+title"
    r"|Summarize\s+the\s+conversation\s+by\s+integrating\s+new\s+lines\s+into\s+the\s+current\s+summary"
    r"|Use\s+the\s+`set_memory`\s+tool\s+to\s+save\s+important\s+information\s+about\s+the\s+user"
    # SillyTavern
    r"|\[?\s*Pause\s+your\s+roleplay\b"
    r"|(?:Ignore\s+previous\s+instructions\.\s+)?(?:Summarize\s+the\s+most\s+important\s+facts\s+and\s+events"
    r"|Classify\s+the\s+emotion\s+of\s+the\s+last\s+message\.\s+Output\s+just\s+one\s+word"
    r"|Please\s+generate\s+a\s+numbered\s+list\s+of\s+plain\s+text\s+tasks)"
    r"|\[\s*Write\s+(?:your|\S+)\s+next\s+reply\s+from\s+the\s+point\s+of\s+view\s+of"
    r"|\[\s*In\s+the\s+next\s+response\s+I\s+want\s+you\s+to\s+provide\s+only\s+a\s+detailed\s+comma-delimited\s+list"
    r"|Provide\s+an\s+exhaustive\s+comma-separated\s+list\s+of\s+tags\s+describing\s+the\s+appearance\s+of\s+the"
    # LobeChat
    r"|You\s+are\s+a\s+professional\s+conversation\s+summarizer\.\s+Generate\s+a\s+concise\s+title"
    r"|You're\s+an\s+assistant\s+who's\s+good\s+at\s+extracting\s+key\s+takeaways\s+from\s+conversations"
    r"|Summarize\s+the\s+conversation\s+for\s+future\s+reference\."
    r"|You\s+are\s+a\s+conversation\s+context\s+compressor\."
    r"|You\s+are\s+a\s+sidecar\s+that\s+extracts\s+\S+\s+quick-reply\s+suggestions"
    r"|Given\s+the\s+following\s+conversation\s+and\s+a\s+follow-up\s+question,\s+rephrase\s+the\s+follow\s+up\s+question"
    r"|You\s+predict\s+what\s+the\s+user\s+will\s+TYPE\s+next"
    r"|You\s+are\s+an\s+emoji\s+expert\s+who\s+selects\s+the\s+most\s+appropriate\s+emoji"
    r"|You\s+are\s+a\s+professional\s+translator\.\s+Translate\s+the\s+input\s+text\s+to\s[^\n]{1,40}\s+Rules:\s+-\s+"
    r"Output\s+ONLY\s+the\s+translated\s+text"
    r"|你是一名擅长(?:会话|会话标签总结|技能总结|起名)的(?:助理|起名大师)"
    # AnythingLLM
    r"|You\s+are\s+extracting\s+the\s+key\s+points\s+from\s+a\s+long\s+document\s+that\s+was\s+split\s+into\s+sections"
    r")",
    re.IGNORECASE | re.DOTALL,
)
_CHAT_HISTORY: Final = re.compile(
    r"\s*###\s*Task:.*(?:<chat_history>|###\s*Chat\s+History:)\s*\S", re.IGNORECASE | re.DOTALL
)
"""A template of Open WebUI with other words of the operator: it hands over the conversation."""
_RETRIEVAL_TEMPLATE: Final = re.compile(r"\s*###\s*Task:\s*Respond\s+to\s+the\s+user\s+query", re.IGNORECASE)
_USER_QUERY: Final = re.compile(r"<user_query>(.*?)</user_query>", re.IGNORECASE | re.DOTALL)
_CONTEXT_END: Final = "</context>"
_CONTEXT: Final = re.compile(r"<context>(.*)</context>", re.IGNORECASE | re.DOTALL)


def is_front_end_task(request: Request, chat_request: ChatRequest) -> bool:
    """Whether a request is a front end's own: marked as such, or recognised by its last message or its instructions."""
    if TASK_HEADER in request.headers or (chat_request.metadata and chat_request.metadata.task is not None):
        return True
    messages = chat_request.messages
    instructions = [message for message in messages[:1] if message.role in ("system", "developer")]
    return any(_is_task(message.text) for message in (messages[-1], *instructions))


def _is_task(text: str) -> bool:
    return _TASK_OPENINGS.match(text) is not None or _CHAT_HISTORY.match(text) is not None


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
