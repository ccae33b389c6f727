"""Held-out dialogues are the last occasions of conversations, never parts of one."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.authoring.candidates import Candidate, Origin, Turn
from bot.authoring.heldout import choose_heldout, find_leaking
from bot.authoring.stitching import OCCASION_GAP

START = datetime(2026, 5, 1)  # noqa: DTZ001 - as an exporting device shows it


def candidate(number: int, conversation: str, hour: float, text: str = "") -> Candidate:
    time = (START + timedelta(hours=hour)).isoformat()
    turns = (Turn("user", f"{text}?"), Turn("assistant", f"{text}."))
    return Candidate(str(number), Origin.CHAT, "f", conversation, turns, time, time)


CHATS = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 300)), max_size=80)


@settings(max_examples=100, deadline=None)
@given(CHATS, st.floats(0, 0.5))
def test_no_occasion_is_parted_and_what_is_held_out_is_the_last(rows: list[tuple[str, int]], share: float) -> None:
    found = [candidate(number, chat, hour) for number, (chat, hour) in enumerate(rows)]
    heldout = choose_heldout(found, share)
    assert len(heldout) <= 2 * share * len(found) + 5
    assert len(heldout) < max(1, len(found))
    chats = defaultdict(list)
    for each in found:
        chats[each.conversation].append(each)
    for chat in chats.values():
        trained = [datetime.fromisoformat(each.first) for each in chat if each.id not in heldout]
        held = [datetime.fromisoformat(each.first) for each in chat if each.id in heldout]
        if trained and held:
            # With silence between them, and later: other occasions may stand between.
            assert all(abs(one - other) > OCCASION_GAP for one in trained for other in held)


def test_what_is_said_on_both_sides_is_a_leak() -> None:
    said = "начни с двадцати минут шагом и не гонись за скоростью"
    trained = [candidate(1, "a", 0, said), candidate(2, "a", 1, "спи восемь часов в тишине и темноте")]
    heldout = [candidate(3, "b", 90, f"{said} совсем"), candidate(4, "b", 90, "пей воду до старта понемногу")]
    assert find_leaking(trained, heldout) == {"3"}
