"""A base model's chat template: messages in, the prompt's text out.

Chat templates are Jinja, written against the environment Hugging Face renders them in; this is that environment,
without the rest of the library, which takes seconds to import.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inference.engines.errors import ModelNotLoadable, PromptRefused
from inference.engines.folding import TemplateForm, explore_template, fold_messages
from inference.engines.port import Message
from inference.engines.reasoning import find_open_thought
from inference.engines.tool_calls import CallForm, find_call_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jinja2.parser import Parser


def template_options(*, thinking: bool = False) -> dict[str, object]:
    """Options for every template: whether hybrid models think before they answer. Others ignore them."""
    return {"enable_thinking": thinking, "thinking": thinking}


_SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")
_QUESTION: Final = Message("user", "colchicum")
_ANSWER: Final = Message("assistant", "damselfly")
"""An exchange whose texts are found again in its rendering."""
_THOUGHT: Final = "marzipan"


class ChatTemplate:
    """The chat template kept in a checkpoint's folder."""

    def __init__(self, folder: Path) -> None:
        """Read and compile it.

        Raises:
            ModelNotLoadable: the folder has no chat template, or a broken one.
        """
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _AnswerBlock]
        )
        environment.filters["tojson"] = _to_json
        environment.globals |= {"raise_exception": _raise_exception, "strftime_now": _strftime_now}
        try:
            settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
            self._template = environment.from_string(_read_template(folder, settings))
        except (OSError, ValueError, TemplateError) as error:
            raise ModelNotLoadable(folder=folder, reason=f"no usable chat template ({error})") from error
        self._special_tokens = {name: _token_text(settings[name]) for name in _SPECIAL_TOKENS if settings.get(name)}

    @property
    def eos_token(self) -> str | None:
        """The tokenizer's own end mark."""
        return self._special_tokens.get("eos_token")

    @cached_property
    def form(self) -> TemplateForm:
        """What it can express, as trying it shows."""
        return explore_template(self._render)

    def fold(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as it can express them; see `fold_messages`."""
        return fold_messages(messages, self.form)

    @cached_property
    def call_form(self) -> CallForm | None:
        """How it writes calls of tools; None if it has no tools, or writes them in a form that is not understood."""

        def render(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> str:
            try:
                return self._render_chat(messages, tools=tools, prompt=False)
            except PromptRefused:
                return ""

        return find_call_form(render) if self.form.usable else None

    def render(
        self, messages: Sequence[Message], *, thinking: bool = False, tools: Sequence[Mapping[str, Any]] = ()
    ) -> str:
        """The prompt's text of folded messages, up to and with the head of the answer to come, but for `answer_head`.

        Args:
            thinking: whether the model may think before it answers.
            tools: what the model may call.

        Raises:
            PromptRefused: the template does not take these roles or this order.
        """
        return self._render(messages, self.form.parts, thinking=thinking, tools=tools)

    @cached_property
    def thought_end(self) -> str | None:
        """What ends the thought that a prompt for thinking has begun; None if it leaves that to the model."""
        if not self.form.usable:
            return None
        thought = find_open_thought(self.render([_QUESTION], thinking=True))
        return thought.end if thought else None

    @cached_property
    def thought_frame(self) -> tuple[str, str]:
        """What a model writes before a thought, and between it and the answer."""
        prompt = self.render([_QUESTION], thinking=True)
        rendered = self._render_answered([_QUESTION, _ANSWER], thought=_THOUGHT)
        before, thought, rest = rendered.partition(_THOUGHT)
        between, answer, _ = rest.partition(_ANSWER.content)
        if thought and answer and before.startswith(prompt):
            return before.removeprefix(prompt), between
        return ("", f"\n{self.thought_end}\n\n") if self.thought_end else ("<think>\n", "\n</think>\n\n")

    @cached_property
    def answer_head(self) -> str:
        """What belongs between a prompt and an answer without a thought, and is not part of the prompt's rendering.

        Some templates write more before an answer than before the place where one is generated (a channel's name),
        and some leave a thought open that no option closes.
        """
        if not self.form.usable:
            return ""
        prompt = self.render([_QUESTION])
        if thought := find_open_thought(prompt):
            return f"{thought.end}\n\n"
        head = self._text_before_answer(prompt)
        return head if head.strip() else ""

    @cached_property
    def answer_space(self) -> str:
        """White space that the template writes before each answer, and that the model therefore generates."""
        head = self._text_before_answer(self.render([_QUESTION])) if self.form.usable else ""
        return head if not head.strip() else ""

    @cached_property
    def texts_after_answer(self) -> tuple[str, ...]:
        """What follows an answer: at the end, and where the person goes on. One begins with the answer's end mark."""
        followed = [[_QUESTION, _ANSWER], [_QUESTION, _ANSWER, Message("user", "marzipan")]]
        return tuple(text.partition(_ANSWER.content)[2] for text in map(self._render_answered, followed) if text)

    def _text_before_answer(self, prompt: str) -> str:
        """What the template writes between a prompt and its answer; empty when it renders the two differently."""
        answered = self._render_answered([_QUESTION, _ANSWER])
        before, found, _ = answered.partition(_ANSWER.content)
        return before.removeprefix(prompt) if found and before.startswith(prompt) else ""

    def _render_answered(self, messages: Sequence[Message], *, thought: str = "") -> str:
        """A rendering without the head of an answer to come; empty if the template refuses it.

        Args:
            thought: what is thought before the answer that is the last message.
        """
        try:
            return self._render(messages, self.form.parts, prompt=False, thinking=bool(thought), thought=thought)
        except PromptRefused:
            return ""

    def _render(
        self,
        messages: Sequence[Message],
        parts: bool,
        *,
        prompt: bool = True,
        thinking: bool = False,
        thought: str = "",
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """The rendering of messages as they are; with `parts` each content is a list with one text."""
        chat = [_to_chat_message(message, parts) for message in messages]
        if thought:
            chat[-1]["reasoning_content"] = thought
        return self._render_chat(chat, prompt=prompt, thinking=thinking, tools=tools)

    def _render_chat(
        self,
        chat: Sequence[Mapping[str, Any]],
        *,
        prompt: bool,
        thinking: bool = False,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        variables = {"documents": None, **self._special_tokens, **template_options(thinking=thinking)}
        given = list(tools) or None
        try:
            return self._template.render(messages=chat, tools=given, add_generation_prompt=prompt, **variables)
        except Exception as error:  # a template is a program, and may fail in any way of Jinja's and Python's
            raise PromptRefused(reason=str(error).rstrip(".")) from error


def _to_chat_message(message: Message, parts: bool) -> dict[str, object]:
    """A message as templates read it: arguments of calls are objects, not text."""
    content = [{"type": "text", "text": message.content}] if parts else message.content
    chat: dict[str, object] = {"role": message.role, "content": content}
    if message.tool_calls:
        chat["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _read_arguments(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        chat["tool_call_id"] = message.tool_call_id
    return chat


def _read_arguments(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


class _AnswerBlock(Extension):
    """`{% generation %}`: templates for training mark with it what the model writes. Here it only has to render."""

    tags = {"generation"}  # noqa: RUF012 - as the base class declares it

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _read_template(folder: Path, settings: Mapping[str, Any]) -> str:
    """The template's text; its own file goes before the entry in the tokenizer's settings."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text("utf-8")
    source = settings.get("chat_template")
    if isinstance(source, list):
        source = {entry["name"]: entry["template"] for entry in source}.get("default")
    if not isinstance(source, str):
        raise ValueError("chat_template.jinja is missing")
    return source


def _token_text(token: str | Mapping[str, Any]) -> str:
    return token if isinstance(token, str) else str(token["content"])


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(reason: str) -> NoReturn:
    raise TemplateError(reason)


def _strftime_now(form: str) -> str:
    return datetime.now(UTC).strftime(form)
