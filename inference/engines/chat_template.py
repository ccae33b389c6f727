"""A base model's chat template: messages in, the prompt's text out.

Chat templates are Jinja, written against the environment Hugging Face renders them in; this is that environment,
without the rest of the library, which takes seconds to import.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inference.engines.errors import ModelNotLoadable, PromptRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from inference.engines.port import Message

TEMPLATE_OPTIONS: Mapping[str, object] = {"enable_thinking": False}
"""Options for every template: hybrid models answer without thinking, others ignore them."""

_SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class ChatTemplate:
    """The chat template kept in a checkpoint's folder."""

    def __init__(self, folder: Path) -> None:
        """Read and compile it.

        Raises:
            ModelNotLoadable: the folder has no chat template, or a broken one.
        """
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals |= {"raise_exception": _raise_exception, "strftime_now": _strftime_now}
        try:
            settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
            self._template = environment.from_string(_read_template(folder, settings))
        except (OSError, ValueError, TemplateError) as error:
            raise ModelNotLoadable(folder=folder, reason=f"no usable chat template ({error})") from error
        self._special_tokens = {name: _token_text(settings[name]) for name in _SPECIAL_TOKENS if settings.get(name)}

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt's text, up to and with the head of the answer to come.

        Raises:
            PromptRefused: the template does not take these roles or this order.
        """
        chat = [{"role": m.role, "content": m.content} for m in messages]
        try:
            return self._template.render(
                messages=chat, add_generation_prompt=True, **self._special_tokens, **TEMPLATE_OPTIONS
            )
        except TemplateError as error:
            raise PromptRefused(reason=str(error).rstrip(".")) from error


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


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(reason: str) -> NoReturn:
    raise TemplateError(reason)


def _strftime_now(form: str) -> str:
    return datetime.now(UTC).strftime(form)
