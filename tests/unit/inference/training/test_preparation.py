"""What is learnt of a set of dialogues, how long it is, and what is left out by name."""

from __future__ import annotations

import json

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel

from inference.engines.tokenizer import ChatTokenizer
from inference.training.dialogues import Dialogue
from inference.training.message import DialogueMessage
from inference.training.preparation import DialogueTooLong, TooManyLeftOut, prepare_dialogues

TEMPLATE = (
    "{% for m in messages %}<|turn|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|turn|>{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> ChatTokenizer:
    """One token a byte, which makes lengths easy to count; it has none for the letter q."""
    folder = tmp_path_factory.mktemp("bytes")
    letters = [letter for letter in pre_tokenizers.ByteLevel.alphabet() if letter != "q"]
    made = Tokenizer(models.BPE({letter: n for n, letter in enumerate(sorted(letters))}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevel()
    made.add_special_tokens([AddedToken(token) for token in ("<|turn|>", "<|end|>")])
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    return ChatTokenizer(folder)


def dialogue(answer: str) -> Dialogue:
    return Dialogue((DialogueMessage("user", "Why?"), DialogueMessage("assistant", answer)))


def test_lengths_are_those_of_whole_dialogues(tokenizer: ChatTokenizer) -> None:
    dialogues = [dialogue("a" * length) for length in (10, 20, 30)]
    prepared = prepare_dialogues(dialogues, tokenizer, max_tokens=100, max_left_out=0)
    lengths = prepared.lengths
    around = len("Why?") + 4
    assert (lengths.shortest, lengths.median, lengths.longest, lengths.limit) == (
        10 + around,
        20 + around,
        30 + around,
        100,
    )
    assert [len(example.ids) for example in prepared.examples_of(dialogues)] == [18, 28, 38]
    assert not prepared.left_out


def test_what_is_too_long_is_left_out_whole_and_by_name(tokenizer: ChatTokenizer) -> None:
    dialogues = [dialogue("short"), dialogue("long" * 50), dialogue("brief")]
    prepared = prepare_dialogues(dialogues, tokenizer, max_tokens=50, max_left_out=0.4)
    assert list(prepared.examples) == [dialogues[0], dialogues[2]]
    [left_out] = prepared.left_out
    assert (left_out.number, left_out.question) == (2, "Why?")
    assert isinstance(left_out.reason, DialogueTooLong)
    assert left_out.reason.details == {"tokens": 208, "limit": 50}
    assert prepared.lengths.longest == 208


def test_what_the_tokenizer_cannot_write_is_left_out(tokenizer: ChatTokenizer) -> None:
    dialogues = [dialogue("a quick answer"), dialogue("an answer")]
    prepared = prepare_dialogues(dialogues, tokenizer, max_tokens=50, max_left_out=0.5)
    assert list(prepared.examples) == [dialogues[1]]
    assert "a quick answer" in str(prepared.left_out[0].reason)


def test_more_than_the_share_is_refused_with_the_first_of_them(tokenizer: ChatTokenizer) -> None:
    dialogues = [dialogue("short"), *(dialogue("long" * n) for n in range(50, 57))]
    with pytest.raises(TooManyLeftOut) as refusal:
        prepare_dialogues(dialogues, tokenizer, max_tokens=50, max_left_out=0.05)
    text = str(refusal.value)
    assert "7 of 8 dialogues" in text
    assert "5%" in text
    assert "2 (“Why?”): It has 208 tokens, and 50 are the limit." in text
    assert text.count("are the limit") == 5
    assert "--max-tokens" in text


def test_nothing_left_is_refused_even_if_all_may_be_left_out(tokenizer: ChatTokenizer) -> None:
    with pytest.raises(TooManyLeftOut):
        prepare_dialogues([dialogue("long" * 50)], tokenizer, max_tokens=50, max_left_out=1)


def test_tokens_of_two_dialogues_that_are_equal_are_learnt_twice(tokenizer: ChatTokenizer) -> None:
    same = [dialogue("a"), dialogue("a")]
    prepared = prepare_dialogues(same, tokenizer, max_tokens=50, max_left_out=0)
    assert len(prepared.examples_of(same)) == 2
