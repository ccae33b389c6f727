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


def asked(messages: list[ChatMessage], **more: object) -> ChatRequest:
    return ChatRequest.model_validate({"model": "base", "messages": messages, **more})


@given(MESSAGES)
def test_everything_that_was_said_is_there_in_order(messages: list[ChatMessage]) -> None:
    said = [message for message in messages if message.role in ("user", "assistant")]
    if not said or said[-1].role != "user":
        with pytest.raises(LastMessageNotFromUser):
            parse_conversation(asked(messages), "base")
        return
    question, given = parse_conversation(asked(messages), "base")
    told = [text for exchange in given.exchanges for text in exchange] + [question]
    assert "\n\n".join(text for text in told if text) == "\n\n".join(message.text for message in said)
    assert all(answer for _, answer in given.exchanges)
    assert all(question for question, _ in given.exchanges[1:])
    assert given.system == "\n\n".join(m.text for m in messages if m.role in ("system", "developer"))


@pytest.mark.parametrize(
    ("own", "limits", "used"),
    [(160, {}, 160), (160, {"max_tokens": 20}, 20), (160, {"max_tokens": 500}, 160),
     (160, {"max_tokens": 50, "max_completion_tokens": 30}, 30)],
)  # fmt: skip
def test_an_answer_is_never_longer_than_by_the_mind(own: int, limits: dict[str, int], used: int) -> None:
    _, given = parse_conversation(asked([ChatMessage(role="user", content="?")], **limits), "base")
    assert given.resolve_sampling(Sampling(max_tokens=own)).max_tokens == used


def test_what_is_not_asked_for_is_the_minds() -> None:
    own = Sampling(100, temperature=0.6, top_p=0.8, repetition_penalty=1.2, seed=4)
    assert ClientConversation("base").resolve_sampling(own) == own
    greedy = ClientConversation("base", temperature=0, seed=0).resolve_sampling(own)
    assert (greedy.temperature, greedy.seed, greedy.top_p, greedy.repetition_penalty) == (0, 0, 0.8, 1.2)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_two_clients_never_have_a_person_in_common(one: str, other: str, user: str, another: str) -> None:
    one, other = one.replace(":", ""), other.replace(":", "")
    if one != other or user != another:
        assert external_id_of(one, user) != external_id_of(other, another)
