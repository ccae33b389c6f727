import json
from pathlib import Path

import pytest

from inference.engines.port import Message
from inference.training.dialogues import Dialogue, InvalidDialogues, read_dialogues, split_dialogues

GOOD = {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]}


def test_dialogues_are_read_in_order_and_blank_lines_skipped(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(GOOD) + "\n\n" + json.dumps(GOOD) + "\n", encoding="utf-8")
    dialogues = read_dialogues(path)
    assert len(dialogues) == 2
    assert dialogues[0].questions == ("Why?",)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "no “messages”"),
        ('{"messages": []}', "no “messages”"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "take turns"),
        ('{"messages": [{"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}]}', "take turns"),
        ('{"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "y"}]}', "content is empty"),
        (
            '{"messages": [{"role": "tool", "content": "x"}, {"role": "assistant", "content": "y"}]}',
            "the role is 'tool'",
        ),
        ('{"messages": [7, 8]}', "the role is None"),
    ],
)
def test_a_broken_line_is_named_with_its_problem(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidDialogues) as broken:
        read_dialogues(path)
    assert broken.value.details["line"] == 2
    assert problem in str(broken.value)


def test_a_missing_file_and_bad_bytes_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidDialogues, match="no such file"):
        read_dialogues(tmp_path / "none.jsonl")
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidDialogues, match="not UTF-8"):
        read_dialogues(tmp_path / "bad.jsonl")


def test_a_split_keeps_every_dialogue_once_and_a_seed_repeats_it() -> None:
    dialogues = [Dialogue((Message("user", str(n)), Message("assistant", "a"))) for n in range(20)]
    rest, cut = split_dialogues(dialogues, 0.25, seed=3)
    assert len(cut) == 5
    assert sorted(d.questions for d in rest + cut) == sorted(d.questions for d in dialogues)
    assert split_dialogues(dialogues, 0.25, seed=3) == (rest, cut)
    assert split_dialogues(dialogues, 0.25, seed=4) != (rest, cut)


def test_a_system_message_leads_unless_there_is_one() -> None:
    bare = Dialogue((Message("user", "q"), Message("assistant", "a")))
    assert bare.with_system_message("Be brief.").messages[0] == Message("system", "Be brief.")
    assert bare.with_system_message("Be brief.").with_system_message("Be long.") == bare.with_system_message(
        "Be brief."
    )
    assert bare.with_system_message("") == bare
