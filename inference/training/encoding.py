"""Dialogues as tensors: prompts as the engine writes them, with only the answers' tokens to be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from inference.engines.port import Message
from inference.engines.reasoning import split_thought
from inference.engines.tokenizer import ChatTokenizer
from inference.training.dialogues import Dialogue

IGNORE_INDEX = -100
"""The label that cross-entropy skips."""
_PADDING = 0
"""Any token does: what it fills is neither attended to nor learnt."""


@dataclass(frozen=True, slots=True)
class Example:
    """What is learnt in one piece: `ids` and `labels` of equal length; labels are `IGNORE_INDEX` outside answers."""

    ids: list[int]
    labels: list[int]
    line: int = field(default=0, compare=False)
    """Where its dialogue stands in its file; 0 if it is of none."""

    @property
    def answer_tokens(self) -> int:
        """Tokens that are learnt; the first token of all is never predicted."""
        return sum(label != IGNORE_INDEX for label in self.labels[1:])


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples padded to one length: three integer tensors of shape (examples, tokens)."""

    ids: torch.Tensor
    attention: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(self.ids.to(device), self.attention.to(device), self.labels.to(device))


def encode_dialogue(dialogue: Dialogue, tokenizer: ChatTokenizer) -> list[Example]:
    """The dialogue's answers, each after exactly the ids with which the engine would ask for it.

    An answer belongs to the example of the next one if its prompt and itself begin the next one's prompt, id by id.
    So most dialogues are one example. A template that shows earlier answers otherwise than it asks for them, or
    that moves the system message along, makes several of one dialogue.

    An answer that begins with a thought is learnt with it, after the prompt of a model that may think; the prompts of
    later answers do not have the thought, as the engine's do not.

    An answer that is not to be learnt is only read, in the prompts of those after it.

    Raises:
        PromptRefused: the chat template does not take the dialogue's messages.
        AnswerNotWritable: the tokenizer cannot write an answer.
    """
    examples: list[Example] = []
    for position, message in enumerate(dialogue.messages):
        if message.role != "assistant" or not message.learn:
            continue
        asked = [_without_thought(earlier) for earlier in dialogue.messages[:position]]
        thought, text = split_thought(message.content)
        prompt = tokenizer.encode_prompt(asked, thinking=bool(thought))
        if thought:
            answer = tokenizer.encode_reasoned_answer(asked, thought, text)
        else:
            answer = tokenizer.encode_answer(asked, text)
        before = examples.pop() if examples and _begins(examples[-1].ids, prompt) else Example([], [])
        unlearnt = [IGNORE_INDEX] * (len(prompt) - len(before.ids))
        examples.append(Example(prompt + answer, before.labels + unlearnt + answer, dialogue.line))
    return examples


def make_batch(examples: Sequence[Example]) -> Batch:
    """Pad and stack, in the order given."""
    width = max(len(e.ids) for e in examples)
    return Batch(
        ids=torch.tensor([e.ids + [_PADDING] * (width - len(e.ids)) for e in examples]),
        attention=torch.tensor([[1] * len(e.ids) + [0] * (width - len(e.ids)) for e in examples]),
        labels=torch.tensor([e.labels + [IGNORE_INDEX] * (width - len(e.labels)) for e in examples]),
    )


def _without_thought(message: Message) -> Message:
    """The message as later prompts have it."""
    if message.role != "assistant":
        return message
    return Message(message.role, split_thought(message.content)[1])


def _begins(ids: Sequence[int], longer: Sequence[int]) -> bool:
    return list(longer[: len(ids)]) == list(ids)
