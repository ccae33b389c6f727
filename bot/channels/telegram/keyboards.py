"""Buttons under messages, and what pressing them says. A press carries at most 64 bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.channels.port import Outcome
from bot.locales import LANGUAGES, Language, Translator
from bot.mind import Mind
from bot.modes.mixer import Mix, decode, encode, mix_of, on_page, page_count

MOST_BYTES: Final = 64
STOP: Final = "stop"
_SAY: Final = "say:"
_MIX: Final = "mix:"
_APPLY: Final = "use:"
_LANGUAGE_NAMES: Final = {"ru": "Русский", "en": "English", "auto": "🌐"}
_PER_ROW: Final = 3


@dataclass(frozen=True, slots=True)
class Says:
    """Pressing it is as good as writing a command."""

    command: str
    replaces: bool = False
    """Whether what the command answers takes the place of the buttons' message."""


@dataclass(frozen=True, slots=True)
class Shows:
    """Pressing it shows another mix."""

    mix: Mix
    language: Language


@dataclass(frozen=True, slots=True)
class Stops:
    """Pressing it stops the answer that is being made."""


@dataclass(frozen=True, slots=True)
class Stale:
    """It belongs to another day: it means nothing any more."""


Press = Says | Shows | Stops | Stale


def read_press(data: str, mind: Mind) -> Press:
    """What a button means."""
    kind, _, rest = data.partition(":")
    match f"{kind}:":
        case "say:" if rest.startswith("/"):
            return Says(rest, replaces=rest != "/retry")
        case "mix:" | "use:":
            language = next((known for known in LANGUAGES if known == rest[:2]), None)
            mix = decode(rest[2:], mind)
            if mix is None or language is None:
                return Stale()
            return Shows(mix, language) if kind == "mix" else Says(f"/mode {mix.mode}", replaces=True)
    return Stops() if data == STOP else Stale()


def stopping(say: Translator) -> InlineKeyboardMarkup:
    """Under an answer that is being made."""
    label = say("Stop")
    return _keyboard([[_button(f"⏹ {label}", STOP)]])


def after(outcome: Outcome, mind: Mind, say: Translator) -> InlineKeyboardMarkup | None:
    """Under what an outcome shows: something to choose from, or to ask again."""
    if outcome.menu == "modes":
        return mixer(mix_of(outcome.mode, mind), mind, say)
    if outcome.menu == "languages":
        return _keyboard([[_button(name, f"{_SAY}/lang {code}") for code, name in _LANGUAGE_NAMES.items()]])
    if outcome.stopped or outcome.at_fault:
        label = say("Ask again")
        return _keyboard([[_button(f"🔁 {label}", f"{_SAY}/retry")]])
    return None


def mixer(mix: Mix, mind: Mind, say: Translator) -> InlineKeyboardMarkup:
    """Adapters to choose, weights to turn, modes that have a name, pages, and what applies it."""

    def shows(label: str, to: Mix) -> InlineKeyboardButton:
        return _button(label, f"{_MIX}{say.language}{encode(to, mind)}")

    rows = []
    for name in on_page(mix, mind):
        term = mix.term(name)
        rows.append([shows(f"✅ {name}" if term else f"▫️ {name}", mix.toggled(name, mind))])
        if term:
            weight = "1×" if term.weight is None else f"{term.weight.normalize():f}×"
            rows[-1] += [
                shows("➖", mix.lighter(name)), shows(weight, mix.unweighed(name)), shows("➕", mix.heavier(name))
            ]  # fmt: skip
    count = page_count(mind)
    if count > 1:
        back, on = Mix(mix.terms, (mix.page - 1) % count), Mix(mix.terms, (mix.page + 1) % count)
        rows.append([shows("◀️", back), shows(f"{mix.page + 1}/{count}", mix), shows("▶️", on)])
    titles = {name: mode.title.text(say.language) for name, mode in mind.modes.items()}
    named = [_button(titles[name] or name, f"{_SAY}/mode {name}") for name in titles if _fits(f"{_SAY}/mode {name}")]
    named += [_button(name, f"{_SAY}/mode {name}") for name in ("auto", "base")]
    rows += [named[n : n + _PER_ROW] for n in range(0, min(len(named), 30), _PER_ROW)]
    if mix.terms:
        label = say("Apply")
        rows.append([_button(f"✔️ {label}: {mix.mode}"[:60], f"{_APPLY}{say.language}{encode(mix, mind)}")])
    return _keyboard(rows)


def _button(label: str, data: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=label, callback_data=data)


def _keyboard(rows: list[list[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _fits(data: str) -> bool:
    return len(data.encode()) <= MOST_BYTES
