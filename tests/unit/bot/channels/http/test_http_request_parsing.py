"""From OpenAI's messages to a question and the conversation before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.http.api_client import ApiClient
from bot.channels.http.errors import NothingToAnswer
from bot.channels.http.request_models import ChatMessage, ChatRequest
from bot.channels.http.request_parsing import parse_conversation
from bot.core.messages import ClientConversation
from inference.engines.port import Sampling

WORDS = st.text("abc ", min_size=1, max_size=8)
MESSAGES = st.lists(
    st.builds(ChatMessage, role=st.sampled_from(["system", "developer", "user", "assistant"]), content=WORDS),
    min_size=1,
    max_size=12,
)


def chat_request(messages: list[ChatMessage], **more: object) -> ChatRequest:
    return ChatRequest.model_validate({"model": "base", "messages": messages, **more})


@given(MESSAGES)
def test_messages_are_preserved_in_order(messages: list[ChatMessage]) -> None:
    dialogue = [message for message in messages if message.role in ("user", "assistant")]
    if all(message.role == "assistant" for message in dialogue):
        with pytest.raises(NothingToAnswer):
            parse_conversation(chat_request(messages), "base")
        return
    question, conversation = parse_conversation(chat_request(messages), "base")
    texts = [text for exchange in conversation.exchanges for text in exchange] + [question, conversation.answer_prefix]
    assert "\n\n".join(text for text in texts if text) == "\n\n".join(message.text for message in dialogue)
    assert bool(conversation.answer_prefix) == (dialogue[-1].role == "assistant")
    assert all(answer for _, answer in conversation.exchanges)
    assert all(question for question, _ in conversation.exchanges[1:])
    assert conversation.system == "\n\n".join(m.text for m in messages if m.role in ("system", "developer"))


@given(MESSAGES, st.integers(0, 12), st.sampled_from(["user", "assistant", "system"]))
def test_a_message_that_says_nothing_changes_nothing(messages: list[ChatMessage], place: int, role: str) -> None:
    silent = ChatMessage.model_validate({"role": role, "content": None})
    with_silent = [*messages[:place], silent, *messages[place:]]

    def parsed(given: list[ChatMessage]) -> object:
        try:
            question, conversation = parse_conversation(chat_request(given), "base")
        except NothingToAnswer:
            return None
        return question, conversation.exchanges, conversation.answer_prefix

    assert parsed(with_silent) == parsed(messages)


@pytest.mark.parametrize(
    ("default", "limits", "expected"),
    [(160, {}, 160), (160, {"max_tokens": 20}, 20), (160, {"max_tokens": 500}, 160),
     (160, {"max_tokens": 50, "max_completion_tokens": 30}, 30), (160, {"max_tokens": -1}, 160),
     (160, {"max_tokens": -1, "max_completion_tokens": 30}, 30)],
)  # fmt: skip
def test_max_tokens_never_exceed_the_minds(default: int, limits: dict[str, int], expected: int) -> None:
    _, conversation = parse_conversation(chat_request([ChatMessage(role="user", content="?")], **limits), "base")
    assert conversation.resolve_sampling(Sampling(max_tokens=default)).max_tokens == expected


def test_all_sampling_parameters_reach_the_engine() -> None:
    given: dict[str, object] = {
        "temperature": 0.5, "top_p": 0.5, "top_k": 7, "min_p": 0.1, "frequency_penalty": 1.0, "presence_penalty": -1.0,
        "repetition_penalty": 1.3, "seed": 0,
    }  # fmt: skip
    request = chat_request([ChatMessage(role="user", content="?")], **given, logit_bias={"5": -100, "17": 2.5})
    _, conversation = parse_conversation(request, "base")
    sampling = conversation.resolve_sampling(Sampling())
    assert {name: getattr(sampling, name) for name in given} == given
    assert sampling.logit_bias == {5: -100, 17: 2.5}


@pytest.mark.parametrize("top_k", [0, -1])
def test_no_top_k(top_k: int) -> None:
    _, conversation = parse_conversation(chat_request([ChatMessage(role="user", content="?")], top_k=top_k), "base")
    assert conversation.resolve_sampling(Sampling(top_k=5)).top_k == -1


def test_sampling_defaults_are_the_minds() -> None:
    defaults = Sampling(100, temperature=0.6, top_p=0.8, repetition_penalty=1.2, seed=4)
    assert ClientConversation("base").resolve_sampling(defaults) == defaults
    greedy = ClientConversation("base", sampling={"temperature": 0, "seed": 0}).resolve_sampling(defaults)
    assert (greedy.temperature, greedy.seed, greedy.top_p, greedy.repetition_penalty) == (0, 0, 0.8, 1.2)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_clients_never_share_a_person(one: str, other: str, user: str, another: str) -> None:
    one, other = one.replace(":", ""), other.replace(":", "")
    if one != other or user != another:
        assert ApiClient(name=one).external_id(user) != ApiClient(name=other).external_id(another)
