"""Mode switches in sentences, and sentences that only look like one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.minds import Mind, UnknownAdapter, parse_expression, parse_mode_switch, resolve_mode


@pytest.mark.parametrize(
    ("message", "mode"),
    [
        ("включить режим: физика+агоге", "core+physics"),
        ("включи режим спорт и физика", "core+physics+sport"),
        ("\nвключи режим спорт и физика\n", "core+physics+sport"),
        ("Включи, пожалуйста, спорт", "core+sport"),
        ("Пожалуйста, включи режим «спорт»", "core+sport"),
        ("режим: база", "base"),
        ("Режим — физика.", "core+physics"),
        ("режим спорта", "core+sport"),
        ("переключись на спорт", "core+sport"),
        ("Переключись на физику и спорт!", "core+physics+sport"),
        ("переключись в режим тренера", "core+sport"),
        ("перейди к физике", "core+physics"),
        ("смени режим на тренировку", "core+sport"),
        ("вернись к базе", "base"),
        ("включи режим лаборатории", "core+physics*0.7"),
        ("включи физику*0,7, спорт@late", "core+physics*0.7+sport@late"),
        ("включи режим: спорт + физика*−0,25", "core+physics*-0.25+sport"),
        ("switch to sport + physics * -1.05", "core+physics*-1.05+sport"),
        ("включи классику", "classical"),
        ("активируй авто", "auto"),
        ("switch to sport + core", "core+sport"),
        ("Switch to the sport mode, please.", "core+sport"),
        ("mode: physics", "core+physics"),
        ("Mode = lab", "core+physics*0.7"),
        ("turn on sport mode", "core+sport"),
        ("use physics and sport", "core+physics+sport"),
        ("use physics, sport, and core", "core+physics+sport"),
        ("set the mode to sport plus core", "core+sport"),
        ("switch back to auto", "auto"),
        ("go into physics mode", "core+physics"),
        ("ok, use classical", "classical"),
        ("sports mode", "core+sport"),
        ("ＭＯＤＥ： sport", "core+sport"),
    ],
)
def test_message_that_is_a_switch(mind: Mind, message: str, mode: str) -> None:
    expression = parse_mode_switch(message, mind)
    assert (expression and resolve_mode(parse_expression(expression), mind).text) == mode


@pytest.mark.parametrize(
    "message",
    [
        "How do I switch to running?",
        "Should I switch to sport?",
        "switch to sport?",
        "use your legs",
        "use the core of the argument",
        "Use core strength",
        "use core @ home",
        "use core + legs",
        "use physics and common sense",
        "use sport as medicine",
        "I use sport to relax",
        "turn on the light",
        "turn on dark mode",
        "mode of transport",
        "The sport mode of my watch is broken",
        "Which mode: sport or physics?",
        "sport",
        "sport and physics",
        "mode",
        "mode:",
        "use",
        "use sport\nand tell me how to run",
        "switch to sport and then explain deloads",
        "я хочу переключиться на бег в другом режиме",
        "переключись на спорт с понедельника",
        "Как включить режим спорта?",
        "Режим сна у меня сбит",
        "режим: сон и еда",
        "режим: сон, еда, работа. Что поправить?",
        "Включи режим дня в план",
        "включи музыку",
        "в спорте главное режим",
        "физика и спорт",
        "режим:",
        "",
        "   ",
        "use sport " + "x" * 300,
    ],
)
def test_ordinary_message_is_not_a_switch(mind: Mind, message: str) -> None:
    assert parse_mode_switch(message, mind) is None


@pytest.mark.parametrize(
    ("message", "nearest"),
    [
        ("режим: спрот", "sport"),
        ("включить режим: физика+магия", "core"),
        ("включи режим: магия и еда", "core"),
        ("включи режим физка", "physics"),
        ("mode: sprot and core", "sport"),
        ("switch to phisics mode", "physics"),
        ("mode: ызщке", "sport"),
        ("mode: medicine", "core"),
        ("включить режим: медицина", "core"),
    ],
)
def test_misspelt_switch_names_the_nearest_adapters(mind: Mind, message: str, nearest: str) -> None:
    with pytest.raises(UnknownAdapter) as caught:
        parse_mode_switch(message, mind)
    assert caught.value.alternatives[0] == nearest


@given(data=st.data())
def test_any_message_is_accepted(data: st.DataObject, mind: Mind) -> None:
    words = ["режим", "mode", ":", "use", "switch to", "включи", "sport", "физику", "и", "+", "*", "@", "3", "?", " "]
    message = data.draw(st.one_of(st.text(max_size=250), st.lists(st.sampled_from(words), max_size=12).map(" ".join)))
    with contextlib.suppress(UnknownAdapter):
        expression = parse_mode_switch(message, mind)
        assert expression is None or expression.strip()
