"""Lists of messages: of OpenAI and Hugging Face (role, content), of ShareGPT (from, value), and their variants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from inference.training.forms.fields import (
    Record,
    find_given,
    is_learnt,
    joined,
    normalised,
    refuse_unlearnable,
    text_of,
)
from inference.training.forms.refusals import (
    Contradiction,
    EmptyField,
    MissingField,
    NotText,
    ToolUse,
    UnknownRole,
    WrongValue,
)
from inference.training.message import THOUGHT_END, DialogueMessage

Role = Literal["system", "user", "assistant"]

_ROLE_FIELDS: Final = ("role", "from", "speaker")
_TEXT_FIELDS: Final = ("content", "value", "text")
_REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "thinking")
_ROLES: Final[dict[str, Role]] = {
    **dict.fromkeys(("user", "human", "prompter", "пользователь", "человек"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "chatgpt", "bot", "model", "ai", "bing", "bard", "ассистент", "бот"), "assistant"
    ),
    **dict.fromkeys(("system", "developer", "система"), "system"),
}
_TOOL_ROLES: Final = ("tool", "tool_call", "tool_response", "tool_result", "function", "function_call",
                      "function_response", "observation", "ipython")  # fmt: skip
_TEXT_PARTS: Final = ("text", "input_text", "output_text")
_TOOL_PARTS: Final = ("tool_use", "tool_result", "tool_call", "function_call")
_EXAMPLE: Final = {
    "role": '"role": "user"',
    "from": '"from": "human"',
    "content": '"content": "…"',
    "value": '"value": "…"',
}


def is_message(value: object) -> bool:
    """Whether a JSON value looks like a message rather than like a dialogue."""
    return isinstance(value, dict) and any(name in value for name in ("role", "from", "content", "value"))


def read_messages(items: object, field: str) -> list[DialogueMessage]:
    """The messages of a list, without blank system messages; their order is not looked at.

    Raises:
        RecordRefused: with the field that is at fault.
    """
    if not isinstance(items, list):
        raise WrongValue(field, items, '[{"role": "user", "content": "…"}, …]')
    if not items:
        raise EmptyField(field)
    messages = (_read_message(item, f"{field}[{number}]") for number, item in enumerate(items))
    return [message for message in messages if message is not None]


def with_reasoning(record: Record, content: str, field: str = "") -> str:
    """The text of an answer, led by the reasoning that the record has in a field of its own.

    Raises:
        Contradiction: the text brings other reasoning.
    """
    name = find_given(record, _REASONING_FIELDS, field)
    if name is None:
        return content
    reasoning = text_of(record[name], joined(field, name)).strip()
    if THOUGHT_END not in content:
        return _think(reasoning) + content
    if reasoning not in content:
        raise Contradiction(joined(field, name), joined(field, "content"))
    return content


def _read_message(item: object, field: str) -> DialogueMessage | None:
    if not isinstance(item, dict):
        raise WrongValue(field, item, '{"role": "user", "content": "…"}')
    role = _read_role(item, field)
    refuse_unlearnable(item, field)
    if refusal := find_given(item, ("refusal",)):
        raise NotText(joined(field, refusal), refusal)
    key = _present(item, _TEXT_FIELDS) or ("value" if "from" in item else "content")
    if role == "system" and isinstance(item.get(key), str) and not item[key].strip():
        return None
    content = _read_content(item.get(key), joined(field, key), _EXAMPLE.get(key, '"…"'))
    learn = is_learnt(item, field)
    speaker = item.get("name")
    return DialogueMessage(
        role,
        with_reasoning(item, content, field) if role == "assistant" else content,
        learn=role != "assistant" or learn is not False,
        name=speaker if isinstance(speaker, str) and speaker.strip() else None,
    )


def _read_role(item: Record, field: str) -> Role:
    key = _present(item, _ROLE_FIELDS)
    if key is None:
        missing = "from" if "value" in item else "role"
        raise MissingField(joined(field, missing), _EXAMPLE[missing])
    value = item[key]
    name = normalised(value) if isinstance(value, str) else ""
    if name in _TOOL_ROLES:
        raise ToolUse(f"{joined(field, key)}: {name}")
    if name not in _ROLES:
        raise UnknownRole(joined(field, key), value)
    return _ROLES[name]


def _present(item: Record, names: Sequence[str]) -> str | None:
    return next((name for name in names if item.get(name) is not None), None)


def _read_content(value: object, field: str, example: str) -> str:
    if not isinstance(value, list):
        return text_of(value, field, example)
    thoughts: list[str] = []
    texts: list[str] = []
    for is_thought, text in _read_parts(value, field):
        (thoughts if is_thought else texts).append(text)
    if not texts:
        raise EmptyField(field)
    return "".join(map(_think, thoughts)) + "\n".join(texts)


def _read_parts(parts: Sequence[object], field: str) -> Iterator[tuple[bool, str]]:
    """Each part that says anything: whether it is reasoning, and its text."""
    for number, part in enumerate(parts):
        place = f"{field}[{number}]"
        if not isinstance(part, dict):
            yield False, text_of(part, place, '{"type": "text", "text": "…"}')
            continue
        kind = part.get("type", "text")
        if kind in _TOOL_PARTS:
            raise ToolUse(place)
        key = "thinking" if kind == "thinking" else "text"
        if kind != "thinking" and kind not in _TEXT_PARTS:
            raise NotText(place, str(kind))
        if not isinstance(part.get(key), str) or part[key].strip():
            yield kind == "thinking", text_of(part.get(key), joined(place, key), f'"{key}": "…"')


def _think(reasoning: str) -> str:
    return f"<think>\n{reasoning}\n{THOUGHT_END}\n\n"
