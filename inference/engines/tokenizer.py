"""The base model's tokenizer and chat template, and how much the model can read and write at once."""

from __future__ import annotations

import json
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from inference.engines.chat_template import ChatTemplate
from inference.engines.errors import AnswerNotWritable, ModelNotLoadable
from inference.engines.port import Message, ToolCall
from inference.engines.reasoning import ReasoningParser, split_thought
from inference.engines.tool_calls import ToolCallParser
from inference.text import replace_lone_surrogates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from inference.engines.port import GenerationRequest


class ChatTokenizer:
    """Tokenizer and chat template of one checkpoint; a `CountTokens`. Safe to use from several threads.

    Attributes:
        template: the chat template.
        stop_ids: tokens that end an answer: the model's own end marks, and every control token, none of which
            belongs in a text.
    """

    def __init__(self, folder: Path) -> None:
        """Read it from a checkpoint's folder; takes some tens of milliseconds.

        Raises:
            ModelNotLoadable: a file is missing or broken.
        """
        self._folder = folder
        self.template = ChatTemplate(folder)
        file = folder / "tokenizer.json"
        try:
            state = file.stat()
            self._tokenizer = _load_tokenizer(file, state.st_mtime_ns, state.st_size)
            self._plain_tokenizer = _load_tokenizer(file, state.st_mtime_ns, state.st_size, plain=True)
        except Exception as error:  # the Rust library raises bare Exception
            raise ModelNotLoadable(folder=folder, reason=f"tokenizer.json is unusable ({error})") from error
        control = {i: t.content for i, t in self._tokenizer.get_added_tokens_decoder().items() if t.special}
        self._eos_id: int | None = self._tokenizer.token_to_id(self.template.eos_token or "")
        self._control_token_pattern = re.compile(
            "|".join(map(re.escape, sorted(control.values(), key=len, reverse=True))) or r"(?!)"
        )
        self._own_end_ids = _read_eos_token_ids(folder) | ({self._eos_id} if self._eos_id is not None else set())
        self.stop_ids = frozenset(control) | self._own_end_ids

    def count(self, text: str) -> int:
        return len(self.encode(text))

    def count_prompt(self, messages: Sequence[Message]) -> int:
        return len(self.encode_prompt(messages))

    def encode(self, text: str) -> list[int]:
        """Ids of a bare text, in which nothing counts as a control token."""
        ids: list[int] = self._plain_tokenizer.encode(replace_lone_surrogates(text), add_special_tokens=False).ids
        if not self.stop_ids.isdisjoint(ids):
            # Some vocabularies hold control tokens as ordinary pieces, too.
            ids = self._plain_tokenizer.encode(self.escape_control_tokens(text), add_special_tokens=False).ids
        return ids

    def encode_marked(self, text: str) -> list[int]:
        """Ids of a text in which control tokens count as such."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    @property
    def takes_tools(self) -> bool:
        return self.template.call_form is not None

    def encode_prompt(
        self,
        messages: Sequence[Message],
        *,
        thinking: bool = False,
        answer_prefix: str = "",
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> list[int]:
        """Ids of a whole prompt, up to and with the head of the answer to come, or of the thought before it.

        Args:
            answer_prefix: the beginning of the answer, which is not thought about.
            tools: what the model may call.

        Raises:
            PromptRefused: the chat template does not take these messages.
        """
        prepared, offered = self.prepare_messages(messages), self.prepare_tools(tools)
        rendered = self.encode_marked(self.template.render(prepared, thinking=thinking, tools=offered))
        if thinking:
            return rendered
        begun = self.encode(self.template.answer_space + answer_prefix) if answer_prefix else ()
        return [*rendered, *self._answer_head_ids, *begun]

    def encode_answer(self, messages: Sequence[Message], answer: str) -> list[int]:
        """Ids that a model writes to give this answer to these messages, with the one that ends it.

        They are those of prompt and answer tokenised as one text, as the model has seen them in its first training,
        with the white space that the template writes before an answer. Where that changes the prompt's own ids, or
        does not give the answer back, the answer is tokenised by itself.

        Raises:
            PromptRefused: the chat template does not take these messages.
            AnswerNotWritable: the tokenizer cannot write the answer: its ids decode to another text.
        """
        answer = replace_lone_surrogates(answer)
        prompt = self._render_prompt(messages)
        ids = [*self.encode_marked(prompt), *self._answer_head_ids]
        for space in dict.fromkeys((self.template.answer_space, "")):
            joint = self.encode_marked(prompt + self.answer_head + space + answer)
            written = joint[len(ids) :]
            if joint[: len(ids)] == ids and self._writes(written, answer, space):
                return [*written, self.end_id]
        for text in (answer, f" {answer}"):  # some decoders drop a text's first space
            written = self.encode(text)
            if self._writes(written, answer):
                return [*written, self.end_id]
        raise AnswerNotWritable(answer=answer, written=self.decode(self.encode(answer)))

    def encode_reasoned_answer(self, messages: Sequence[Message], thought: str, answer: str) -> list[int]:
        """Ids that a model writes to think this, and then give this answer, to these messages; its end mark is last.

        Raises:
            PromptRefused: the chat template does not take these messages.
            AnswerNotWritable: the ids would not be read as this thought and this answer.
        """
        before, between = self.template.thought_frame
        prompt = self.template.render(self.prepare_messages(messages), thinking=True)
        ids = self.encode_marked(prompt)
        joint = self.encode_marked(f"{prompt}{before}{thought}{between}{answer}")
        parted = [self.encode_marked(before), self.encode(thought), self.encode_marked(between), self.encode(answer)]
        for written in (joint[len(ids) :] if joint[: len(ids)] == ids else [], [i for part in parted for i in part]):
            if self.end_ids.isdisjoint(written) and self._read_reasoned(written) == (thought.strip(), answer):
                return [*written, self.end_id]
        raise AnswerNotWritable(answer=answer, written=self._read_reasoned(written)[1])

    def _read_reasoned(self, ids: Sequence[int]) -> tuple[str, str]:
        """Thought and answer in generated ids, as an engine tells them apart."""
        return split_thought(self.decode_marked(ids), self.reasoning_parser(thinking=True))

    @property
    def answer_head(self) -> str:
        """What follows the template's prompt before an answer is generated; see `ChatTemplate.answer_head`."""
        return self.template.answer_head

    @cached_property
    def end_id(self) -> int:
        """The token with which an answer ends: the first that the template writes after one and that stops it.

        A template that writes none leaves it to the head of the next message, or to the tokenizer's own end mark.

        Raises:
            ModelNotLoadable: there is no token that could end an answer.
        """
        for text in self.template.texts_after_answer:
            if (end := next((i for i in self.encode_marked(text) if i in self.stop_ids), None)) is not None:
                return end
        if self._eos_id is None:
            raise ModelNotLoadable(folder=self._folder, reason="no token ends an answer")
        return self._eos_id

    @cached_property
    def question_head(self) -> tuple[int, ...]:
        """The marks that the template writes before a later question, from the first control token on; () if none."""
        before = [Message("user", "a"), Message("assistant", "b")]
        first, other = (self.encode_prompt([*before, Message("user", text)]) for text in ("x", "7"))
        shared = next((n for n, (one, two) in enumerate(zip(first, other, strict=False)) if one != two), 0)
        ends = [place for place, token in enumerate(first[:shared]) if token == self.end_id]
        head = first[ends[-1] + 1 : shared] if ends else []
        start = next((place for place, token in enumerate(head) if token in self.stop_ids), len(head))
        return tuple(head[start:])

    @cached_property
    def end_ids(self) -> frozenset[int]:
        """Tokens that end an answer with thoughts, in which other control tokens part the one from the others."""
        return frozenset(self._own_end_ids | {self.end_id})

    def decode(self, ids: Sequence[int]) -> str:
        """Text of an answer's ids, control tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def decode_marked(self, ids: Sequence[int]) -> str:
        """Text of an answer's ids, control tokens written out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def reasoning_parser(self, *, thinking: bool) -> ReasoningParser:
        """What tells thoughts from the answer in a text generated after `encode_prompt`."""
        if not thinking:
            return ReasoningParser()
        return ReasoningParser(self.template.thought_end, lambda text: self._control_token_pattern.sub("", text))

    def answer_parser(self, request: GenerationRequest) -> ReasoningParser | ToolCallParser:
        """What parts the text that is generated for a request into thoughts, answer and calls of tools."""
        form = self.template.call_form if request.parses_tool_calls else None
        if form is None:
            return self.reasoning_parser(thinking=request.thinks)
        thoughts = ReasoningParser(self.template.thought_end if request.thinks else None)
        return ToolCallParser(thoughts, form, request.tools, lambda text: self._control_token_pattern.sub("", text))

    def show_token(self, token: int) -> str:
        """A token as the tokenizer writes it, a control token too."""
        return self._tokenizer.id_to_token(token) or ""

    def escape_control_tokens(self, text: str) -> str:
        """The text with nothing in it that the model would obey.

        A control token written out by a person or a document (`<|im_end|>`) is broken by a space, so that it cannot
        end their message and begin another's.
        """
        return self._control_token_pattern.sub(
            lambda token: f"{token[0][0]} {token[0][1:]}", replace_lone_surrogates(text)
        )

    def prepare_messages(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as the chat template takes them: control tokens broken, and folded to what it can express."""
        return self.template.fold(
            [
                Message(
                    message.role,
                    self.escape_control_tokens(message.content),
                    tool_calls=tuple(
                        ToolCall(call.name, self.escape_control_tokens(call.arguments), call.id)
                        for call in message.tool_calls
                    ),
                    tool_call_id=message.tool_call_id,
                )
                for message in messages
            ]
        )

    def prepare_tools(self, tools: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Tools with the control tokens in them broken."""
        prepared: list[Mapping[str, Any]] = json.loads(self.escape_control_tokens(json.dumps(list(tools))))
        return prepared

    def _render_prompt(self, messages: Sequence[Message]) -> str:
        return self.template.render(self.prepare_messages(messages))

    def _writes(self, ids: Sequence[int], answer: str, space: str = "") -> bool:
        """Whether these ids are this answer and nothing else."""
        return self.stop_ids.isdisjoint(ids) and self.decode(ids) in (answer, space + answer)

    @cached_property
    def _answer_head_ids(self) -> tuple[int, ...]:
        return tuple(self.encode_marked(self.answer_head))


@lru_cache(maxsize=8)
def _load_tokenizer(file: Path, modified: int, size: int, *, plain: bool = False) -> Tokenizer:
    """The tokenizer in a file; those who ask for the same state of it share one, which nobody changes.

    Args:
        modified: when the file was changed last, in nanoseconds.
        size: bytes of the file.
        plain: whether control tokens written out in a text are text.
    """
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.encode_special_tokens = plain
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
