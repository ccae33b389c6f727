"""Anna on Telegram, who chooses Russian."""

from __future__ import annotations

import json
from typing import Any

from bot.channels.telegram.rendering import queue_position_text
from bot.core.i18n import LANGUAGES, Translator
from tests.acceptance.conftest import DEADLINE
from tests.acceptance.scripted.transcript import Block, Key, Transcript
from tests.fakes.telegram.server import FakeTelegram
from tests.fakes.telegram.state import Shown, ShownDraft

QUESTION = "How do I get back to running after a lazy winter?"
FACT = "My left knee aches when I run downhill."
LATER = "What about my left knee?"
MIXED = ("▫️ sport", "➖", "▫️ core")
ENOUGH = 40
"""Characters of an answer to wait for before it is stopped."""
GROWTH = 3
"""How many states of unfinished answers must have been shown, in three answers."""


class OnTelegram:
    """Anna: writes, presses buttons, and reads."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram
        self._users = telegram.users
        self.anna = telegram.users.person("Anna", "anna", "en")
        self.transcript = Transcript("Telegram", "Anna", "Consilium")

    async def begin(self) -> None:
        """From the first greeting to the fact to remember."""
        greeting = await self._say("/start")
        assert "Agoge" in greeting.text
        menu = await self._say("/lang")
        assert await self._press("Русский", menu) == "Язык: русский."
        await self._mix()
        await self._ask_and_stop()
        self._users.press(self.anna, self.anna, "🔁 Спросить ещё раз")
        self._note("🔁 Спросить ещё раз")
        answer = await self._answer(self._last().id)
        assert "⏹" not in answer.text
        said = await self._say(f"/remember {FACT}")
        assert FACT in said.text

    async def go_on(self) -> None:
        """After the restart: the fact is remembered and used."""
        assert FACT in (await self._say("/memory")).text
        assert len((await self._say(LATER)).text.split()) > 3

    async def end(self) -> None:
        """Forget the fact, and export the rest."""
        assert FACT in (await self._say("/forget 1")).text
        assert FACT not in (await self._say("/memory")).text
        await self._say("/export", files=2)
        names = [self._file_name(message) for message in self._users.answers(self.anna) if message.document]
        assert names == ["consilium-export.json", "consilium-export.md"]

    def exported(self) -> dict[str, Any]:
        """The exported JSON."""
        documents = [message.document for message in self._users.answers(self.anna) if message.document]
        export: dict[str, Any] = json.loads(self._users.download(documents[0]))
        return export

    def texts(self) -> list[str]:
        """Every text that the bot has ever shown."""
        return [state.text for state in self._telegram.records.states if state.author != self.anna]

    def check(self) -> None:
        """Check that the bot kept to Telegram's rules and limits."""
        records = self._telegram.records
        assert records.parse_mode_uses == []
        assert self._telegram.limits.ignored_429 == []
        assert (records.unknown_methods, records.oddities) == ([], [])
        assert [text for text in self._users.doubled(self.anna) if text] == [], "only files say nothing"
        assert self._users.draft(self.anna) is None
        assert len({state.text for state in records.states if state.event == "draft" and state.text}) >= GROWTH

    async def _mix(self) -> None:
        menu = await self._say("/mode")
        for label in MIXED:
            now = await self._changed(label, menu)
        self._note("”, “".join(MIXED))
        self._show(now)
        applied = await self._press("✔️ Применить: core+sport*0.9", menu)
        assert "core+sport*0.9" in applied

    async def _ask_and_stop(self) -> None:
        self._users.say(self.anna, self.anna, QUESTION)
        self.transcript.said(QUESTION)
        draft: ShownDraft = await self._telegram.wait_for(self._long_draft, DEADLINE)
        assert draft.can_stop
        self.transcript.shown([Block(draft.text)], [[Key("⏹ Stop", "red")]], unfinished=True)
        before = self._last().id
        self._users.stop(self.anna)
        self._note("⏹ Stop")
        stopped = await self._answer(before)
        assert stopped.text.startswith(draft.text[: ENOUGH // 2])
        assert stopped.text.endswith("⏹ Остановлено.")

    def _long_draft(self) -> ShownDraft | None:
        draft = self._users.draft(self.anna)
        return draft if draft and len(draft.text) >= ENOUGH else None

    async def _say(self, text: str, files: int = 0) -> Shown:
        """Write a message; the answer, which comes with so many files."""
        asked = self._users.say(self.anna, self.anna, text)
        self.transcript.said(text)
        return await self._answer(asked, files)

    async def _press(self, label: str, menu: Shown) -> str:
        """Press a button that changes its message; the new text."""
        now = await self._changed(label, menu)
        self._note(label)
        self._show(now)
        return now.text

    async def _changed(self, label: str, menu: Shown) -> Shown:
        """Press a button; its message after the change."""
        old = self._seen(menu.id)
        self._users.press(self.anna, self.anna, label, menu.id)

        def changed() -> Shown | None:
            now = self._seen(menu.id)
            return now if (now.text, now.buttons) != (old.text, old.buttons) else None

        now = await self._telegram.wait_for(changed, DEADLINE)
        assert now is not None
        return now

    async def _answer(self, after: int, files: int = 0) -> Shown:
        """The bot's first message after another, once it is complete.

        That is none that says how many are answered before it: an answer takes its place, or comes instead of it.
        """

        def said() -> list[Shown]:
            new = [message for message in self._users.answers(self.anna) if message.id > after]
            writing = self._users.draft(self.anna) or any(_is_passing(message) for message in new)
            return [] if writing or len(new) < 1 + files else new

        first, *others = await self._telegram.wait_for(said, DEADLINE)
        self._show(first, tuple(self._file_name(message) for message in others))
        return first

    def _last(self) -> Shown:
        return self._users.messages(self.anna)[-1]

    def _seen(self, message: int) -> Shown:
        return next(seen for seen in self._users.messages(self.anna) if seen.id == message)

    def _note(self, pressed: str) -> None:
        self.transcript.note(f"Anna presses “{pressed}”")

    def _show(self, message: Shown, files: tuple[str, ...] = ()) -> None:
        keys = [[Key(button["text"]) for button in row] for row in message.buttons]
        self.transcript.shown(_blocks(message), keys, files)

    def _file_name(self, message: Shown) -> str:
        return self._telegram.core.world.files[message.document or ""].name


def _is_passing(message: Shown) -> bool:
    """Whether a message will show something else, or be gone, once there is an answer."""
    notices = {queue_position_text(ahead, Translator(language)).text for language in LANGUAGES for ahead in range(1, 4)}
    return message.text == "…" or message.text in notices


def _blocks(message: Shown) -> list[Block]:
    """The text in blocks: code separate from the rest."""
    units = message.text.encode("utf-16-le")

    def piece(start: int, end: int) -> str:
        return units[2 * start : 2 * end].decode("utf-16-le").strip("\n")

    blocks, at = [], 0
    for entity in message.entities:
        if entity["type"] == "pre":
            end = entity["offset"] + entity["length"]
            blocks += [Block(piece(at, entity["offset"])), Block(piece(entity["offset"], end), "code")]
            at = end
    return [block for block in [*blocks, Block(piece(at, len(units) // 2))] if block.text]
