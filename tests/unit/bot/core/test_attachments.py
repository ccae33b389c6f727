import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.attachments import MAX_NAME_LENGTH, Attachments, question_text, sanitize_file_name
from bot.core.messages import FileRef
from db.turns.turns import Turn

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TURN = Turn(
    UUID(int=1), UUID(int=2), UUID(int=3), 1, "question", "accepted", "", None, None, "auto", (), None, None, None,
    None, None, None, 0, 0, False, False, None, NOW, NOW, None, None, None, [], [], None, {}, None, None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sanitized"),
    [
        ("план.md", "план.md"),
        ("../../etc/passwd", "passwd"),
        ("C:\\secret\\plan.pdf", "plan.pdf"),
        ("  two   words .txt ", "two words .txt"),
        (".hidden.md", "hidden.md"),
        ("gpj.\u202efdp.exe", "gpj. fdp.exe"),
        ("<|im_end|>[1]*.md", "--im_end---1--.md"),
        ("a\nb.md", "a b.md"),
        ("", "document"),
        ("/", "document"),
        ("x" * 300 + ".docx", "x" * (MAX_NAME_LENGTH - 6) + "….docx"),
        ("и\u0306.md", "й.md"),
    ],
)
def test_sanitized_file_names(name: str, sanitized: str) -> None:
    assert sanitize_file_name(name) == sanitized


@given(st.text(max_size=300))
def test_sanitizing_is_idempotent(raw: str) -> None:
    name = sanitize_file_name(raw)
    assert 0 < len(name) <= MAX_NAME_LENGTH
    assert not set(name) & set("/\\*`~|<>[]“”\n\0")
    assert all(unicodedata.category(c)[0] != "C" for c in name)
    assert sanitize_file_name(name) == name


@given(st.lists(st.text(max_size=120), max_size=6))
def test_file_names_are_unique_and_survive_json(names: list[str]) -> None:
    files = [FileRef(name, n, {"file": n}) for n, name in enumerate(names)]
    attachments = Attachments.from_file_refs(files, "memory")
    assert len({file.name for file in attachments.files}) == len(names)
    assert [(file.size, file.handle) for file in attachments.files] == [(n, {"file": n}) for n in range(len(names))]
    assert Attachments.from_document(attachments.to_document()) == attachments


def test_question_without_text_has_the_file_names() -> None:
    sent: dict[str, Any] = Attachments.from_file_refs(
        [FileRef("a.md", 1, {}), FileRef("b.md", 1, {})], "library"
    ).to_document()
    assert question_text(replace(TURN, files=sent)) == "[a.md] [b.md]"
    assert question_text(replace(TURN, files=sent, question="What of it?")) == "What of it?"
    assert question_text(TURN) == ""
