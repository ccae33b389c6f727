"""Why a document was left out, as it is stored with the document."""

import pytest

from bot.library.parse import errors
from bot.library.parse.errors import DocumentRefused, refusal_from_record, refusal_to_record


@pytest.mark.parametrize(
    "refusal",
    [
        errors.UnknownFormat(".exe", ".md .txt"),
        errors.TooLarge(64),
        errors.TooManyPages(3000),
        errors.TooManyRows(200_000),
        errors.TooMuchText(60_000_000),
        errors.Bomb(200),
        errors.TooSlow(60),
        errors.TooMuchMemory(1024),
        errors.ReaderDied(),
        errors.Protected(),
        errors.NotText(),
        errors.NoText(),
        errors.Unreadable("bad header"),
        errors.NoTimestamps(),
        errors.NotADialogue(3),
        errors.NotAChat(),
        errors.ArchiveWithoutChat(),
        errors.NoReadableMessages(),
        errors.DamagedArchive(),
        errors.DamagedJson(3, 14),
        errors.TooDeep(),
        errors.BadName(),
        errors.EmptyFile(),
        errors.OnlyPictures(),
        errors.CopyProtected(),
        errors.OldFormat(".doc", ".docx"),
        errors.IsPicture(".png"),
        errors.IsRecording(".mp3"),
        errors.OtherContent(".docx", ".pdf"),
        errors.DamagedExport(1024),
        errors.Gone("No such file"),
        errors.UploadRemoved(),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
def test_refusal_round_trip(refusal: DocumentRefused) -> None:
    restored = refusal_from_record(refusal_to_record(refusal))
    assert type(restored) is type(refusal)
    assert str(restored) == str(refusal)


def test_refusals_of_other_releases() -> None:
    stored = {"name": "Gone", "details": {"reason": "it has been taken out"}}
    assert str(refusal_from_record(stored)).startswith("It cannot be opened: it has been taken out.")
    unknown = refusal_from_record({"name": "TooModern", "details": {"year": 2030}})
    assert isinstance(unknown, errors.Unreadable)
    assert "TooModern" in str(unknown)


def test_only_passing_reasons_are_transient() -> None:
    kinds = (errors.TooSlow(60), errors.Gone("No such file"), errors.UploadRemoved())
    assert all(kind.is_transient for kind in kinds)
    assert not errors.NotADialogue(3).is_transient
