from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from inference.training.dialogues import Dialogue
from inference.training.encoding import IGNORE_INDEX, encode_dialogue, make_batches
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
def tokenizer(base_model_dir: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(base_model_dir)


def test_the_tokens_are_those_of_the_chat_template(tokenizer: PreTrainedTokenizerBase) -> None:
    chat = [{"role": m.role, "content": m.content} for m in DIALOGUE.messages]
    encoded = encode_dialogue(DIALOGUE, tokenizer, 512)
    assert tokenizer.decode(encoded.ids) == tokenizer.apply_chat_template(chat, tokenize=False)
    assert len(encoded.ids) == len(encoded.labels)


def test_only_the_answers_and_their_end_are_learnt(tokenizer: PreTrainedTokenizerBase) -> None:
    encoded = encode_dialogue(DIALOGUE, tokenizer, 512)
    learnt = tokenizer.decode([label for label in encoded.labels if label != IGNORE_INDEX])
    assert learnt == "To be able to work.<|im_end|>Сном — и хлебом.<|im_end|>"
    assert all(label in (IGNORE_INDEX, token) for token, label in zip(encoded.ids, encoded.labels, strict=True))


def test_an_answer_that_is_not_to_be_learnt_is_only_read(tokenizer: PreTrainedTokenizerBase) -> None:
    first, question, bad, *more = DIALOGUE.messages
    dialogue = Dialogue((first, question, replace(bad, learn=False), *more))
    encoded = encode_dialogue(dialogue, tokenizer, 512)
    assert encoded.ids == encode_dialogue(DIALOGUE, tokenizer, 512).ids
    learnt = tokenizer.decode([label for label in encoded.labels if label != IGNORE_INDEX])
    assert learnt == "Сном — и хлебом.<|im_end|>"


def test_what_is_too_long_is_cut_at_its_end(tokenizer: PreTrainedTokenizerBase) -> None:
    whole = encode_dialogue(DIALOGUE, tokenizer, 512)
    cut = encode_dialogue(DIALOGUE, tokenizer, 10)
    assert (cut.ids, cut.labels) == (whole.ids[:10], whole.labels[:10])


def test_a_batch_is_padded_where_nothing_is_attended_or_learnt(tokenizer: PreTrainedTokenizerBase) -> None:
    short, long = encode_dialogue(DIALOGUE, tokenizer, 5), encode_dialogue(DIALOGUE, tokenizer, 9)
    [batch] = make_batches([short, long], 2, pad_id=0)
    assert batch.ids.shape == batch.labels.shape == batch.attention.shape == (2, 9)
    assert batch.attention.sum(dim=1).tolist() == [5, 9]
    assert (batch.labels[0, 5:] == IGNORE_INDEX).all()
