"""LangChain's chat model over chat completions and over responses, its tools and its embeddings."""

from __future__ import annotations

import os

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


@tool
def weather(town: str) -> str:
    """The weather in a town."""
    return f"It is sunny in {town}."


QUESTION = "How do I rest after a long run?"
chat = ChatOpenAI(model="sport+core", max_tokens=60, timeout=300)
print("invoke:", repr(chat.invoke(QUESTION).content))
print("stream:", len(list(chat.stream(QUESTION))), "chunks")
# What it does where the base model knows no tools: an answer without a call.
answer = chat.bind_tools([weather]).invoke("What is the weather in Sparta?")
print("tools:", answer.tool_calls, bool(answer.content))
responses = ChatOpenAI(model="sport+core", use_responses_api=True, max_tokens=60, timeout=300)
print("responses:", repr(responses.invoke(QUESTION).text))
print("responses stream:", len(list(responses.stream(QUESTION))), "chunks")
# Token ids of another model's tokenizer mean nothing here: the texts go as they are.
embeddings = OpenAIEmbeddings(
    model="embedder", check_embedding_ctx_length=False, base_url=os.environ["OPENAI_BASE_URL"]
)
print("embeddings:", len(embeddings.embed_query("How do I rest?")), "dimensions")
