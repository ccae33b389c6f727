"""From OpenAI's messages to a question and the conversation before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.http.auth import external_id_of
from bot.channels.http.errors import LastMessageNotFromUser
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
    if not dialogue or dialogue[-1].role != "user":
        with pytest.raises(LastMessageNotFromUser):
            parse_conversation(chat_request(messages), "base")
        return
    question, conversation = parse_conversation(chat_request(messages), "base")
    texts = [text for exchange in conversation.exchanges for text in exchange] + [question]
    assert "\n\n".join(text for text in texts if text) == "\n\n".join(message.text for message in dialogue)
    assert all(answer for _, answer in conversation.exchanges)
    assert all(question for question, _ in conversation.exchanges[1:])
    assert conversation.system == "\n\n".join(m.text for m in messages if m.role in ("system", "developer"))


@pytest.mark.parametrize(
    ("default", "limits", "expected"),
    [(160, {}, 160), (160, {"max_tokens": 20}, 20), (160, {"max_tokens": 500}, 160),
     (160, {"max_tokens": 50, "max_completion_tokens": 30}, 30)],
)  # fmt: skip
def test_max_tokens_never_exceed_the_minds(default: int, limits: dict[str, int], expected: int) -> None:
    _, conversation = parse_conversation(chat_request([ChatMessage(role="user", content="?")], **limits), "base")
    assert conversation.resolve_sampling(Sampling(max_tokens=default)).max_tokens == expected


def test_sampling_defaults_are_the_minds() -> None:
    defaults = Sampling(100, temperature=0.6, top_p=0.8, repetition_penalty=1.2, seed=4)
    assert ClientConversation("base").resolve_sampling(defaults) == defaults
    greedy = ClientConversation("base", temperature=0, seed=0).resolve_sampling(defaults)
    assert (greedy.temperature, greedy.seed, greedy.top_p, greedy.repetition_penalty) == (0, 0, 0.8, 1.2)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_clients_never_share_a_person(one: str, other: str, user: str, another: str) -> None:
    one, other = one.replace(":", ""), other.replace(":", "")
    if one != other or user != another:
        assert external_id_of(one, user) != external_id_of(other, another)
