"""Calls of tools in what a model generates, in the form that its chat template writes them in.

Every family of models has a form of its own. A template shows it: it writes past calls as the model was taught to. So
a call with known words is rendered, and what stands around the words is the form. Two kinds are understood: an object
in JSON with the name and the arguments, and tags around the name and each argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from inference.engines.port import TextDelta, ThoughtDelta, ToolCall
from inference.engines.reasoning import ReasoningParser, held_length

_TOOL: Final = "colchicum_lookup"
_KEYS: Final = ("damselfly", "marzipan")
_VALUES: Final = ("hornbeam", "quicklime")
_QUESTION: Final = "bellwether"
_RESULT: Final = "gossamer"
_TEXT: Final = "kingfisher"
"""Words to find again in a rendering."""
_NAME: Final = re.compile(r"[\w.\-]{1,64}")
_TAG: Final = re.compile(r"[\s\]]*(<[^<>]+>|\[/?[A-Z_]+\])")

RenderTools = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], str]
"""Renders messages in OpenAI's form with tools, without the head of an answer to come; empty if it is refused."""


class CallForm(Protocol):
    """How a model writes its calls."""

    @property
    def opening(self) -> str:
        """What every call begins with; empty if a call is an answer that begins with a brace."""
        ...

    def parse(self, text: str, tools: Sequence[Mapping[str, Any]]) -> tuple[list[ToolCall], str]:
        """The calls in a text that begins with the first of them, and what is left of the text."""
        ...


@dataclass(frozen=True, slots=True)
class JsonCalls:
    """Each call is an object with a name and an object of arguments; several may be in a list."""

    opening: str
    closing: str
    name_key: str
    arguments_key: str

    def parse(self, text: str, tools: Sequence[Mapping[str, Any]]) -> tuple[list[ToolCall], str]:
        calls, rest, place = [], [], 0
        decoder = json.JSONDecoder()
        while (brace := text.find("{", place)) >= 0:
            try:
                value, end = decoder.raw_decode(text, brace)
            except ValueError:
                break
            rest.append(text[place:brace])
            name, arguments = value.get(self.name_key), value.get(self.arguments_key, {})
            if isinstance(name, str) and isinstance(arguments, dict):
                calls.append(ToolCall(name, json.dumps(arguments, ensure_ascii=False)))
            else:
                rest.append(text[brace:end])
            place = end
        rest.append(text[place:])
        left = "".join(rest)
        for mark in (self.opening, self.closing):
            left = left.replace(mark, "") if mark else left
        return calls, left.strip(" \t\r\n,;[]") if calls else text


@dataclass(frozen=True, slots=True)
class TaggedCalls:
    """Tags stand around the name, and around the name and the value of each argument."""

    before_name: str
    before_key: str
    before_value: str
    after_value: str

    @property
    def opening(self) -> str:
        return self.before_name.split()[0]

    def parse(self, text: str, tools: Sequence[Mapping[str, Any]]) -> tuple[list[ToolCall], str]:
        argument = re.compile(
            f"{_loosely(self.before_key)}(?P<key>[^<>\\s]+?){_loosely(self.before_value)}"
            f"(?P<value>.*?){_loosely(self.after_value)}",
            re.DOTALL,
        )
        calls = []
        for part in re.split(_loosely(self.before_name), text)[1:]:
            name = _NAME.match(part)
            if name is None:
                continue
            types = _argument_types(name[0], tools)
            given = {
                found["key"]: _to_value(found["value"].removeprefix("\n").removesuffix("\n"), types.get(found["key"]))
                for found in argument.finditer(part, name.end())
            }
            calls.append(ToolCall(name[0], json.dumps(given, ensure_ascii=False)))
        return calls, "" if calls else text


def find_call_form(render: RenderTools) -> CallForm | None:
    """The form in which a template writes calls; None if it has no tools, or a form that is not understood."""
    arguments = dict(zip(_KEYS, _VALUES, strict=True))
    properties = {key: {"type": "string"} for key in _KEYS}
    parameters = {"type": "object", "properties": properties, "required": list(_KEYS)}
    function = {"name": _TOOL, "description": _TEXT, "parameters": parameters}
    tools = [{"type": "function", "function": function}]
    question = {"role": "user", "content": _QUESTION}
    if _TOOL not in render([question], tools):
        return None
    call = {"id": "call00001", "type": "function", "function": {"name": _TOOL, "arguments": arguments}}
    asking = {"role": "assistant", "content": "", "tool_calls": [call]}
    result = {"role": "tool", "content": _RESULT, "tool_call_id": "call00001", "name": _TOOL}
    asked = _after_question(render([question, asking, result], tools)).partition(_RESULT)[0]
    if _TOOL not in asked:
        return None
    told = _after_question(render([question, {"role": "assistant", "content": _TEXT}], tools)).partition(_TEXT)[0]
    head = _common_start(asked, told)
    if head != told:  # two tags may begin alike
        head = head[: max(head.rfind(">"), head.rfind("\n")) + 1]
    written = asked.removeprefix(head)
    return _json_form(written) or _tagged_form(written)


class ToolCallParser:
    """Parts a generated text into thoughts, answer and calls; to be used as `ReasoningParser` is.

    Calls come last: what begins as one is held back until all is there, and is text if it turns out to be none.
    """

    def __init__(
        self,
        thoughts: ReasoningParser,
        form: CallForm,
        tools: Sequence[Mapping[str, Any]],
        clean: Callable[[str], str] = str,
    ) -> None:
        """Set up.

        Args:
            thoughts: parts thoughts from what is parsed here; it cleans nothing.
            tools: what may be called.
            clean: takes out of an answer's text what does not belong in it.
        """
        self._thoughts = thoughts
        self._form = form
        self._tools = tools
        self._clean = clean
        self._rest = ""
        self._has_begun = False
        self._is_call = False

    def feed(self, piece: str) -> Iterator[TextDelta | ThoughtDelta]:
        """What has become certain with this piece."""
        for event in self._thoughts.feed(piece):
            if isinstance(event, ThoughtDelta):
                yield event
            else:
                yield from self._take_text(event.text)

    def close_thought(self) -> None:
        """Take what follows for the answer: its thoughts have come by another way."""
        self._thoughts.close_thought()

    def finish(self) -> Iterator[TextDelta | ThoughtDelta | ToolCall]:
        """What was held back, when nothing will follow: text, and then the calls."""
        for event in self._thoughts.finish():
            if isinstance(event, ThoughtDelta):
                yield event
            else:
                yield from self._take_text(event.text)
        calls, rest = self._form.parse(self._rest, self._tools) if self._is_call else ([], self._rest)
        yield from self._text(rest)
        yield from calls

    def _take_text(self, text: str) -> Iterator[TextDelta]:
        self._rest += text
        if self._is_call:
            return
        opening = self._form.opening
        if not opening:
            begun = self._rest.lstrip()
            self._is_call = not self._has_begun and begun.startswith("{")
            if begun and not self._is_call:
                yield from self._release(len(self._rest))
            return
        at = self._rest.find(opening)
        if at >= 0:
            self._is_call = True
            yield from self._release(at)
        else:
            yield from self._release(len(self._rest) - held_length(self._rest, [opening]))

    def _release(self, length: int) -> Iterator[TextDelta]:
        text, self._rest = self._rest[:length], self._rest[length:]
        yield from self._text(text)

    def _text(self, text: str) -> Iterator[TextDelta]:
        if cleaned := self._clean(text):
            self._has_begun = True
            yield TextDelta(cleaned)


def call_schema(tools: Sequence[Mapping[str, Any]], name: str | None = None) -> dict[str, Any]:
    """The JSON schema of one call of these tools: `{"name": …, "arguments": {…}}`.

    Args:
        name: the only tool that may be called; None for any.
    """
    functions = [tool["function"] for tool in tools if name in (None, tool["function"]["name"])]
    forms = [
        {
            "type": "object",
            "properties": {
                "name": {"const": function["name"]},
                "arguments": function.get("parameters") or {"type": "object"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for function in functions
    ]
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def parse_schema_call(text: str) -> ToolCall | None:
    """The call in a text that satisfies `call_schema`; None if it was cut before its end."""
    try:
        call = json.loads(text)
        return ToolCall(call["name"], json.dumps(call["arguments"], ensure_ascii=False))
    except (ValueError, KeyError, TypeError):
        return None


def _common_start(one: str, other: str) -> str:
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def _after_question(text: str) -> str:
    return text.partition(_QUESTION)[2]


def _json_form(written: str) -> JsonCalls | None:
    at = written.find(_TOOL)
    brace = written.rfind("{", 0, at)
    if brace < 0:
        return None
    try:
        call, end = json.JSONDecoder().raw_decode(written, brace)
    except ValueError:
        return None
    names = [key for key, value in call.items() if value == _TOOL]
    arguments = [key for key, value in call.items() if isinstance(value, dict) and _KEYS[0] in value]
    if not names or not arguments:
        return None
    opening = written[:brace].strip().removesuffix("[").strip()
    closing = _TAG.match(written, end) if opening else None
    return JsonCalls(opening, closing[1] if closing else "", names[0], arguments[0])


def _tagged_form(written: str) -> TaggedCalls | None:
    pieces = []
    rest = written
    for word in (_TOOL, _KEYS[0], _VALUES[0], _KEYS[1], _VALUES[1]):
        piece, found, rest = rest.partition(word)
        if not found:
            return None
        pieces.append(piece)
    before_name, before_first, to_value, between, to_second_value = pieces
    if to_value != to_second_value or not before_name.lstrip().startswith(("<", "[")):
        return None
    before_key = _common_start(before_first[::-1], between[::-1])[::-1]
    after_value = between.removesuffix(before_key)
    if not before_key.strip() or not after_value.strip() or "<" not in after_value:
        return None
    return TaggedCalls(before_name.lstrip(), before_key, to_value, after_value)


def _loosely(tags: str) -> str:
    """A pattern of tags with any white space between them: models vary it."""
    return r"\s*".join(re.escape(part) for part in tags.split())


def _argument_types(name: str, tools: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The type of each argument of a tool, as far as its schema says one."""
    for tool in tools:
        function = tool["function"]
        if function["name"] == name:
            properties = (function.get("parameters") or {}).get("properties")
            properties = properties if isinstance(properties, dict) else {}
            return {key: schema.get("type") for key, schema in properties.items() if isinstance(schema, dict)}
    return {}


def _to_value(text: str, type_name: object) -> object:
    """An argument as its schema has it: texts as they are, everything else as JSON, where it is JSON."""
    if type_name == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
