"""Training prompts and labels with the chat templates and tokenizers that people bring.

The ordinary run encodes 8 dialogues a template, the long form (CONSILIUM_LONG=1) 200. The figures of the long form are
in docs/training-templates.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from platformdirs import user_cache_path
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from inference.embedding import E5_MODEL, resolve_embedding_model
from inference.engines.chat_template import template_options
from inference.engines.errors import AnswerNotWritable
from inference.engines.port import Message
from inference.engines.reasoning import split_thought
from inference.training.dialogues import Dialogue
from inference.training.encoding import IGNORE_INDEX, encode_dialogue
from inference.training.message import DialogueMessage
from tests.fixtures.chat_models import (
    PLAIN_TEXTS,
    TEMPLATES,
    TEXTS,
    is_exact,
    multilingual_unigram_tokenizer,
    random_dialogues,
    unigram_tokenizer,
    with_template,
    wordpiece_tokenizer,
    write_checkpoint,
)

LONG = os.environ.get("CONSILIUM_LONG") == "1"
DIALOGUES = 200 if LONG else 8
SOME = tuple(TEMPLATES) if LONG else ("trl/qwen3", "trl/gemma", "trl/phi3", "trl/gptoss", "axolotl/mistral_v2v3")
"""Templates that differ most, for tokenizers other than the base model's kind."""


@pytest.fixture(scope="module")
def byte_bpe(base_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = Tokenizer.from_file(str(base_model_dir / "tokenizer.json"))
    return write_checkpoint(tmp_path_factory.mktemp("byte-bpe"), tokenizer)


@pytest.fixture(scope="module")
def unigram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("unigram"), unigram_tokenizer())


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("wordpiece"), wordpiece_tokenizer())


@pytest.fixture(scope="module")
def multilingual_unigram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = resolve_embedding_model(E5_MODEL, user_cache_path("consilium") / "models")
    made = multilingual_unigram_tokenizer(folder / "tokenizer.json")
    return write_checkpoint(tmp_path_factory.mktemp("multilingual-unigram"), made)


@pytest.mark.parametrize("name", TEMPLATES)
def test_answers_are_learnt_exactly_after_the_engines_prompts(name: str, byte_bpe: Path) -> None:
    tokenizer = with_template(byte_bpe, name)
    for dialogue in random_dialogues(name, DIALOGUES):
        assert is_exact(dialogue, encode_dialogue(dialogue, tokenizer), tokenizer)


@pytest.mark.parametrize("name", SOME)
def test_a_unigram_tokenizer_that_keeps_every_byte_learns_every_dialogue(name: str, unigram: Path) -> None:
    tokenizer = with_template(unigram, name)
    for dialogue in random_dialogues(name, DIALOGUES):
        assert is_exact(dialogue, encode_dialogue(dialogue, tokenizer), tokenizer)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("kind", ["wordpiece", "multilingual_unigram"])
def test_a_tokenizer_that_changes_texts_learns_what_it_can_write_and_refuses_the_rest(
    name: str, kind: str, request: pytest.FixtureRequest
) -> None:
    tokenizer = with_template(request.getfixturevalue(kind), name)
    for dialogue in random_dialogues(name, DIALOGUES, PLAIN_TEXTS):
        assert is_exact(dialogue, encode_dialogue(dialogue, tokenizer), tokenizer)
    with pytest.raises(AnswerNotWritable, match="def f"):
        encode_dialogue(Dialogue((DialogueMessage("user", "Hi"), DialogueMessage("assistant", TEXTS[3]))), tokenizer)


@pytest.mark.parametrize("name", TEMPLATES)
def test_prompts_are_those_of_the_library_that_the_servers_use(name: str, byte_bpe: Path) -> None:
    ours = with_template(byte_bpe, name)
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(byte_bpe / "tokenizer.json"), bos_token="<s>", eos_token="</s>")
    for dialogue in random_dialogues(name, 3):
        messages = dialogue.messages[:-1]
        chat = library_chat(ours.prepare_messages(messages), parts=ours.template.form.parts)
        options = {"chat_template": TEMPLATES[name].read_text("utf-8"), **template_options()}
        prompt = theirs.apply_chat_template(chat, add_generation_prompt=True, tokenize=False, **options)
        head = theirs.encode(ours.answer_head, add_special_tokens=False)
        assert ours.encode_prompt(messages) == [*theirs.encode(prompt, add_special_tokens=False), *head]


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith("_training")])
def test_what_is_learnt_is_what_the_templates_own_mask_says(name: str, byte_bpe: Path) -> None:
    """The mask may also cover what an engine's prompt already has (an empty thought), and the line's end."""
    ours = with_template(byte_bpe, name)
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(byte_bpe / "tokenizer.json"), bos_token="<s>", eos_token="</s>")
    dialogue = Dialogue((DialogueMessage("user", "Why rest?"), DialogueMessage("assistant", "To be able to work.")))
    chat = library_chat(ours.prepare_messages(dialogue.messages), parts=ours.template.form.parts)
    masked = theirs.apply_chat_template(
        chat,
        chat_template=TEMPLATES[name].read_text("utf-8"),
        return_dict=True,
        return_assistant_tokens_mask=True,
        **template_options(),
    )
    within = [token for token, learnt in zip(masked["input_ids"], masked["assistant_masks"], strict=True) if learnt]
    [example] = encode_dialogue(dialogue, ours)
    learnt = [label for label in example.labels if label != IGNORE_INDEX]
    ends = [at + len(learnt) for at in range(len(within)) if within[at : at + len(learnt)] == learnt]
    assert ends
    assert not theirs.decode(within[ends[0] :], skip_special_tokens=True).strip()


@pytest.mark.parametrize("name", TEMPLATES)
def test_reasoning_is_learnt_as_the_engine_will_tell_it_apart(name: str, byte_bpe: Path) -> None:
    tokenizer = with_template(byte_bpe, name)
    dialogue = Dialogue(
        (
            DialogueMessage("user", "Why rest?"),
            DialogueMessage("assistant", "<think>\nWork needs strength.\n</think>\n\nTo work."),
            DialogueMessage("user", "Чем?"),
            DialogueMessage("assistant", "<think>Что даёт силу?\nСон.</think>Сном."),
        )
    )
    # The first answer is asked for in a prompt of its own: the second one's has no thought in it.
    first, second = encode_dialogue(dialogue, tokenizer)
    asked = [Message("user", "Why rest?"), Message("assistant", "To work."), Message("user", "Чем?")]
    for example, prompt, expected in (
        (first, asked[:1], ("Work needs strength.", "To work.")),
        (second, asked, ("Что даёт силу?\nСон.", "Сном.")),
    ):
        learnt = [label for label in example.labels if label != IGNORE_INDEX]
        assert example.ids == tokenizer.encode_prompt(prompt, thinking=True) + learnt
        assert learnt[-1] == tokenizer.end_id
        parser = tokenizer.reasoning_parser(thinking=True)
        assert split_thought(tokenizer.decode_marked(learnt[:-1]), parser) == expected


def library_chat(messages: Sequence[Message], *, parts: bool) -> list[dict[str, object]]:
    return [
        {"role": m.role, "content": [{"type": "text", "text": m.content}] if parts else m.content} for m in messages
    ]
