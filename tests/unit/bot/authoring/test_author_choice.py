"""Who the author is: proposed by who owns channels and who writes in most chats, and never guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.authoring.errors import AmbiguousAuthor, UnknownAuthor
from bot.authoring.speakers import Speakers, speaker_hash
from bot.library.parse.chats import ConversationKind, Message

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def speakers(*rows: tuple[str, str, str, ConversationKind]) -> Speakers:
    found = Speakers()
    for name, id_, chat, kind in rows:
        found.add("source", chat, kind, Message("1", name, NOW, "слово за слово", speaker_id=id_))
    return found


def test_the_owner_of_a_channel_is_proposed_first_and_then_who_is_everywhere() -> None:
    group = ConversationKind.GROUP
    found = speakers(
        ("Борис", "2", "a", group), ("Борис", "2", "a", group), ("Борис", "2", "a", group),
        ("Анна", "1", "a", group), ("Анна", "1", "b", group),
        ("Заметки", "9", "c", ConversationKind.CHANNEL),
    )  # fmt: skip
    assert [speaker.name for speaker in found.ranked()] == ["Заметки", "Анна", "Борис"]


def test_the_author_is_named_in_any_case_or_by_id() -> None:
    found = speakers(("Анна  Ким", "user1", "a", ConversationKind.GROUP))
    assert found.find_authors(["анна ким"]) == found.find_authors(["user1"]) == {("source", "user1")}
    with pytest.raises(UnknownAuthor):
        found.find_authors(["Аня"])


def test_two_accounts_with_one_name_are_not_guessed() -> None:
    found = speakers(("Анна", "1", "a", ConversationKind.GROUP), ("Анна", "2", "a", ConversationKind.GROUP))
    with pytest.raises(AmbiguousAuthor):
        found.find_authors(["Анна"])
    assert found.find_authors(["2"]) == {("source", "2")}


def test_a_speakers_hash_tells_nothing_without_the_salt() -> None:
    assert speaker_hash(b"a", "user1") != speaker_hash(b"b", "user1")
    assert "user1" not in speaker_hash(b"a", "user1")
