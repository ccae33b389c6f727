"""The forms in which training dialogues are written: what each is read as, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.training.dialogues import Dialogue, read_dialogues
from inference.training.errors import InvalidDialogues

CASES = Path(__file__).parents[3] / "fixtures" / "training"


def read(tmp_path: Path, text: str, name: str = "d.jsonl") -> list[Dialogue]:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return read_dialogues(path)


def spoken(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in dialogue.messages]


def answers(dialogue: Dialogue) -> list[tuple[str, bool]]:
    return [(message.content, message.learn) for message in dialogue.messages if message.role == "assistant"]


def refusal(tmp_path: Path, record: Any, name: str = "d.jsonl") -> str:
    with pytest.raises(InvalidDialogues) as refused:
        read(tmp_path, record if isinstance(record, str) else json.dumps(record), name)
    return str(refused.value.problems)


QUESTION, ANSWER = "Почему трескаются помидоры?", "They drank too fast."
PAIR = [("user", QUESTION), ("assistant", ANSWER)]
SYSTEM = ("system", "Будь краток.")
MESSAGES = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
SHAREGPT = [{"from": "human", "value": QUESTION}, {"from": "gpt", "value": ANSWER}]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"messages": MESSAGES, "id": 7, "source": "x"}, PAIR),
        (MESSAGES, PAIR),
        ({"messages": [{"role": "developer", "content": "Будь краток."}, *MESSAGES]}, [SYSTEM, *PAIR]),
        ({"messages": MESSAGES, "system": "Будь краток."}, [SYSTEM, *PAIR]),
        ({"messages": [{"role": "system", "content": ""}, *MESSAGES]}, PAIR),
        ({"messages": [{**MESSAGES[0], "name": "anna"}, {**MESSAGES[1], "tool_calls": [], "refusal": None}]}, PAIR),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}, MESSAGES[1]]},
            PAIR,
        ),
        (
            {"messages": [MESSAGES[0], {"role": "assistant", "content": [{"type": "text", "text": t} for t in "ab"]}]},
            [PAIR[0], ("assistant", "a\nb")],
        ),
        ({"messages": MESSAGES, "tools": [], "images": None}, PAIR),
        ({"conversations": SHAREGPT}, PAIR),
        ({"conversation": SHAREGPT}, PAIR),
        ({"items": SHAREGPT}, PAIR),
        ({"conversations": [{"from": "system", "value": "Будь краток."}, *SHAREGPT]}, [SYSTEM, *PAIR]),
        ({"conversations": SHAREGPT, "system": "Будь краток.", "tools": "[]"}, [SYSTEM, *PAIR]),
        ({"conversations": [{"from": "user", "value": QUESTION}, {"from": "chatgpt", "value": ANSWER}]}, PAIR),
        ({"messages": [{"role": "user", "content": QUESTION}, {"role": "bot", "content": ANSWER}]}, PAIR),
        ({"instruction": QUESTION, "output": ANSWER}, PAIR),
        ({"instruction": QUESTION, "input": "", "output": ANSWER, "system": "", "history": []}, PAIR),
        ({"instruction": "Переведи.", "input": "Кот", "output": "Cat"},
         [("user", "Переведи.\n\nКот"), ("assistant", "Cat")]),
        ({"instruction": QUESTION, "input": "", "output": ANSWER, "system": "Будь краток.", "history": [["q", "a"]]},
         [SYSTEM, ("user", "q"), ("assistant", "a"), *PAIR]),
        ({"instruction": QUESTION, "context": "", "response": ANSWER, "category": "qa"}, PAIR),
        ({"prompt": QUESTION, "completion": f" {ANSWER}\n"}, PAIR),
        ({"prompt": MESSAGES[:1], "completion": MESSAGES[1:]}, PAIR),
        ({"question": QUESTION, "answer": ANSWER}, PAIR),
        ({"Вопрос": QUESTION, "Ответ": ANSWER}, PAIR),
        ({"messages": [MESSAGES[0], {**MESSAGES[1], "reasoning_content": "Water."}]},
         [PAIR[0], ("assistant", f"<think>\nWater.\n</think>\n\n{ANSWER}")]),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": "<think>Hm.</think>Yes.", "thinking": "Hm."}]},
         [PAIR[0], ("assistant", "<think>Hm.</think>Yes.")]),
    ],
)  # fmt: skip
def test_a_record_is_read_in_each_form(tmp_path: Path, record: Any, expected: list[tuple[str, str]]) -> None:
    for escaped in (True, False):
        [dialogue] = read(tmp_path, "\ufeff" + json.dumps(record, ensure_ascii=escaped) + "\r\n")
        assert spoken(dialogue) == expected
        assert dialogue.line == 1


@pytest.mark.parametrize(
    ("record", "names"),
    [
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": None, "tool_calls": [{}]}]},
         ["messages[1].tool_calls"]),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": "x", "function_call": {"name": "f"}}]},
         ["messages[1].function_call"]),
        ({"messages": [*MESSAGES, {"role": "tool", "content": "7", "tool_call_id": "a"}]}, ["messages[2].role: tool"]),
        ({"messages": MESSAGES, "tools": [{"type": "function"}]}, ["tools"]),
        ({"messages": MESSAGES, "functions": [{"name": "f"}]}, ["functions"]),
        ({"conversations": [SHAREGPT[0], {"from": "function_call", "value": "{}"}]},
         ["conversations[1].from: function_call"]),
        ({"conversations": [SHAREGPT[0], {"from": "observation", "value": "{}"}]},
         ["conversations[1].from: observation"]),
        ({"conversations": [{"from": "human"}, SHAREGPT[1]]}, ["conversations[0].value", "missing"]),
        ({"conversations": [{"value": "x"}, SHAREGPT[1]]}, ["conversations[0].from", "missing"]),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
         ["messages[0].content[0]", "image_url"]),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, ["content[0]", "input_audio"]),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, ["content[0].text", "missing"]),
        ({"messages": [{"role": "user", "content": []}]}, ["messages[0].content", "empty"]),
        ({"messages": MESSAGES, "images": ["a.png"]}, ["images"]),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": None, "refusal": "No."}]}, ["[1].refusal"]),
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, ["chosen", "preference"]),
        ({"input": {}, "preferred_output": [1], "non_preferred_output": [2]}, ["preferred_output"]),
        ({"instruction": "q"}, ["output", "missing"]),
        ({"instruction": "q", "output": None}, ["output", "missing"]),
        ({"instruction": "q", "output": ""}, ["output", "empty"]),
        ({"prompt": "q"}, ["completion", "missing"]),
        ({"completion": "a"}, ["prompt", "missing"]),
        ({"question": "q"}, ["answer", "missing"]),
        ({"question": "q", "prompt": "r", "answer": "a"}, ["prompt", "question", "different"]),
        ({"instruction": "q", "output": "a", "history": [["x"]]}, ["history[0]"]),
        ({"text": "Once upon a time"}, ["text"]),
        ({"segments": [{"label": True, "text": "x"}]}, ["segments"]),
        ({"foo": 1, "bar": 2}, ["no “messages”", "foo", "bar"]),
        ({"messages": [MESSAGES[0], {**MESSAGES[1], "weight": 0.5}]}, ["messages[1].weight", "0.5"]),
        ({"messages": [MESSAGES[0], {**MESSAGES[1], "weight": 0, "train": True}]},
         ["messages[1].weight", "messages[1].train"]),
        ({"messages": [MESSAGES[0], {**MESSAGES[1], "train_detail": [{"train": False}]}]}, ["[1].train_detail"]),
        ({"messages": MESSAGES, "conversations": SHAREGPT}, ["messages", "conversations"]),
        ({"messages": [{"role": "system", "content": "x"}, *MESSAGES], "system": "y"}, ["system", "messages[0]"]),
        ({"messages": [MESSAGES[0], {"role": "assistant", "content": "<think>a</think>b", "reasoning": "c"}]},
         ["messages[1].reasoning"]),
        ('{"question": "\\ud83d", "answer": "a"}', ["question", "ud83d"]),
        ('{"question": 1' + "0" * 5000 + ', "answer": "a"}', ["line 1"]),
        ("[" * 100_000, ["not JSON"]),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_is_refused_by_name(tmp_path: Path, record: Any, names: list[str]) -> None:
    told = refusal(tmp_path, record)
    assert "d.jsonl, line 1: " in told
    assert [name for name in names if name not in told] == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"messages": [MESSAGES[0], {**MESSAGES[1], "weight": 0}, *MESSAGES]}, [False, True]),
        ({"messages": [MESSAGES[0], {**MESSAGES[1], "weight": 0.0}, MESSAGES[0], {**MESSAGES[1], "weight": 1}]},
         [False, True]),
        ({"messages": [MESSAGES[0], {**MESSAGES[1], "train": False}, *MESSAGES]}, [False, True]),
        ({"conversations": [SHAREGPT[0], {**SHAREGPT[1], "loss": False}, *SHAREGPT]}, [False, True]),
        ({"conversations": [{**SHAREGPT[0], "weight": 0}, {**SHAREGPT[1], "weight": 1}]}, [True]),
        ({"prompt": "q", "completion": "a", "weight": 0}, [False]),
        ({"prompt": "q", "completion": "a", "label": False}, [False]),
        ({"prompt": [*MESSAGES, MESSAGES[0]], "completion": MESSAGES[1:]}, [False, True]),
    ],
)  # fmt: skip
def test_answers_that_are_not_to_be_learnt_are_marked(tmp_path: Path, record: Any, expected: list[bool]) -> None:
    [dialogue] = read(tmp_path, json.dumps(record))
    assert [learn for _, learn in answers(dialogue)] == expected
    assert dialogue.teaches is any(expected)


def test_only_newlines_end_a_line(tmp_path: Path) -> None:
    record = {"question": "a\u2028b\u2029c\x85d", "answer": "e\x85\u2028"}
    lines = "\n\n".join([json.dumps(record, ensure_ascii=False)] * 3)
    dialogues = read(tmp_path, lines)
    assert [dialogue.line for dialogue in dialogues] == [1, 3, 5]
    assert dialogues[0].questions == (record["question"],)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"messages": MESSAGES}, {"instruction": QUESTION, "output": ANSWER}]),
        json.dumps([{"messages": MESSAGES}, MESSAGES], indent=2, ensure_ascii=False),
        json.dumps({"data": [{"conversations": SHAREGPT}, {"messages": MESSAGES}]}),
        json.dumps({"messages": MESSAGES}) + "\n" + json.dumps(MESSAGES),
    ],
)
def test_a_file_may_be_one_array_and_mix_forms(tmp_path: Path, text: str) -> None:
    dialogues = read(tmp_path, text, "d.json")
    assert [spoken(dialogue) for dialogue in dialogues] == [PAIR, PAIR]


def test_one_object_may_take_many_lines(tmp_path: Path) -> None:
    assert [spoken(d) for d in read(tmp_path, json.dumps({"messages": MESSAGES}, indent=2))] == [PAIR]
    assert [spoken(d) for d in read(tmp_path, json.dumps(MESSAGES, indent=2))] == [PAIR]


def test_a_bad_record_of_an_array_is_counted(tmp_path: Path) -> None:
    assert "d.jsonl, record 2: “output” is missing" in refusal(tmp_path, [{"messages": MESSAGES}, {"instruction": "x"}])
    assert "d.jsonl, line 3: it is not JSON" in refusal(tmp_path, '[\n{"question": "q", "answer": "a"},\n{,\n]')


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"question,answer\n{QUESTION},{ANSWER}\n", "d.csv"),
        (f"\ufeffВопрос;Ответ\r\n{QUESTION};{ANSWER}\r\n", "d.csv"),
        (f"prompt\tcompletion\n\n{QUESTION}\t{ANSWER}", "d.tsv"),
        (f'"user","assistant"\n"{QUESTION}","{ANSWER}"\n', "d.jsonl"),
        (f"id,instruction,input,output\n1,{QUESTION},,{ANSWER}\n", "d.csv"),
    ],
)
def test_tables_are_read(tmp_path: Path, text: str, name: str) -> None:
    assert [spoken(dialogue) for dialogue in read(tmp_path, text, name)] == [PAIR]


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16"])
def test_tables_are_read_as_excel_saves_them(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(f"Вопрос;Ответ\r\n{QUESTION};Пили жадно.\r\n".encode(encoding))
    [dialogue] = read_dialogues(path)
    assert spoken(dialogue) == [("user", QUESTION), ("assistant", "Пили жадно.")]
    for header, other in (("question;answer", "cp1251"), ("вопрос;ответ", "koi8-r"), ("вопрос;ответ", "cp866")):
        path.write_bytes(f"{header}\n{QUESTION};Нет.\n".encode(other))
        with pytest.raises(InvalidDialogues, match="not UTF-8"):
            read_dialogues(path)


def test_cells_may_hold_delimiters_quotes_and_lines(tmp_path: Path) -> None:
    text = 'system,question,answer,weight\nS,"a,\r\n""b""",c,0\n,d,e,1\n'
    first, second = read(tmp_path, text, "d.csv")
    assert spoken(first) == [("system", "S"), ("user", 'a,\n"b"'), ("assistant", "c")]
    assert (first.teaches, second.teaches) == (False, True)
    assert (first.line, second.line) == (2, 4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("question,answer\nq\n", "line 2: the row has another number of cells than the header: 1 and 2"),
        ("question,answer\nq,\n", "line 2: “answer” is empty"),
        ("question,answer\n,a\n", "line 2: “question” is empty"),
        ('question,answer\n"q,a\n', "line 2: it is not CSV"),
        (
            "a title;a text\nx;y\n",
            "line 1: the header has no column of questions with one of answers; it has “a title”",
        ),
        ("question,answer,answer\nq,a,b\n", "line 1: the header has the column “answer” twice"),
    ],
)
def test_bad_rows_are_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    assert told in refusal(tmp_path, text, "d.csv")


def test_prose_is_refused(tmp_path: Path) -> None:
    assert "line 1: it is not JSON" in refusal(tmp_path, "Once upon a time, there was a question, and no answer.")


def test_reported_files() -> None:
    separators = read_dialogues(CASES / "u2028.jsonl")
    assert spoken(separators[0]) == [("user", "line\u2028separator 0"), ("assistant", "next\x85line")]
    for dialogue in read_dialogues(CASES / "weights.jsonl"):
        assert answers(dialogue) == [("bad", False), ("good", True)]
    assert [spoken(dialogue) for dialogue in read_dialogues(CASES / "sharegpt.jsonl")] == [
        [("user", f"Q{n}"), ("assistant", f"A{n}")] for n in range(3)
    ]
    with pytest.raises(InvalidDialogues) as refused:
        read_dialogues(CASES / "toolcalls.jsonl")
    assert [bad.number for bad in refused.value.problems] == [1, 2, 3]
    assert "messages[1].tool_calls" in str(refused.value)
