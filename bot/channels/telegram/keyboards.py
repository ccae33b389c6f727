"""Buttons under messages, and what pressing them says. A press carries at most 64 bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.core.i18n import LANGUAGES, Language, Translator
from bot.core.messages import Outcome
from bot.minds import Mind
from bot.minds.mixer import Mix, adapters_on_page, decode_mix, encode_mix, page_count, parse_mix

MAX_CALLBACK_BYTES: Final = 64
STOP_DATA: Final = "stop"
_COMMAND_PREFIX: Final = "say:"
_MIX_PREFIX: Final = "mix:"
_APPLY_PREFIX: Final = "use:"
_LANGUAGE_NAMES: Final = {"ru": "Русский", "en": "English", "auto": "🌐"}
_BUTTONS_PER_ROW: Final = 3


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Pressing it is as good as writing a command."""

    command: str
    replaces_message: bool = False
    """Whether what the command answers takes the place of the buttons' message."""


@dataclass(frozen=True, slots=True)
class ShowMix:
    """Pressing it shows another mix."""

    mix: Mix
    language: Language


@dataclass(frozen=True, slots=True)
class StopAnswer:
    """Pressing it stops the answer that is being made."""


@dataclass(frozen=True, slots=True)
class ExpiredButton:
    """It belongs to another day: it means nothing any more."""


ButtonAction = RunCommand | ShowMix | StopAnswer | ExpiredButton


def parse_callback_data(data: str, mind: Mind) -> ButtonAction:
    """What a button means."""
    kind, _, rest = data.partition(":")
    match f"{kind}:":
        case "say:" if rest.startswith("/"):
            return RunCommand(rest, replaces_message=rest != "/retry")
        case "mix:" | "use:":
            language = next((known for known in LANGUAGES if known == rest[:2]), None)
            mix = decode_mix(rest[2:], mind)
            if mix is None or language is None:
                return ExpiredButton()
            return ShowMix(mix, language) if kind == "mix" else RunCommand(f"/mode {mix.mode}", replaces_message=True)
    return StopAnswer() if data == STOP_DATA else ExpiredButton()


def stop_keyboard(say: Translator) -> InlineKeyboardMarkup:
    """Under an answer that is being made."""
    label = say("Stop")
    return _keyboard([[_button(f"⏹ {label}", STOP_DATA)]])


def outcome_keyboard(outcome: Outcome, mind: Mind, say: Translator) -> InlineKeyboardMarkup | None:
    """Under what an outcome shows: something to choose from, or to ask again."""
    if outcome.menu == "modes":
        return mixer_keyboard(parse_mix(outcome.mode, mind), mind, say)
    if outcome.menu == "languages":
        return _keyboard([[_button(name, f"{_COMMAND_PREFIX}/lang {code}") for code, name in _LANGUAGE_NAMES.items()]])
    if outcome.stopped or outcome.is_service_error:
        label = say("Ask again")
        return _keyboard([[_button(f"🔁 {label}", f"{_COMMAND_PREFIX}/retry")]])
    return None


def mixer_keyboard(mix: Mix, mind: Mind, say: Translator) -> InlineKeyboardMarkup:
    """Adapters to choose, weights to turn, modes that have a name, pages, and what applies it."""

    def shows(label: str, to: Mix) -> InlineKeyboardButton:
        return _button(label, f"{_MIX_PREFIX}{say.language}{encode_mix(to, mind)}")

    rows = []
    for name in adapters_on_page(mix, mind):
        term = mix.term(name)
        rows.append([shows(f"✅ {name}" if term else f"▫️ {name}", mix.toggle(name, mind))])
        if term:
            weight = "1×" if term.weight is None else f"{term.weight.normalize():f}×"
            rows[-1] += [
                shows("➖", mix.decrease_weight(name)),
                shows(weight, mix.reset_weight(name)),
                shows("➕", mix.increase_weight(name)),
            ]
    count = page_count(mind)
    if count > 1:
        back, on = Mix(mix.terms, (mix.page - 1) % count), Mix(mix.terms, (mix.page + 1) % count)
        rows.append([shows("◀️", back), shows(f"{mix.page + 1}/{count}", mix), shows("▶️", on)])
    titles = {name: mode.title.text(say.language) for name, mode in mind.modes.items()}
    named = [
        _button(titles[name] or name, f"{_COMMAND_PREFIX}/mode {name}")
        for name in titles
        if _fits_callback_data(f"{_COMMAND_PREFIX}/mode {name}")
    ]
    named += [_button(name, f"{_COMMAND_PREFIX}/mode {name}") for name in ("auto", "base")]
    rows += [named[n : n + _BUTTONS_PER_ROW] for n in range(0, min(len(named), 30), _BUTTONS_PER_ROW)]
    if mix.terms:
        label = say("Apply")
        rows.append([_button(f"✔️ {label}: {mix.mode}"[:60], f"{_APPLY_PREFIX}{say.language}{encode_mix(mix, mind)}")])
    return _keyboard(rows)


def _button(label: str, data: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=label, callback_data=data)


def _keyboard(rows: list[list[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _fits_callback_data(data: str) -> bool:
    return len(data.encode()) <= MAX_CALLBACK_BYTES
