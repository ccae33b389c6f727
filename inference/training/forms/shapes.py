"""One record of a file as messages, whichever form it has.

Forms are told apart by their fields:

    messages, conversations, …      a list of messages
    prompt and completion           text, or two lists of messages (TRL); only the completion is learnt
    question and answer             under any of their names; with `input` and `history` this is Alpaca
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from inference.training.forms.fields import (
    Record,
    find,
    find_given,
    find_needed,
    is_blank,
    is_learnt,
    refuse_unlearnable,
    text_of,
)
from inference.training.forms.messages import is_message, read_messages, with_reasoning
from inference.training.forms.refusals import (
    Contradiction,
    MissingField,
    NotAnObject,
    PlainText,
    UnknownForm,
    WrongValue,
)
from inference.training.message import DialogueMessage

MESSAGE_LISTS: Final = ("messages", "conversations", "conversation", "dialogue", "dialog", "items")
_SURE_LISTS: Final = MESSAGE_LISTS[:3]
"""The others may also be something else about a question and its answer."""
QUESTIONS: Final = ("instruction", "prompt", "question", "query", "request", "user", "human", "q",
                    "вопрос", "инструкция", "запрос", "пользователь")  # fmt: skip
ANSWERS: Final = ("output", "completion", "answer", "response", "reply", "assistant", "gpt", "bot", "a",
                  "ответ", "вывод", "ассистент", "бот")  # fmt: skip
_MORE_OF_THE_QUESTION: Final = ("input", "context", "ввод", "контекст")
_SYSTEMS: Final = ("system", "system_prompt", "система", "системный_промпт")
_WEIGHTS: Final = ("weight",)
"""Of a whole record: `loss` and the like may be figures about it."""
_PLAIN: Final = ("text", "segments", "input_ids")


def read_record(record: object) -> list[DialogueMessage]:
    """The messages of a record, in its order, which need not be one that can be trained on.

    Raises:
        RecordRefused: with the field that is at fault.
    """
    if _holds_messages(record):
        return read_messages(record, "")
    if not isinstance(record, dict):
        raise NotAnObject(record)
    refuse_unlearnable(record)
    messages = list(_read_spoken(record))
    if is_learnt(record, names=_WEIGHTS) is False or _is_bad_example(record):
        messages = _only_read(messages)
    return _with_system(record, messages)


def has_form(names: list[str]) -> bool:
    """Whether columns with these names make questions and answers."""
    record = dict.fromkeys(names, "…")
    asks = any(find(record, (*QUESTIONS, *_MORE_OF_THE_QUESTION[:1])))
    return asks and any(find(record, ANSWERS))


def _read_spoken(record: Record) -> Iterator[DialogueMessage]:
    if name := _message_list(record):
        yield from read_messages(record[name], name)
        return
    question, answer = _question_and_answer(record)
    if isinstance(record[question], list):
        # What stands in the prompt was said before: TRL learns the completion alone.
        yield from _only_read(read_messages(record[question], question))
    else:
        yield from _read_history(record)
        yield DialogueMessage("user", _whole_question(record, question))
    if isinstance(record[answer], list):
        yield from read_messages(record[answer], answer)
    else:
        text = text_of(record[answer], answer).strip()
        yield DialogueMessage("assistant", with_reasoning(record, text))


def _message_list(record: Record) -> str | None:
    """The name of the field with the record's messages."""
    if name := find_given(record, _SURE_LISTS):
        return name
    name = find_needed(record, MESSAGE_LISTS)
    return None if name and find(record, (*QUESTIONS, *ANSWERS)) and not _holds_messages(record[name]) else name


def _holds_messages(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_message, value))


def _question_and_answer(record: Record) -> tuple[str, str]:
    """The names of both fields."""
    question = find_needed(record, QUESTIONS) or find_needed(record, _MORE_OF_THE_QUESTION[:1])
    answer = find_needed(record, ANSWERS)
    if question and answer:
        return question, answer
    if not question and not answer:
        for name in find(record, _PLAIN):
            raise PlainText(name)
        raise UnknownForm(list(map(str, record)))
    if question:
        missing = "output" if question == "instruction" else "completion" if question == "prompt" else "answer"
    else:
        missing = "instruction" if answer == "output" else "prompt" if answer == "completion" else "question"
    raise MissingField(missing, f'"{missing}": "…"')


def _whole_question(record: Record, name: str) -> str:
    """A question with what Alpaca calls its input and Dolly its context."""
    more = [other for other in find(record, _MORE_OF_THE_QUESTION) if other != name and not is_blank(record[other])]
    return "\n\n".join(text_of(record[part], part).strip() for part in (name, *more))


def _read_history(record: Record) -> Iterator[DialogueMessage]:
    """The turns before the question, each a pair."""
    for name in find(record, ("history",)):
        if not isinstance(record[name], list | None):
            raise WrongValue(name, record[name], '[["…", "…"]]')
        for number, pair in enumerate(record[name] or ()):
            if not isinstance(pair, list) or len(pair) != 2:
                raise WrongValue(f"{name}[{number}]", pair, '["…", "…"]')
            yield DialogueMessage("user", text_of(pair[0], f"{name}[{number}][0]"))
            yield DialogueMessage("assistant", text_of(pair[1], f"{name}[{number}][1]"))


def _only_read(messages: list[DialogueMessage]) -> list[DialogueMessage]:
    """The same messages, with no answer to be learnt."""
    return [replace(message, learn=False) if message.role == "assistant" else message for message in messages]


def _is_bad_example(record: Record) -> bool:
    """Whether a label says that the completion is one to avoid (KTO)."""
    return record.get("label") is False and "completion" in record


def _with_system(record: Record, messages: list[DialogueMessage]) -> list[DialogueMessage]:
    name = find_given(record, _SYSTEMS)
    if name is None:
        return messages
    system = DialogueMessage("system", text_of(record[name], name))
    if messages and messages[0].role == "system":
        if messages[0].content.strip() != system.content.strip():
            first = _message_list(record) or next(iter(find(record, QUESTIONS)), "messages")
            raise Contradiction(name, f"{first}[0]")
        return messages
    return [system, *messages]
