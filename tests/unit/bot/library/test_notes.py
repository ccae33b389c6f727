"""What is told of a document beside its text: as a sentence, as it is stored, and in the report to a person."""

import pytest

from bot.core.i18n import Translator
from bot.intake.attachments.report import DocumentResult, format_report
from bot.library.parse.notes import Note, NoteKind, note, note_to_record, notes_from_records


@pytest.mark.parametrize("kind", NoteKind)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_note_is_a_sentence(kind: NoteKind, language: str) -> None:
    say = Translator("ru" if language == "ru" else "en")
    for count in (1, 2, 5):
        text = note(kind, [f"S!{n}" for n in range(count)]).text(say.translate)
        assert text.endswith(".")
        assert "{" not in text
        assert (language == "ru") == any("а" <= letter <= "я" for letter in text)


def test_plurals() -> None:
    russian = Translator("ru").translate
    shown = [note(NoteKind.HIDDEN_ROWS, map(str, range(count))).text(russian) for count in (1, 3, 5)]
    assert shown == [
        "Пропущена 1 скрытая строка: 0.",
        "Пропущены 3 скрытые строки: 0, 1, 2.",
        "Пропущено 5 скрытых строк: 0, 1, 2, 3, 4.",
    ]


def test_many_things_are_counted_and_few_named() -> None:
    told = note(NoteKind.HIDDEN_SHEETS, [f"sheet {n}" for n in range(100)])
    assert told.text(str) == "100 hidden sheets were left out: sheet 0, sheet 1, sheet 2, sheet 3, sheet 4, …."


def test_stored_notes() -> None:
    told = (note(NoteKind.ATTACHMENTS, ["a.pdf"]), Note(NoteKind.HIDDEN_TEXT))
    records = [note_to_record(one) for one in told]
    assert notes_from_records(records) == told
    # Another release may know other kinds.
    assert notes_from_records([{"kind": "holograms", "count": 1, "names": []}, *records]) == told


def test_notes_in_the_report_to_whoever_sent_a_document() -> None:
    result = DocumentResult("a.xlsx", 3, notes=("2 hidden rows were left out: S!3, S!4.",))
    report = format_report([result], "library", Translator("en"), in_group=False)
    assert report.endswith("removes it. 2 hidden rows were left out: S!3, S!4.")
    assert DocumentResult.from_json(result.to_json()) == result
    # The release before this one knows no notes.
    assert "notes" not in DocumentResult("a.md", 1).to_json()
