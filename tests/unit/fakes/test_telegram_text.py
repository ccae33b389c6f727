"""Texts of the fake Bot API: cleaning a text moves its entities along."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes.telegram.records import Records
from tests.fakes.telegram.validation import formatted_text, utf16_length
from tests.fakes.telegram.wire import Call, Refused

PIECES = st.lists(st.sampled_from(["a", "я", "😀", " ", "\n", "\r", "\x01", "\u202e", "é"]), max_size=12)


def substring(text: str, offset: int, length: int) -> str:
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


@given(before=PIECES, inside=PIECES, behind=PIECES)
@example(before=[], inside=["\r"], behind=[" ", "a"])
def test_entity_stays_on_its_letters(before: list[str], inside: list[str], behind: list[str]) -> None:
    text = "".join(before + inside + behind)
    entity = {"type": "bold", "offset": utf16_length("".join(before)), "length": utf16_length("".join(inside))}
    call = Call("sendmessage", {"text": text, "entities": json.dumps([entity])})
    try:
        cleaned = formatted_text(call, Records())
    except Refused:
        assert not text.strip(" \n\r\x01\u202e")
        return
    assert cleaned.text == cleaned.text.strip(" \n") or cleaned.entities
    assert not set(cleaned.text) & set("\r\x01\u202e")
    assert [letter for letter in cleaned.text if letter.isalnum()] == [letter for letter in text if letter.isalnum()]
    expected = "".join(inside).replace("\r", "").replace("\u202e", "").replace("\x01", " ")
    for moved in cleaned.entities:
        covered = substring(cleaned.text, moved["offset"], moved["length"])
        assert covered == expected or expected.startswith(covered)
        assert covered.strip() == expected.strip()
    assert cleaned.entities or not expected.strip()


LETTERS = st.text(st.characters(categories=("L", "N", "So")), max_size=20)


@given(text=LETTERS, offset=st.integers(-2, 25), length=st.integers(-2, 25))
def test_entity_is_within_the_text_or_refused(text: str, offset: int, length: int) -> None:
    entities = json.dumps([{"type": "bold", "offset": offset, "length": length}])
    try:
        cleaned = formatted_text(Call("sendmessage", {"text": text, "entities": entities}), Records())
    except Refused:
        assert not text or offset < 0 or length < 0 or offset + length > utf16_length(text) or max(text) >= "\U00010000"
        return
    for entity in cleaned.entities:
        assert substring(cleaned.text, entity["offset"], entity["length"])
        assert entity["offset"] + entity["length"] <= cleaned.length
