"""Examples of the bundled model's own template, by which the shipped adapters are trained."""

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from inference.engines.tokenizer import ChatTokenizer
from inference.training.dialogues import Dialogue
from inference.training.encoding import IGNORE_INDEX, encode_dialogue, make_batch
from inference.training.message import DialogueMessage

DIALOGUE = Dialogue(
    (
        DialogueMessage("system", "You are the coach."),
        DialogueMessage("user", "Why rest?"),
        DialogueMessage("assistant", "To be able to work."),
        DialogueMessage("user", "Чем?"),
        DialogueMessage("assistant", "Сном — и хлебом."),
    )
)


@pytest.fixture(scope="module")
def tokenizer(base_model_dir: Path) -> ChatTokenizer:
    return ChatTokenizer(base_model_dir)


def test_a_dialogue_is_one_example_with_the_tokens_of_the_chat_template(
    tokenizer: ChatTokenizer, base_model_dir: Path
) -> None:
    theirs = AutoTokenizer.from_pretrained(base_model_dir)
    chat = [{"role": m.role, "content": m.content} for m in DIALOGUE.messages]
    [example] = encode_dialogue(DIALOGUE, tokenizer)
    assert theirs.decode(example.ids) + "\n" == theirs.apply_chat_template(chat, tokenize=False)
    assert len(example.ids) == len(example.labels)


def test_only_the_answers_and_their_end_are_learnt(tokenizer: ChatTokenizer, base_model_dir: Path) -> None:
    [example] = encode_dialogue(DIALOGUE, tokenizer)
    theirs = AutoTokenizer.from_pretrained(base_model_dir)
    learnt = theirs.decode([label for label in example.labels if label != IGNORE_INDEX])
    assert learnt == "To be able to work.<|im_end|>Сном — и хлебом.<|im_end|>"
    assert all(label in (IGNORE_INDEX, token) for token, label in zip(example.ids, example.labels, strict=True))


def test_an_answer_that_is_not_to_be_learnt_is_only_read(tokenizer: ChatTokenizer) -> None:
    first, question, bad, *more = DIALOGUE.messages
    dialogue = Dialogue((first, question, replace(bad, learn=False), *more))
    [example] = encode_dialogue(dialogue, tokenizer)
    assert example.ids == encode_dialogue(DIALOGUE, tokenizer)[0].ids
    assert tokenizer.decode([label for label in example.labels if label != IGNORE_INDEX]) == "Сном — и хлебом."


def test_a_batch_is_padded_where_nothing_is_attended_or_learnt(tokenizer: ChatTokenizer) -> None:
    short = encode_dialogue(Dialogue(DIALOGUE.messages[:3]), tokenizer)
    long = encode_dialogue(DIALOGUE, tokenizer)
    batch = make_batch([*short, *long])
    lengths = [len(example.ids) for example in (*short, *long)]
    assert batch.ids.shape == batch.labels.shape == batch.attention.shape == (2, lengths[1])
    assert batch.attention.sum(dim=1).tolist() == lengths
    assert (batch.labels[0, lengths[0] :] == IGNORE_INDEX).all()
