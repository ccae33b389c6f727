import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.attachments import MAX_NAME_LENGTH, Attachments, sanitize_file_name
from bot.core.messages import FileRef


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
