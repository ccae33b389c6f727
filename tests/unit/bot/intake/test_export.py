import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

from bot.core.i18n import Translator
from bot.intake.commands import privacy
from bot.intake.commands.privacy import export_files

MOMENT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def personal_data(answer: str = "Rest.\n# and sleep") -> dict[str, list[dict[str, Any]]]:
    created = {"created_at": "2026-11-24T10:20:30+00:00"}
    return {
        "users": [{"id": "u", **created}],
        "identities": [{"platform": "telegram", "external_id": "7", **created}],
        "sessions": [
            {"id": "s1", "platform": "telegram", "place": "agoge/7", "mode": "auto", **created},
            {"id": "s2", "platform": "discord", "place": "agoge/8", "mode": "base", **created},
        ],
        "turns": [
            {"session_id": "s1", "question": "How far?", "answer": answer, "mode": "core", "error": None, **created},
            {"session_id": "s2", "question": "Why?", "answer": None, "mode": None, "error": "It broke.", **created},
        ],
        "memories": [{"kind": "fact", "content": "runs\nin the morning", **created}],
        "allowances": [{"key": "person:u", "day": "2026-11-24", "used": 3}],
        "access_rules": [{"effect": "role", "role": "editor", "platform": "telegram", "subject": "7"}],
    }


def test_json_is_complete_and_markdown_is_readable() -> None:
    document, text = export_files(personal_data(), MOMENT, Translator("en"))
    assert json.loads(document.content) == {"made": MOMENT.isoformat(), **personal_data()}
    lines = text.content.decode().splitlines()
    assert lines[0] == "# Everything that is kept about you"
    assert "- telegram: 7" in lines
    assert "- 2026-11-24 (fact): runs in the morning" in lines
    assert "- role editor (telegram: 7)" in lines
    assert [line for line in lines if line.startswith(">")] == ["> How far?", "> Rest.", "> # and sleep", "> Why?"]
    assert lines.index("> How far?") < lines.index("> Rest.") < lines.index("## Conversation: discord, agoge/8")
    assert "*It broke.*" in lines


def test_markdown_in_russian() -> None:
    assert (
        export_files(personal_data(), MOMENT, Translator("ru"))[1]
        .content.decode()
        .startswith("# Всё, что о вас хранится")
    )


def test_large_export_is_one_archive() -> None:
    (archive,) = export_files(personal_data("слово " * privacy.ZIP_THRESHOLD), MOMENT, Translator("en"))
    assert archive.name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as contents:
        assert contents.namelist() == ["consilium-export.json", "consilium-export.md"]
        assert json.loads(contents.read("consilium-export.json"))["users"] == personal_data()["users"]
