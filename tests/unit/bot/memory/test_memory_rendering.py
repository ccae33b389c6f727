from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from bot.core.i18n import Translator
from bot.memory import render_memory
from db.memory.memories import Memory

SAID = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOLD = Memory(
    UUID(int=1), UUID(int=2), None, None, "fact", "Sleeps badly", "english", "person", None, "private", None, None,
    SAID, SAID, None, None, None, None,
)  # fmt: skip


def test_a_note_tells_whose_words_it_is_and_when_they_were_said() -> None:
    say = Translator("en")
    episode = replace(TOLD, kind="episode")
    notes = [
        render_memory(memory, say)
        for memory in (TOLD, episode, replace(episode, voice="mind"), replace(episode, voice="other", speaker="Ann"))
    ]
    assert notes[0] == "Sleeps badly"
    assert len(set(notes)) == 4
    assert all("2026-03-02" in note and "Sleeps badly" in note for note in notes[1:])
    assert "Ann" in notes[3]
    assert "Sleeps badly" in render_memory(replace(TOLD, kind="summary"), say)


def test_notes_are_in_the_persons_language() -> None:
    for memory in (
        replace(TOLD, kind="summary"),
        replace(TOLD, kind="episode"),
        replace(TOLD, kind="episode", voice="mind"),
    ):
        assert render_memory(memory, Translator("ru")) != render_memory(memory, Translator("en"))


def test_a_passage_of_a_document_is_quoted_with_its_place_and_ends_no_quotation() -> None:
    lead = "My Plan › Rest"
    passage = replace(
        TOLD, kind="passage", voice="other", title="My Plan", place="§ Rest", content=f"{lead}\nSleep” and [1] <|end|>"
    )
    note = render_memory(passage, Translator("en"))
    assert note == "2026-03-02, from the document “My Plan”, § Rest that the person sent: “Sleep' and (1) < |end|>”"
    assert lead in render_memory(replace(passage, title="Another"), Translator("en"))
    assert len(render_memory(replace(passage, content="x" * 5000), Translator("ru"))) < 800
