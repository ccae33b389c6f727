"""/memory and /forget: numbers that last, lists to choose from, and how many went."""

from __future__ import annotations

import pytest

from bot.core.messages import Outcome
from tests.fakes.talk import Talk


def rows(outcome: Outcome) -> dict[str, str]:
    """The texts of a list by their numbers."""
    assert outcome.table is not None
    return {number: text for number, text, _ in outcome.table.rows}


async def write(talk: Talk, *texts: str) -> None:
    """Write messages that are answered and remembered."""
    await talk.say("7", "/mode base")
    for text in texts:
        await talk.say("7", text)
    await talk.settled()


async def test_a_list_once_shown_keeps_its_numbers(talk: Talk) -> None:
    for fact in ("I own a boat", "I keep bees", "I play chess"):
        await talk.say("7", f"/remember {fact}")
    assert rows(await talk.say("7", "/memory")) == {"1": "I own a boat", "2": "I keep bees", "3": "I play chess"}
    assert "boat" in (await talk.say("7", "/forget 1")).answer
    gone = await talk.say("7", "/forget 1")
    assert "Number 1 is no longer there" in (gone.error or "")
    await talk.say("7", "/remember I sing")
    assert "chess" in (await talk.say("7", "/memory 3 I play chess at night")).answer
    assert "I sing" in (await talk.say("7", "/forget 4")).answer
    assert "/forget N" in ((await talk.say("7", "/forget 5")).error or "")
    # A new list counts from 1.
    assert rows(await talk.say("7", "/memory")) == {"1": "I keep bees", "2": "I play chess at night"}
    assert "2 records" in (await talk.say("7", "/forget 1-2")).answer


async def test_a_repeated_command_deletes_no_second_entry(talk: Talk) -> None:
    await talk.say("7", "/remember I own a boat")
    await talk.say("7", "/remember I keep bees")
    await talk.say("7", "/forget 1")
    assert (await talk.say("7", "/forget 1")).error is not None
    assert "bees" in (await talk.say("7", "/forget 2")).answer
    # With nothing left of the list, the next entry is the first again.
    await talk.say("7", "/remember I sing")
    assert "I sing" in (await talk.say("7", "/forget 1")).answer


async def test_messages_are_listed_and_forgotten_singly(talk: Talk) -> None:
    await write(talk, "I keep bees.", "I own a boat.")
    listed = rows(await talk.say("7", "/memory"))
    assert listed == {"1": "you wrote: I own a boat.", "2": "you wrote: I keep bees."}
    forgotten = await talk.say("7", "/forget 2")
    assert "1 message" in forgotten.answer
    assert "1 answer" in forgotten.answer
    assert list(rows(await talk.say("7", "/memory")).values()) == ["you wrote: I own a boat."]
    [export, _] = (await talk.say("7", "/export")).files
    assert b"bees" not in export.content
    assert b"boat" in export.content


async def test_what_is_uncertain_is_asked_about(talk: Talk) -> None:
    await write(talk, "My bike lock is 4821 too.", "My alarm code 4821 was easy.")
    await talk.say("7", "/remember My garage pin is 4821")
    asked = await talk.say("7", "/forget 1")
    assert "Deleted 1 record: 1 fact" in asked.answer
    offered = rows(asked)
    assert sorted(offered.values()) == [
        "you wrote: My alarm code 4821 was easy.",
        "you wrote: My bike lock is 4821 too.",
    ]
    labels = [choice.label for choice in asked.choices]
    assert labels[:2] == list(offered)
    # A button forgets its record; what was asked about stays unless it is chosen.
    chosen = await talk.say("7", asked.choices[0].command)
    assert "1 message" in chosen.answer
    [left] = rows(await talk.say("7", "/forget about 4821")).values()
    assert left == offered[labels[1]]
    assert (await talk.say("7", "/forget no")).error is None
    assert (await talk.say("7", "/forget yes")).error is not None
    assert list(rows(await talk.say("7", "/memory")).values()) == [left]


async def test_all_that_was_asked_about_goes_with_one_word(talk: Talk) -> None:
    await write(talk, "My bike lock is 4821 too.", "My alarm code 4821 was easy.")
    await talk.say("7", "/remember My garage pin is 4821")
    asked = await talk.say("7", "/forget 1")
    yes = next(choice.command for choice in asked.choices if choice.command.startswith("/forget yes"))
    assert "Deleted 4 records: 2 messages, 2 answers." in (await talk.say("7", yes)).answer
    assert (await talk.say("7", "/memory")).table is None


@pytest.mark.parametrize(
    ("language", "command"),
    [("en", "/forget about the garage"), ("ru", "/забудь про гараж"), ("ru", "/забыть о гараже")],
)
async def test_records_are_found_by_what_they_are_about(talk: Talk, language: str, command: str) -> None:
    await write(talk, "My garage is cold.", "Гараж я покрасил.", "I own a boat.")
    await talk.say("7", "/remember The code of my garage is 4821")
    found = await talk.say("7", command, language=language)
    assert len(rows(found)) == 3
    assert not any("boat" in text for text in rows(found).values())
    said = await talk.say("7", "/forget да" if language == "ru" else "/forget yes", language=language)
    assert ("Удалено 5 записей: 1 факт, 2 сообщения, 2 ответа." if language == "ru" else "5 records") in said.answer
    assert list(rows(await talk.say("7", "/memory")).values()) == ["you wrote: I own a boat."]


async def test_long_lists_have_pages_with_lasting_numbers(talk: Talk) -> None:
    for number in range(25):
        await talk.say("7", f"/remember My plan number {number} is to visit town {number}")
    first = await talk.say("7", "/memory")
    assert list(rows(first)) == [str(number) for number in range(1, 21)]
    assert [choice.command for choice in first.choices] == ["/memory page 2"]
    second = await talk.say("7", "/memory page 2")
    assert list(rows(second)) == [str(number) for number in range(21, 26)]
    await talk.say("7", "/forget 1")
    assert list(rows(await talk.say("7", "/memory page 2"))) == [str(number) for number in range(22, 26)]
    assert "visit town 24" in (await talk.say("7", "/forget 25")).answer


async def test_a_message_of_theirs_is_not_corrected(talk: Talk) -> None:
    await write(talk, "I keep bees.")
    assert "cannot be changed" in ((await talk.say("7", "/memory 1 I keep wasps")).error or "")


async def test_a_new_fact_says_what_it_ends(talk: Talk) -> None:
    await talk.say("7", "/remember I live in Kazan")
    said = await talk.say("7", "/remember I moved to Berlin")
    assert "This no longer holds: I live in Kazan" in said.answer
    assert list(rows(await talk.say("7", "/memory")).values()) == ["I moved to Berlin"]
    await write(talk, "I moved to Omsk in May. How are you?")
    listed = list(rows(await talk.say("7", "/memory")).values())
    assert "I moved to Omsk in May." in listed
    assert "I moved to Berlin" not in listed


async def test_lists_change_hands_when_accounts_are_linked(talk: Talk) -> None:
    await talk.say("7", "/remember I own a boat")
    await talk.say("8", "/remember I keep bees", platform="discord")
    await talk.say("7", "/memory")
    await talk.say("8", "/memory", platform="discord")
    assert "linked now" in await talk.link("7", "8")
    assert set(rows(await talk.say("8", "/memory", platform="discord")).values()) == {"I own a boat", "I keep bees"}
    assert rows(await talk.say("7", "/memory page 1"))["1"] == "I own a boat"
