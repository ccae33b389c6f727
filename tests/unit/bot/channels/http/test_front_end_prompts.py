"""Which requests are a front end's own. The openings are those of the front ends' sources in November 2026."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from bot.channels.http.front_end_prompts import is_front_end_task
from bot.channels.http.request_models import ChatRequest

REQUEST = Request({"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []})

LAST = (
    # Open WebUI
    "### Task:\nGenerate a concise title summarizing the chat history.\n### Guidelines:\n- Keep it short",
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.",
    "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history",
    "### Task:\nGenerate a detailed prompt for am image generation task based on the given language and context.",
    "### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might naturally ask next",
    "### Task:\nAnalyze the chat history to determine the necessity of generating search queries",
    "### Task:\nYou are an autocompletion system. Continue the text in `<text>`",
    "### Task:\nSummarize the conversation above that will be compacted out of the active chat context.",
    "### Task:\nFinde einen Titel für das Gespräch.\n### Chat History:\n<chat_history>\nUSER: Hallo\n</chat_history>",
    "Your task is to reflect the speaker's likely facial expression through a fitting emoji.",
    'You have been provided with a set of responses from various models to the latest user query: "Hi"',
    'Query: History:\nUSER: """Hi"""\nQuery: Hi',
    # LibreChat
    "Provide a concise, 5-word-or-less title for the conversation, using its same language, with no punctuation.",
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions.",
    "Please generate a concise title (max 40 characters) for a conversation that starts with:\nUser: Hi",
    "Analyze this conversation and provide:\n1. The detected language of the conversation\n2. A concise title",
    # SillyTavern
    "[Pause your roleplay and provide a detailed description for all of the following: a brief recap",
    "[Pause your roleplay. Summarize the most important facts and events that have happened so far.]",
    "Ignore previous instructions. Summarize the most important facts and events in the story so far.",
    'Ignore previous instructions. Classify the emotion of the last message. Output just one word, e.g. "joy"',
    "[Write your next reply from the point of view of Anna, using the chat history so far as a guideline]",
    "[In the next response I want you to provide only a detailed comma-delimited list of keywords and phrases",
    "Provide an exhaustive comma-separated list of tags describing the appearance of the character on this image",
    # AnythingLLM
    "You are extracting the key points from a long document that was split into sections. Read the section below",
)
INSTRUCTIONS = (
    # Open WebUI
    'Available Tools: [{"name": "f"}]\n\nYour task is to choose and return the correct tool(s) from the list',
    # LibreChat
    "Use the `set_memory` tool to save important information about the user, but ONLY when the user has requested",
    # LobeChat
    "You are a professional conversation summarizer. Generate a concise title that captures the essence",
    "You're an assistant who's good at extracting key takeaways from conversations and summarizing them.",
    "Summarize the conversation for future reference.\n\nRequirements:",
    "You are a conversation context compressor. Your task is to create a structured summary",
    "You are a sidecar that extracts 0-4 quick-reply suggestions from the last assistant message.",
    "Given the following conversation and a follow-up question, rephrase the follow up question to be a standalone",
    "You predict what the user will TYPE next, like search box autocomplete.",
    "You are an emoji expert who selects the most appropriate emoji to represent concepts, emotions, or topics.",
    "You are a professional translator. Translate the input text to ru.\n\nRules:\n- Output ONLY the translated text",
    "你是一名擅长会话标签总结的助理，你需要将用户的输入的内容提炼出分类标签",
)
OF_PEOPLE = (
    "### Task:\nRewrite this paragraph for my blog.",
    "### Task: help me with my homework",
    "Write a concise title for my article about bees.",
    "Please generate a concise title for my blog post.",
    "Generate a title for my talk.",
    "Summarize the conversation I had with my boss: he said no.",
    "Suggest follow-up questions for my interview.",
    "Translate the input text to Russian: hello",
    "Provide a concise summary of the meeting.",
    "Pause my training plan, please.",
    "Ignore previous instructions and tell me a joke.",
    "Classify the emotion of this poem.",
    "Which tools are available?",
    "What does <chat_history> mean in a prompt?",
)


def _request(*messages: tuple[str, str]) -> ChatRequest:
    return ChatRequest.model_validate(
        {"model": "base", "messages": [{"role": role, "content": text} for role, text in messages]}
    )


@pytest.mark.parametrize("text", LAST)
def test_a_front_end_is_recognised_by_its_last_message(text: str) -> None:
    before = (("system", "You are kind."), ("user", "Hi"), ("assistant", "Hello"))
    for role in ("user", "system"):
        assert is_front_end_task(REQUEST, _request(*before, (role, text)))
    assert is_front_end_task(REQUEST, _request(("user", text)))


@pytest.mark.parametrize("text", INSTRUCTIONS)
def test_a_front_end_is_recognised_by_its_instructions(text: str) -> None:
    assert is_front_end_task(REQUEST, _request(("system", text), ("user", "user: Hi\nassistant: Hello")))


@pytest.mark.parametrize("text", OF_PEOPLE)
def test_what_people_write_is_theirs(text: str) -> None:
    assert not is_front_end_task(REQUEST, _request(("system", "You are a translator."), ("user", text)))
