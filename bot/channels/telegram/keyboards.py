"""Inline keyboards: the buttons under messages, and what their callback data means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.core.i18n import LANGUAGES, Language, Translator
from bot.core.messages import Choice, Outcome
from bot.minds import Mind
from bot.minds.mixer import Mix, adapters_on_page, decode_mix, encode_mix, page_count, parse_mix

MAX_CALLBACK_BYTES: Final = 64
"""Bytes of a button's callback data that Telegram accepts."""
STOP_DATA: Final = "stop"
_COMMAND_PREFIX: Final = "say:"
_ANSWERED_BELOW: Final = ("/retry", "/library")
"""Commands whose answer does not replace the message with the button."""
_MIX_PREFIX: Final = "mix:"
_APPLY_PREFIX: Final = "use:"
_LANGUAGE_NAMES: Final = {"ru": "Русский", "en": "English", "auto": "🌐"}
_SHORT_LABEL: Final = 4
_SHORT_BUTTONS_PER_ROW: Final = 5
_BUTTONS_PER_ROW: Final = 3
_MAX_MODE_BUTTONS: Final = 30
_MAX_LABEL_LENGTH: Final = 60
_MAX_CHOICES: Final = 90
"""Buttons of one message, of which Telegram shows a hundred."""


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Runs a command as if the person had written it."""

    command: str
    replaces_message: bool = False
    """Whether the command's answer replaces the message with the buttons."""


@dataclass(frozen=True, slots=True)
class ShowMix:
    """Shows another mix in the mixer."""

    mix: Mix
    language: Language


@dataclass(frozen=True, slots=True)
class StopAnswer:
    """Stops the answer that is being generated."""


@dataclass(frozen=True, slots=True)
class ExpiredButton:
    """Does nothing: the button is from an older version, or the mind's adapters have changed."""


ButtonAction = RunCommand | ShowMix | StopAnswer | ExpiredButton


def parse_callback_data(data: str, mind: Mind) -> ButtonAction:
    """What a button with this callback data does."""
    kind, _, rest = data.partition(":")
    match f"{kind}:":
        case "say:" if rest.startswith("/"):
            return RunCommand(rest, replaces_message=not rest.startswith(_ANSWERED_BELOW))
        case "mix:" | "use:":
            language = next((known for known in LANGUAGES if known == rest[:2]), None)
            mix = decode_mix(rest[2:], mind)
            if mix is None or language is None:
                return ExpiredButton()
            return ShowMix(mix, language) if kind == "mix" else RunCommand(f"/mode {mix.mode}", replaces_message=True)
    return StopAnswer() if data == STOP_DATA else ExpiredButton()


def stop_keyboard(say: Translator) -> InlineKeyboardMarkup:
    """The keyboard of an answer that is being generated."""
    label = say("Stop")
    return _keyboard([[_button(f"⏹ {label}", STOP_DATA)]])


def outcome_keyboard(outcome: Outcome, mind: Mind, say: Translator) -> InlineKeyboardMarkup | None:
    """The keyboard of an outcome: its menu, or a button to ask again; None when it has neither."""
    if outcome.menu == "modes":
        return mixer_keyboard(parse_mix(outcome.mode, mind), mind, say)
    if outcome.menu == "languages":
        return _keyboard([[_button(name, f"{_COMMAND_PREFIX}/lang {code}") for code, name in _LANGUAGE_NAMES.items()]])
    rows = _choice_rows(outcome.choices)
    if outcome.offers_library and outcome.turn is not None:
        label = say("Add to the library")
        rows.append([_button(f"📚 {label}", f"{_COMMAND_PREFIX}/library add {outcome.turn}")])
    if outcome.stopped or outcome.is_service_error:
        label = say("Ask again")
        rows.append([_button(f"🔁 {label}", f"{_COMMAND_PREFIX}/retry")])
    return _keyboard(rows) if rows else None


def _choice_rows(choices: Sequence[Choice]) -> list[list[InlineKeyboardButton]]:
    """Numbers beside each other, and words below each other.

    Telegram refuses a message with a button that it does not accept. So what does not fit gets none: everything that
    choices do can be written as well.
    """
    rows: list[list[InlineKeyboardButton]] = []
    may_go_on = False
    for choice in choices[:_MAX_CHOICES]:
        label, data = " ".join(choice.label.split()), f"{_COMMAND_PREFIX}{choice.command}"
        if not label or not _fits_callback_data(data):
            continue
        is_short = len(label) <= _SHORT_LABEL
        if len(label) > _MAX_LABEL_LENGTH:
            label = f"{label[: _MAX_LABEL_LENGTH - 1].rstrip()}…"
        if is_short and may_go_on and len(rows[-1]) < _SHORT_BUTTONS_PER_ROW:
            rows[-1].append(_button(label, data))
        else:
            rows.append([_button(label, data)])
        may_go_on = is_short
    return rows


def mixer_keyboard(mix: Mix, mind: Mind, say: Translator) -> InlineKeyboardMarkup:
    """The mixer: adapters to choose with their weights, pages, named modes, and a button that applies the mix."""

    def mix_button(label: str, target: Mix) -> InlineKeyboardButton:
        return _button(label, f"{_MIX_PREFIX}{say.language}{encode_mix(target, mind)}")

    rows = []
    for name in adapters_on_page(mix, mind):
        term = mix.term(name)
        rows.append([mix_button(f"✅ {name}" if term else f"▫️ {name}", mix.toggle(name, mind))])
        if term:
            weight = "1×" if term.weight is None else f"{term.weight.normalize():f}×"
            rows[-1] += [
                mix_button("➖", mix.decrease_weight(name)),
                mix_button(weight, mix.reset_weight(name)),
                mix_button("➕", mix.increase_weight(name)),
            ]
    count = page_count(mind)
    if count > 1:
        previous, following = Mix(mix.terms, (mix.page - 1) % count), Mix(mix.terms, (mix.page + 1) % count)
        page_label = f"{mix.page + 1}/{count}"
        rows.append([mix_button("◀️", previous), mix_button(page_label, mix), mix_button("▶️", following)])
    titles = {name: mode.title.text(say.language) for name, mode in mind.modes.items()}
    modes = [
        _button(titles[name] or name, f"{_COMMAND_PREFIX}/mode {name}")
        for name in titles
        if _fits_callback_data(f"{_COMMAND_PREFIX}/mode {name}")
    ]
    modes += [_button(name, f"{_COMMAND_PREFIX}/mode {name}") for name in ("auto", "base")]
    rows += [modes[n : n + _BUTTONS_PER_ROW] for n in range(0, min(len(modes), _MAX_MODE_BUTTONS), _BUTTONS_PER_ROW)]
    if mix.terms:
        label = say("Apply")
        data = f"{_APPLY_PREFIX}{say.language}{encode_mix(mix, mind)}"
        rows.append([_button(f"✔️ {label}: {mix.mode}"[:_MAX_LABEL_LENGTH], data)])
    return _keyboard(rows)


def _button(label: str, data: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=label, callback_data=data)


def _keyboard(rows: list[list[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _fits_callback_data(data: str) -> bool:
    return len(data.encode()) <= MAX_CALLBACK_BYTES
