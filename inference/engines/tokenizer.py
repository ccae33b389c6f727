"""The base model's tokenizer and chat template, and how much the model can read and write at once."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from inference.engines.chat_template import ChatTemplate
from inference.engines.errors import ModelNotLoadable
from inference.engines.port import Message
from inference.text import replace_lone_surrogates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ChatTokenizer:
    """Tokenizer and chat template of one checkpoint; a `CountTokens`. Safe to use from several threads.

    Attributes:
        stop_ids: tokens that end an answer: the model's own end marks, and every control token, none of which
            belongs in a text.
    """

    def __init__(self, folder: Path) -> None:
        """Read it from a checkpoint's folder; takes some tens of milliseconds.

        Raises:
            ModelNotLoadable: a file is missing or broken.
        """
        self._template = ChatTemplate(folder)
        file = folder / "tokenizer.json"
        try:
            state = file.stat()
            self._tokenizer = _load_tokenizer(file, state.st_mtime_ns, state.st_size)
        except Exception as error:  # the Rust library raises bare Exception
            raise ModelNotLoadable(folder=folder, reason=f"tokenizer.json is unusable ({error})") from error
        control = {i: t.content for i, t in self._tokenizer.get_added_tokens_decoder().items() if t.special}
        self._control_token_pattern = re.compile(
            "|".join(map(re.escape, sorted(control.values(), key=len, reverse=True))) or r"(?!)"
        )
        self.stop_ids = frozenset(control) | _read_eos_token_ids(folder)

    def count(self, text: str) -> int:
        return len(self.encode(text))

    def count_prompt(self, messages: Sequence[Message]) -> int:
        return len(self.encode_prompt(messages))

    def encode(self, text: str) -> list[int]:
        """Ids of a bare text, in which nothing counts as a control token."""
        ids: list[int] = self._tokenizer.encode(self.escape_control_tokens(text), add_special_tokens=False).ids
        return ids

    def encode_prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of a whole prompt, up to and with the head of the answer to come.

        Raises:
            PromptRefused: the chat template does not take these messages.
        """
        prompt = self._template.render(self.escape_messages(messages))
        ids: list[int] = self._tokenizer.encode(prompt, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of an answer's ids, control tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def escape_control_tokens(self, text: str) -> str:
        """The text with nothing in it that the model would obey.

        A control token written out by a person or a document (`<|im_end|>`) is broken by a space, so that it cannot
        end their message and begin another's.
        """
        return self._control_token_pattern.sub(
            lambda token: f"{token[0][0]} {token[0][1:]}", replace_lone_surrogates(text)
        )

    def escape_messages(self, messages: Sequence[Message]) -> list[Message]:
        """The messages with their contents made `inert`."""
        return [Message(message.role, self.escape_control_tokens(message.content)) for message in messages]


@lru_cache(maxsize=4)
def _load_tokenizer(file: Path, modified: int, size: int) -> Tokenizer:
    """The tokenizer in a file; those who ask for the same state of it share one, which nobody changes.

    Args:
        modified: when the file was changed last, in nanoseconds.
        size: bytes of the file.
    """
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read_eos_token_ids(folder: Path) -> set[int]:
    """`eos_token_id` of the generation settings: one id, several, or none."""
    try:
        marks = json.loads((folder / "generation_config.json").read_text("utf-8")).get("eos_token_id", [])
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise ModelNotLoadable(folder=folder, reason=f"generation_config.json is unusable ({error})") from error
    return {marks} if isinstance(marks, int) else set(marks)


def read_context_length(folder: Path, limit: int | None) -> int:
    """Longest prompt and answer together of the model in `folder`, or `limit` if that is less.

    Raises:
        ModelNotLoadable: the folder's config is missing or broken.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        own = int(config.get("text_config", config)["max_position_embeddings"])  # multimodal models nest it
    except (OSError, ValueError, KeyError) as error:
        raise ModelNotLoadable(folder=folder, reason=f"config.json is unusable ({error})") from error
    return own if limit is None else min(own, limit)
