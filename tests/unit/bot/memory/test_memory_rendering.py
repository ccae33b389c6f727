from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from bot.core.i18n import Translator
from bot.memory import render_memory
from db.memory.memories import Memory

SAID_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
FACT = Memory(
    id=UUID(int=1),
    user_id=UUID(int=2),
    session_id=None,
    source_turn_id=None,
    kind="fact",
    content="Sleeps badly",
    language="english",
    voice="person",
    speaker=None,
    scope="private",
    chat=None,
    embedder=None,
    created_at=SAID_AT,
    valid_from=SAID_AT,
    valid_until=None,
    document_id=None,
    title=None,
    place=None,
)


def test_note_names_speaker_and_date() -> None:
    say = Translator("en")
    episode = replace(FACT, kind="episode")
    notes = [
        render_memory(memory, say)
        for memory in (FACT, episode, replace(episode, voice="mind"), replace(episode, voice="other", speaker="Ann"))
    ]
    assert notes[0] == "as of 2 March 2026: Sleeps badly"
    assert len(set(notes)) == 4
    assert all("2026-03-02" in note and "Sleeps badly" in note for note in notes[1:])
    assert "Ann" in notes[3]
    assert "Sleeps badly" in render_memory(replace(FACT, kind="summary"), say)


def test_note_is_in_the_persons_language() -> None:
    for memory in (
        replace(FACT, kind="summary"),
        replace(FACT, kind="episode"),
        replace(FACT, kind="episode", voice="mind"),
    ):
        assert render_memory(memory, Translator("ru")) != render_memory(memory, Translator("en"))


def test_passage_is_quoted_with_its_place_and_cannot_end_the_quotation() -> None:
    lead = "My Plan › Rest"
    passage = replace(
        FACT, kind="passage", voice="other", title="My Plan", place="§ Rest", content=f"{lead}\nSleep” and [1] <|end|>"
    )
    note = render_memory(passage, Translator("en"))
    assert note == "2026-03-02, from the document “My Plan”, § Rest that the person sent: “Sleep' and (1) < |end|>”"
    assert lead in render_memory(replace(passage, title="Another"), Translator("en"))
    assert len(render_memory(replace(passage, content="x" * 5000), Translator("ru"))) < 800
