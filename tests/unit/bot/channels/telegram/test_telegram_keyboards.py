"""Inline keyboards: their limits, and what their callback data means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.settings import DEMO_MIND
from bot.channels.telegram.keyboards import (
    MAX_CALLBACK_BYTES,
    ExpiredButton,
    RunCommand,
    ShowMix,
    StopAnswer,
    mixer_keyboard,
    outcome_keyboard,
    parse_callback_data,
    stop_keyboard,
)
from bot.core.i18n import LANGUAGES, Translator
from bot.core.messages import Choice, Outcome
from bot.minds import load_mind
from bot.minds.grammar import MAX_TERMS, WEIGHT_STEP, Term
from bot.minds.mixer import Mix, page_count, parse_mix

AGOGE = load_mind(DEMO_MIND)
LONG = replace(
    AGOGE,
    adapters={f"{'имя' * 20}-{n}": AGOGE.adapters["sport"] for n in range(200)},
    modes={f"{'режим' * 12}-{n}": AGOGE.modes["coach"] for n in range(100)},
)


@given(
    st.lists(st.sampled_from(list(LONG.adapters)), max_size=MAX_TERMS, unique=True),
    st.integers(1, 40),
    st.integers(0, page_count(LONG) - 1),
    st.sampled_from(LANGUAGES),
)
def test_mixer_keeps_the_limits_and_its_buttons_parse(names: list[str], steps: int, page: int, language: str) -> None:
    mix = Mix(tuple(Term(name, steps * WEIGHT_STEP) for name in names), page)
    rows = mixer_keyboard(mix, LONG, Translator(language)).inline_keyboard
    assert sum(map(len, rows)) <= 100
    assert max(map(len, rows)) <= 8
    for button in (button for row in rows for button in row):
        assert button.text
        assert button.callback_data
        assert len(button.callback_data.encode()) <= MAX_CALLBACK_BYTES
        assert not isinstance(parse_callback_data(button.callback_data, LONG), ExpiredButton)


def test_button_actions() -> None:
    say = Translator("en")
    rows = mixer_keyboard(parse_mix("core+sport*0.7", AGOGE), AGOGE, say).inline_keyboard
    by_label = {button.text: parse_callback_data(button.callback_data or "", AGOGE) for row in rows for button in row}
    assert by_label["✔️ Apply: core+sport*0.7"] == RunCommand("/mode core+sport*0.7", replaces_message=True)
    assert by_label["Coach"] == RunCommand("/mode coach", replaces_message=True)
    assert by_label["auto"] == RunCommand("/mode auto", replaces_message=True)
    action = by_label["✅ sport"]
    assert isinstance(action, ShowMix)
    assert (action.mix.mode, action.language) == ("core", "en")
    ((stop,),) = stop_keyboard(say).inline_keyboard
    assert parse_callback_data(stop.callback_data or "", AGOGE) == StopAnswer()


@given(st.text(max_size=64) | st.sampled_from(["mix:", "use:en", "say:", "say:hello", "mix:ruAAAA", "stop:now"]))
def test_unknown_callback_data_is_expired(data: str) -> None:
    action = parse_callback_data(data, AGOGE)
    assert isinstance(action, ExpiredButton) or data == "stop" or data.startswith("say:/")


@pytest.mark.parametrize(
    ("outcome", "buttons"),
    [
        (Outcome("base", answer="all is well", turn="t"), 0),
        (Outcome("base", error="no", is_service_error=False), 0),
        (Outcome("base", error="no", is_service_error=True), 1),
        (Outcome("base", stopped=True), 1),
        (Outcome("base", menu="languages"), 3),
    ],
)
def test_buttons_of_an_outcome(outcome: Outcome, buttons: int) -> None:
    keyboard = outcome_keyboard(outcome, AGOGE, Translator("ru"))
    assert sum(map(len, keyboard.inline_keyboard if keyboard else [])) == buttons


@given(
    st.lists(st.builds(Choice, st.text(max_size=200), st.text(max_size=80).map(lambda text: f"/{text}")), max_size=120)
)
def test_choices_keep_the_limits(choices: list[Choice]) -> None:
    keyboard = outcome_keyboard(Outcome("base", choices=choices), AGOGE, Translator("en"))
    rows = keyboard.inline_keyboard if keyboard else []
    assert all(rows)
    assert sum(map(len, rows)) <= 100
    assert max(map(len, rows), default=0) <= 8
    commands = {choice.command for choice in choices}
    for button in (button for row in rows for button in row):
        assert 0 < len(button.text) <= 64
        assert len((button.callback_data or "").encode()) <= MAX_CALLBACK_BYTES
        action = parse_callback_data(button.callback_data or "", AGOGE)
        assert isinstance(action, RunCommand)
        assert action.command in commands


def test_choices_stand_in_rows_and_what_does_not_fit_is_left_out() -> None:
    numbers = [Choice(str(number), f"/forget {number}") for number in range(1, 8)]
    words = [Choice("Delete all of these", "/forget yes"), Choice("w" * 100, "/forget no")]
    refused = [Choice(" ", "/help"), Choice("long", "/forget " + "я" * 40)]
    keyboard = outcome_keyboard(Outcome("base", choices=[*numbers, *words, *refused]), AGOGE, Translator("en"))
    assert keyboard is not None
    labels = [[button.text for button in row] for row in keyboard.inline_keyboard]
    assert labels == [["1", "2", "3", "4", "5"], ["6", "7"], ["Delete all of these"], ["w" * 59 + "…"]]
    assert outcome_keyboard(Outcome("base", choices=refused), AGOGE, Translator("en")) is None
