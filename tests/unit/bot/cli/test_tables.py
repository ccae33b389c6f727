"""Tables keep words whole in a terminal of 80 columns."""

from __future__ import annotations

import io
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from bot.app.settings import Settings
from bot.cli import adapters
from bot.cli.common import format_short_time
from bot.cli.evaluate_library import metrics_table
from bot.cli.evaluate_memory import dialogues_table
from bot.cli.turns import turns_table
from bot.core.i18n import Language
from bot.library.evaluation import CUTOFFS, METHODS, SearchMetrics
from bot.memory.evaluation.measurement import BASELINES, FUSED, MeanScores, Measurement
from bot.minds import load_mind
from db.turns.admin_queries import TurnSummary

NOW = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)


def words(table: Table, width: int = 80) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=width).print(table)
    assert all(len(line) <= width for line in output.getvalue().splitlines())
    return output.getvalue().split()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_adapters_of_the_demo_mind(
    language: Language, monkeypatch: pytest.MonkeyPatch, base_model_dir: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "models").symlink_to(base_model_dir.parent)
    settings = Settings(language=language, cache_dir=tmp_path)
    shown = CliRunner().invoke(adapters.app, ["list"], obj=settings).output.split()
    for adapter in load_mind(settings.mind).adapters.values():
        assert set(adapter.description.text(language).split()) <= set(shown)


def turn(**shown: object) -> TurnSummary:
    usual = {"id": UUID("627e1091-5ac5-4b0a-a378-0ee2ed22b8cd"), "kind": "question", "state": "delivered"}
    times = {"created_at": NOW, "ended_at": NOW + timedelta(seconds=128.4), "attempts": 1}
    values: dict[str, Any] = dict.fromkeys((field.name for field in fields(TurnSummary)), None) | usual | times | shown
    return TurnSummary(**values)


def test_turns() -> None:
    question = turn(platform="discord", place="agoge/1234567890123456789", mode="core+physics", attempts=3)
    command = turn(platform="console", place="agoge/terminal", kind="command", mode="auto")
    shown = words(turns_table([question, command]))
    assert {"627e1091", "128.4", "discord", "1234567890123456789", "delivered", "×3", "core+physics"} <= set(shown)
    assert {"console", "terminal", "(command)"} <= set(shown)
    assert "auto" not in shown


def test_search_metrics() -> None:
    rows = [
        SearchMetrics(
            question_set="xquad-xquad-en",
            searched_set="xquad-xquad-ru",
            method=method,
            questions=1190,
            recall=dict.fromkeys(CUTOFFS, 0.5),
            mrr=0.5,
            p50_ms=12.0,
            p95_ms=1234.0,
        )
        for method in METHODS
    ]
    assert {"xquad-xquad-en", "xquad-xquad-ru", "(1190)", *METHODS, "R@10", "1234"} <= set(
        words(metrics_table("xquad-xquad-en → xquad-xquad-ru", rows))
    )


def test_recall_by_dialogue() -> None:
    scores = MeanScores(questions=10, recall=0.123, any=0.4, mrr=0.5)
    measured = [Measurement(name, scores, {"conv-26": scores}, {}, None) for name in (*BASELINES, FUSED, "words only")]
    shown = words(dialogues_table(measured, 10))
    assert {"conv-26", "speaker", "fused"} <= set(shown)
    assert shown.count("0.123") == len(BASELINES) + 1


def test_short_time_leaves_out_what_is_the_same_as_now() -> None:
    now = datetime.now().astimezone().replace(hour=12, minute=34)
    assert format_short_time(now) == "12:34"
    assert format_short_time(now.replace(year=now.year - 1, month=5, day=7)) == f"{now.year - 1}-05-07"
    other_day = now.replace(month=6 if now.month != 6 else 7, day=7)
    assert format_short_time(other_day) == other_day.strftime("%m-%d 12:34")
