import json
from pathlib import Path

import pytest

from bot.memory.evaluation.dialogues import BadDialogues, read_dialogues
from bot.memory.evaluation.measurement import build_configuration, hash_configuration, mean_scores, score_ranking

DIALOGUE = {
    "sample_id": "d1",
    "conversation": {
        "speaker_a": "Ann",
        "session_2_date_time": "9:05 am on 2 June, 2023",
        "session_2": [{"speaker": "Bob", "dia_id": "D2:1", "text": "Look!", "blip_caption": "a red kite"}],
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ann", "dia_id": "D1:1", "text": "Hi"},
            {"speaker": "Bob", "dia_id": "D1:2", "text": "Ho"},
        ],
        "session_3_date_time": "1:56 pm on 9 July, 2023",
    },
    "qa": [
        {"question": "Who?", "evidence": ["D1:1; D2:1", "D9:9"], "category": 1},
        {"question": "Why?", "evidence": ["D9:9"], "category": 2},
        {"question": "What?", "evidence": ["D1:1"], "category": 5},
    ],
}  # fmt: skip


def write(folder: Path, content: str) -> Path:
    file = folder / "dialogues.json"
    file.write_text(content, encoding="utf-8")
    return file


def test_dialogues_are_read(tmp_path: Path) -> None:
    [dialogue] = read_dialogues(write(tmp_path, json.dumps([DIALOGUE])))
    assert [message.id for message in dialogue.messages] == ["D1:1", "D1:2", "D2:1"]
    assert dialogue.messages[1].said_at.isoformat() == "2023-05-08T13:57:00+00:00"
    assert dialogue.messages[2].text == "Look! [a red kite]"
    [question] = dialogue.questions
    assert question.evidence == {"D1:1", "D2:1"}
    assert dialogue.asked_at.isoformat() == "2023-06-03T09:05:00+00:00"


@pytest.mark.parametrize(
    "content",
    ["", "{}x", "[1]", "[{}]", '[{"conversation": {}, "qa": []}]', '[{"conversation": {"session_1": []}, "qa": []}]',
     '[{"conversation": {"session_1": [], "session_1_date_time": "yesterday"}, "qa": []}]'],
)  # fmt: skip
def test_file_of_another_format_is_rejected(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadDialogues):
        read_dialogues(write(tmp_path, content))


def test_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadDialogues, match="No such file"):
        read_dialogues(tmp_path / "none.json")


def test_ranking_is_scored_by_its_first_k() -> None:
    score = score_ranking(["x", "a", "y", "b"], {"a", "b"}, 3)
    assert (score.recall, score.hit, score.reciprocal_rank) == (0.5, True, 0.5)
    missed = score_ranking(["x", "y", "z", "a"], {"a"}, 3)
    assert (missed.recall, missed.hit, missed.reciprocal_rank) == (0.0, False, 0.0)
    assert mean_scores([score, missed]).recall == 0.25
    assert mean_scores([]).questions == 0


def test_hash_depends_on_the_configuration() -> None:
    assert hash_configuration(build_configuration("e@1", 10)) == hash_configuration(build_configuration("e@1", 10))
    assert hash_configuration(build_configuration("e@1", 10)) != hash_configuration(build_configuration("e@2", 10))
