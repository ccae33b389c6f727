import json
from pathlib import Path

import pytest

from bot.core.errors import describe_error
from bot.core.i18n import Translator
from inference.training.dialogues import Dialogue, read_dialogues, read_readable_dialogues, split_dialogues
from inference.training.errors import InvalidDialogues
from inference.training.message import DialogueMessage

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
        ("{", "not JSON at column 2"),
        ("[]", "no “messages”"),
        ("7", "no “messages”: 7 is not"),
        ('{"messages": []}', "“messages” is empty"),
        ('{"messages": "x"}', '“messages” cannot be "x"'),
        ('{"messages": [{"role": "user", "content": "x"}]}', "the assistant does not end"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "the assistant begins"),
        (
            '{"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]}',
            "message 2 is again the user's",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]}',
            "message 2 is the system's",
        ),
        ('{"messages": [{"role": "user", "content": " "}]}', "“messages[0].content” is empty"),
        ('{"messages": [{"role": "user"}]}', "“messages[0].content” is missing"),
        ('{"messages": [{"content": "x"}]}', "“messages[0].role” is missing"),
        ('{"messages": [{"role": "narrator", "content": "x"}]}', '“messages[0].role”: the role is "narrator"'),
        ('{"messages": [7, 8]}', "“messages[0]” cannot be 7"),
    ],
)
def test_a_broken_line_is_named_with_its_problem(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidDialogues) as broken:
        read_dialogues(path)
    assert broken.value.details["line"] == 2
    assert "d.jsonl, line 2: " in str(broken.value)
    assert problem in str(broken.value)


def test_all_bad_lines_are_told_at_once_and_the_good_ones_can_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text("{\n" * 25 + json.dumps(GOOD), encoding="utf-8")
    with pytest.raises(InvalidDialogues) as broken:
        read_dialogues(path)
    told = str(broken.value).splitlines()
    assert [line.partition(":")[0] for line in told[1:-1]] == [f"d.jsonl, line {n}" for n in range(1, 21)]
    assert told[-1] == "… and 5 more."
    assert len(broken.value.problems) == 25
    assert [dialogue.line for dialogue in read_readable_dialogues(path).dialogues] == [26]


def test_problems_are_told_in_russian(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"messages": [{"role": "user"}]}', encoding="utf-8")
    with pytest.raises(InvalidDialogues) as broken:
        read_dialogues(path)
    translator = Translator("ru")
    told = describe_error(broken.value, "ru", translator.translate)
    assert "d.jsonl, строка 1: нет поля «messages[0].content»" in told


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"PAR1\x15", "it is a Parquet file"),
        (b"\x1f\x8b\x08", "it is a gzip file"),
    ],
)
def test_files_that_are_no_text_are_refused_by_name(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "bad.jsonl").write_bytes(content)
    with pytest.raises(InvalidDialogues, match=problem):
        read_dialogues(tmp_path / "bad.jsonl")


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidDialogues, match="no such file"):
        read_dialogues(tmp_path / "none.jsonl")
    with pytest.raises(InvalidDialogues, match="cannot be opened"):
        read_dialogues(tmp_path)


def test_a_split_keeps_every_dialogue_once_and_a_seed_repeats_it() -> None:
    dialogues = [Dialogue((DialogueMessage("user", str(n)), DialogueMessage("assistant", "a"))) for n in range(20)]
    rest, cut = split_dialogues(dialogues, 0.25, seed=3)
    assert len(cut) == 5
    assert sorted(d.questions for d in rest + cut) == sorted(d.questions for d in dialogues)
    assert split_dialogues(dialogues, 0.25, seed=3) == (rest, cut)
    assert split_dialogues(dialogues, 0.25, seed=4) != (rest, cut)


def test_a_system_message_leads_unless_there_is_one() -> None:
    bare = Dialogue((DialogueMessage("user", "q"), DialogueMessage("assistant", "a")))
    assert bare.with_system_message("Be brief.").messages[0] == DialogueMessage("system", "Be brief.")
    assert bare.with_system_message("Be brief.").with_system_message("Be long.") == bare.with_system_message(
        "Be brief."
    )
    assert bare.with_system_message("") == bare
