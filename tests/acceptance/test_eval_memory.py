"""`consilium eval memory` on a small dialogue."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.conftest import Home

TALK = (
    "I adopted a cat last week and called her Nutmeg.",
    "What a lovely name! What colour is she?",
    "Ginger, with one white paw.",
    "I have been learning to bake sourdough bread.",
    "How did the first loaf come out?",
    "Flat as a stone, but it tasted fine.",
)


def test_recall_is_measured_next_to_baselines(home: Home, tmp_path: Path) -> None:
    messages = [
        {"speaker": ("Ann", "Bob")[n % 2], "dia_id": f"D1:{n + 1}", "text": text} for n, text in enumerate(TALK)
    ]
    dialogue = {
        "sample_id": "small",
        "conversation": {"session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": messages},
        "qa": [
            {"question": "What colour is Ann's cat?", "evidence": ["D1:3"], "category": 1},
            {"question": "What does Bob bake?", "evidence": ["D1:4"], "category": 4},
        ],
    }
    data, figures = tmp_path / "small.json", tmp_path / "figures.json"
    data.write_text(json.dumps([dialogue]), encoding="utf-8")
    ended = home.run("eval", "memory", "--data", str(data), "--k", "3", "--json", str(figures))
    assert ended.code == 0, ended.err
    assert "fused over the best baseline" in ended.out
    report = json.loads(figures.read_text("utf-8"))
    by_name = {measurement["name"]: measurement for measurement in report["measured"]}
    assert {"bm25s", "dense", "fused", "without words", "without reading the question"} <= set(by_name)
    assert by_name["fused"]["overall"]["questions"] == 2
    assert by_name["fused"]["overall"]["recall"] == 1.0
    assert report["hash"] in ended.out
    assert report["configuration"]["embedder"].startswith("multilingual-e5-small@")


def test_file_of_another_format_is_reported(home: Home, tmp_path: Path) -> None:
    data = tmp_path / "none.json"
    data.write_text("[]x", encoding="utf-8")
    ended = home.run("eval", "memory", "--data", str(data))
    assert ended.code != 0
    assert "LoCoMo" in ended.err
    assert "Traceback" not in ended.err
