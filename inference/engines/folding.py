"""Messages in the form that a chat template can express.

Some templates know no system role, refuse two messages of one role in a row, or want the person to speak first. What
they cannot express is folded into what they can, in training and in answering alike, so that a model is asked in the
form that it was taught in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from inference.engines.errors import PromptRefused
from inference.engines.port import Message

_BETWEEN: Final = "\n\n"
"""Between texts that become one message."""
_OPENING: Final = "…"
"""What a person says before an answer that comes first, where a template wants them to begin."""
_WORDS: Final = ("colchicum", "damselfly", "marzipan")
"""Texts to find again in a rendering."""

Render = Callable[[Sequence[Message], bool], str]
"""Renders messages as they are; the second argument says whether contents go as lists of parts."""


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """What a chat template can express, as trying it has shown."""

    usable: bool = True
    """Whether it renders a single question at all."""
    parts: bool = False
    """Whether a content has to be a list of parts, as templates of models that see images expect it."""
    system: bool = True
    """Whether it has a system role."""
    repeats: bool = True
    """Whether one role may speak twice in a row."""
    answer_first: bool = True
    """Whether the assistant may speak first."""


def explore_template(render: Render) -> TemplateForm:
    """Try a template and see what it renders without refusing or dropping anything."""
    first, second, third = _WORDS
    for parts in (False, True):
        if _expresses(render, [Message("user", first)], parts):
            return TemplateForm(
                parts=parts,
                system=_expresses(render, [Message("system", first), Message("user", second)], parts),
                repeats=_expresses(render, [Message("user", first), Message("user", second)], parts)
                and _expresses(
                    render,
                    [Message("user", first), Message("assistant", second), Message("assistant", third)],
                    parts,
                ),
                answer_first=_expresses(render, [Message("assistant", first), Message("user", second)], parts),
            )
    return TemplateForm(usable=False)


def fold_messages(messages: Sequence[Message], form: TemplateForm) -> list[Message]:
    """The messages with what the template cannot express folded into what it can; nothing is lost.

    Without a system role, the system message leads the first message of the person. Where an answer may not come
    first, a person's “…” precedes it. Where roles must alternate, messages of one role in a row become one.
    """
    folded = list(messages)
    if not form.system:
        folded = _fold_system(folded)
    start = 1 if folded and folded[0].role == "system" else 0
    if not form.answer_first and len(folded) > start and folded[start].role == "assistant":
        folded.insert(start, Message("user", _OPENING))
    return folded if form.repeats else _merge_repeats(folded)


def _fold_system(messages: list[Message]) -> list[Message]:
    if not messages or messages[0].role != "system":
        return messages
    system, *rest = messages
    if rest and rest[0].role == "user":
        return [Message("user", f"{system.content}{_BETWEEN}{rest[0].content}"), *rest[1:]]
    return [Message("user", system.content), *rest]


def _merge_repeats(messages: Sequence[Message]) -> list[Message]:
    merged: list[Message] = []
    for message in messages:
        has_calls = bool(merged) and (bool(merged[-1].tool_calls) or bool(message.tool_calls))
        if merged and merged[-1].role == message.role != "tool" and not has_calls:
            merged[-1] = Message(message.role, f"{merged[-1].content}{_BETWEEN}{message.content}")
        else:
            merged.append(message)
    return merged


def _expresses(render: Render, messages: Sequence[Message], parts: bool) -> bool:
    try:
        text = render(messages, parts)
    except PromptRefused:
        return False
    return all(text.count(message.content) == 1 for message in messages)
