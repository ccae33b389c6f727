"""Grammars of JSON schemas: which tokens an answer may go on with so that it satisfies its schema."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask
from tokenizers import Tokenizer

from inference.engines.errors import GenerationFailed, ModelNotLoadable, SchemaRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_STRUCTURAL_BYTES = frozenset(b'"\\{}[],:')


class GrammarCompiler:
    """Compiles JSON schemas against one tokenizer, which is read by the first of them (about 1 s). For one thread."""

    def __init__(self, folder: Path, stop_ids: Sequence[int]) -> None:
        """Set up, without reading anything.

        Args:
            folder: a checkpoint's folder, with `tokenizer.json`.
            stop_ids: tokens that end an answer.
        """
        self._folder = folder
        self._stop_ids = list(stop_ids)

    def compile(self, schema: Mapping[str, Any]) -> Grammar:
        """The grammar of a schema, at its beginning. Takes milliseconds.

        Raises:
            SchemaRefused: it is no schema, cannot be satisfied, or uses what no grammar can keep to.
            ModelNotLoadable: the tokenizer is of a kind that grammars do not work with.
        """
        try:
            grammar = LLMatcher.grammar_from_json_schema(
                json.dumps(dict(schema)),
                # one way to write each value: a weak model that may choose writes spaces for ever
                overrides={"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "},
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise SchemaRefused(reason=_single_line(str(error))) from error
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
        if matcher.is_error():
            raise SchemaRefused(reason=_single_line(matcher.get_error()))
        return Grammar(matcher, self._structural)

    @cached_property
    def _tokenizer(self) -> LLTokenizer:
        try:
            settings = json.loads((self._folder / "tokenizer.json").read_text("utf-8"))
            text = json.dumps(settings | {"truncation": None, "padding": None})
            plain = TokenizerWrapper(_PlainTextTokenizer(text, self._stop_ids))
            return LLTokenizer(plain, eos_token=self._stop_ids, slices=LLTokenizer.json_slices())
        except Exception as error:  # the Rust library's errors have no common kind
            reason = f"tokenizer.json does not do for JSON schemas ({_single_line(str(error))})"
            raise ModelNotLoadable(folder=self._folder, reason=reason) from error

    @cached_property
    def _structural(self) -> NDArray[np.bool_]:
        tokens = range(self._tokenizer.vocab_size)
        structural = np.array(
            [not _STRUCTURAL_BYTES.isdisjoint(self._tokenizer.decode_bytes([token])) for token in tokens]
        )
        structural[[token for token in self._stop_ids if token < structural.size]] = True
        return structural


class _PlainTextTokenizer:
    """A tokenizer to which `<|im_end|>` in a text is ten letters and not the token of that name.

    llguidance writes what a schema leaves no choice about with the tokenizer it is given. Read from `tokenizer.json`
    it writes the token, which is no text: a value of these letters could never be said.
    """

    def __init__(self, settings: str, stop_ids: Sequence[int]) -> None:
        read = LLTokenizer(settings)
        self.tokens = [read.decode_bytes([token]) for token in range(read.vocab_size)]
        self.special_token_ids = [token for token in range(read.vocab_size) if read.is_special_token(token)]
        self.bos_token_id = None
        self.eos_token_id = stop_ids[0]
        self._encoder = Tokenizer.from_str(settings)
        self._encoder.encode_special_tokens = True

    def __call__(self, text: bytes) -> list[int]:
        return self._encoder.encode(text.decode("utf-8"), add_special_tokens=False).ids


class Grammar:
    """The way of one answer through the grammar of its schema."""

    def __init__(self, matcher: LLMatcher, structural: NDArray[np.bool_]) -> None:
        self._matcher = matcher
        self._structural = structural
        self._mask = allocate_token_bitmask(1, structural.size)

    @property
    def structural_tokens(self) -> NDArray[np.bool_]:
        """Tokens that open, part or close values, or end the answer: bool (tokenizer's vocabulary,)."""
        return self._structural

    @property
    def is_complete(self) -> bool:
        """The answer satisfies the schema, and nothing can follow."""
        return self._matcher.is_stopped()

    def allowed_tokens(self) -> NDArray[np.bool_]:
        """Tokens the answer may go on with: bool (tokenizer's vocabulary,).

        Raises:
            GenerationFailed: the schema turned out too large to follow.
        """
        fill_next_token_bitmask(self._matcher, self._mask)
        self._raise_on_error()
        bits = np.unpackbits(self._mask.view(np.uint8)[0], count=self._structural.size, bitorder="little")
        return bits.view(np.bool_)

    def consume(self, token: int) -> None:
        """Go on by one allowed token."""
        self._matcher.consume_token(token)
        self._raise_on_error()

    def _raise_on_error(self) -> None:
        if self._matcher.is_error():
            raise GenerationFailed(reason=_single_line(self._matcher.get_error()))


def _single_line(reason: str) -> str:
    return " ".join(reason.split()).rstrip(".")
