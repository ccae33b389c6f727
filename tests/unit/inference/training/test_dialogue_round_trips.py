"""Dialogues written in each form read back as they were, and no file raises anything but its own error."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.training.dialogues import Dialogue, read_readable_dialogues
from inference.training.errors import InvalidDialogues

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\u2028\u2029\x85\x0b\x0c\x1c\n\"',;\t{}[]\\АЯёж"),
    min_size=1,
    max_size=30,
).filter(lambda text: text.strip() and "</think>" not in text)
EXCHANGES = st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), min_size=1, max_size=3)
Exchange = tuple[str, str, bool]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dialogues") / "dialogues.jsonl"


def openai(exchanges: list[Exchange]) -> Any:
    messages: list[Any] = []
    for question, answer, learn in exchanges:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer, "weight": int(learn)})
    return {"messages": messages}


def parts(exchanges: list[Exchange]) -> Any:
    messages = openai(exchanges)["messages"]
    return [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]


def sharegpt(exchanges: list[Exchange]) -> Any:
    turns: list[Any] = []
    for question, answer, learn in exchanges:
        turns += [{"from": "human", "value": question}, {"from": "gpt", "value": answer, "train": learn}]
    return {"conversations": turns}


def trl(exchanges: list[Exchange]) -> Any:
    messages = openai(exchanges)["messages"]
    return {"prompt": messages[:-1], "completion": messages[-1:]}


def alpaca(exchanges: list[Exchange]) -> Any:
    *before, (question, answer, learn) = exchanges
    history = [[earlier, reply] for earlier, reply, _ in before]
    return {"instruction": question, "input": "", "output": answer, "history": history, "weight": int(learn)}


def said(dialogue: Dialogue) -> list[Exchange]:
    pairs = zip(dialogue.messages[::2], dialogue.messages[1::2], strict=True)
    return [(question.content, answer.content, answer.learn) for question, answer in pairs]


def read_back(path: Path, text: str) -> list[list[Exchange]]:
    path.write_bytes(text.encode("utf-8"))
    found = read_readable_dialogues(path)
    assert found.problems == []
    return [said(dialogue) for dialogue in found.dialogues]


@pytest.mark.parametrize("write", [openai, parts, sharegpt])
@pytest.mark.parametrize("separator", ["\n", "\r\n\n", None])
@settings(max_examples=60)
@given(dialogues=st.lists(EXCHANGES, min_size=1, max_size=3), escaped=st.booleans())
def test_messages_read_back(
    path: Path, write: Callable[[list[Exchange]], Any], separator: str | None, dialogues: list[list[Exchange]],
    escaped: bool,
) -> None:  # fmt: skip
    records = [write(dialogue) for dialogue in dialogues]
    lines = [json.dumps(record, ensure_ascii=escaped) for record in records]
    text = separator.join(lines) if separator else json.dumps(records, ensure_ascii=escaped, indent=1)
    assert read_back(path, text) == dialogues


@settings(max_examples=60)
@given(exchanges=EXCHANGES)
def test_conversational_prompts_read_back_unlearnt(path: Path, exchanges: list[Exchange]) -> None:
    *before, last = exchanges
    expected = [(question, answer, False) for question, answer, _ in before] + [last]
    assert read_back(path, json.dumps(trl(exchanges))) == [expected]


@settings(max_examples=60)
@given(exchanges=EXCHANGES)
def test_alpaca_reads_back_but_for_blanks_at_the_ends(path: Path, exchanges: list[Exchange]) -> None:
    *before, (question, answer, learn) = exchanges
    expected = [(earlier, reply, learn) for earlier, reply, _ in before]
    assert read_back(path, json.dumps(alpaca(exchanges))) == [[*expected, (question.strip(), answer.strip(), learn)]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [("question", "answer"), ("Вопрос", "Ответ"), ("prompt", "completion")])
@settings(max_examples=60)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_tables_read_back(path: Path, delimiter: str, header: tuple[str, str], rows: list[tuple[str, str]]) -> None:
    table = io.StringIO()
    csv.writer(table, delimiter=delimiter).writerows([header, *rows])
    expected = [[(question.strip(), answer.strip(), True)] for question, answer in rows]
    # A line end in a cell is one whatever system wrote it.
    text = table.getvalue()
    assert read_back(path, text) == [
        [(q.replace("\r\n", "\n"), a.replace("\r\n", "\n"), learn) for q, a, learn in row] for row in expected
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "conversations", "items", "role", "from", "content", "value", "weight", "type", "text",
                 "instruction", "input", "output", "history", "prompt", "completion", "system", "reasoning", "data"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300)
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(path: Path, content: bytes) -> None:
    read_anything(path, content)


@settings(max_examples=300)
@given(records=st.lists(JSON, max_size=3), as_array=st.booleans())
def test_any_json_is_read_or_refused(path: Path, records: list[Any], as_array: bool) -> None:
    read_anything(
        path, (json.dumps(records) if as_array else "\n".join(json.dumps(record) for record in records)).encode()
    )


@settings(max_examples=200)
@given(header=st.sampled_from([b"question,answer\n", b"prompt;completion\n", b"q\ta\r"]), rows=st.binary(max_size=80))
def test_any_table_is_read_or_refused(path: Path, header: bytes, rows: bytes) -> None:
    read_anything(path, header + rows)


def read_anything(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found = read_readable_dialogues(path)
    except InvalidDialogues:
        return
    for problem in found.problems:
        assert str(problem).startswith(f"{path.name}, ")
    for dialogue in found.dialogues:
        assert dialogue.messages[-1].role == "assistant"
        assert all(message.content.strip() for message in dialogue.messages)
