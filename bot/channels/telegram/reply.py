"""One answer in a Telegram chat, shown while it is made.

A message is sent empty, written down, and only then shows anything of the answer: whoever takes a turn up after a
crash finds it and goes on in it, and nothing is said twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from bot.channels.errors import Undeliverable
from bot.channels.port import Outcome, Parts
from bot.channels.telegram.formatted import pages, plain
from bot.channels.telegram.keyboards import after
from bot.channels.telegram.methods import Page
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.pacing import Urgency
from bot.channels.telegram.painter import Painter
from bot.channels.telegram.place import Place
from bot.channels.telegram.show import PLACEHOLDER, outcome_markdown, outcome_text, place_in_queue
from bot.locales import Translator
from bot.mind import Mind
from db.errors import TurnTaken

EMPTY = Page(PLACEHOLDER)
"""A message that shows nothing of the answer yet."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Looks:
    """What all answers have in common."""

    mind: Mind
    rich: bool = False
    """Whether Telegram lays whole answers out itself; some of its clients show nothing of them yet."""


@dataclass(slots=True)
class _Shown:
    """A message of the answer, and what it shows; None when nobody knows."""

    id: int
    page: Page | None


class TelegramReply:
    """Shows one answer (`bot.channels.port.Reply`)."""

    def __init__(self, outbox: Outbox, place: Place, parts: Parts, say: Translator, looks: Looks) -> None:
        self._outbox = outbox
        self._place = place
        self._parts = parts
        self._say = say
        self._looks = looks
        known = [int(known) for known in parts.known] or ([place.instead] if place.instead is not None else [])
        self._shown = [_Shown(id_, None) for id_ in known]
        self._painter = Painter(outbox, place, self, say)

    @property
    def begun(self) -> int:
        """How many messages of the answer there are."""
        return len(self._shown)

    async def queue(self, ahead: int) -> None:
        await self.show(0, Page(place_in_queue(ahead, self._say)), Urgency.SOON)

    async def notice(self, text: str) -> None:
        await self.show(0, Page(plain(text)), Urgency.SOON)

    async def open(self, mode: str) -> None:
        self._painter.start()

    async def write(self, text: str) -> None:
        self._painter.add(text)

    async def finish(self, outcome: Outcome) -> None:
        await self._painter.stop()
        self._painter.check()
        if not await self._show_rich(outcome):
            await self._show_whole(outcome)

    async def close(self) -> None:
        await self._painter.stop()

    async def show(self, n: int, page: Page, urgency: Urgency, *, granted: bool = False) -> None:
        """Have message number `n` show a page: sent anew if it is not there (any more), written down, then filled.

        Raises:
            DeliveryError: it does not show it.
            TurnTaken: another attempt shows the answer now.
        """
        if n < len(self._shown):
            shown = self._shown[n]
            if shown.page == page or await self._outbox.edit(self._place, shown.id, page, urgency, granted=granted):
                shown.page = page
                return
            granted = False
        await self.begin(n, urgency, granted=granted)
        if page != EMPTY:
            await self._outbox.edit(self._place, self._shown[n].id, page, urgency)
            self._shown[n].page = page

    async def begin(self, n: int, urgency: Urgency, *, granted: bool = False) -> None:
        """Send an empty message as number `n` and write it down.

        Raises:
            DeliveryError: it is not there, or nobody knows.
            TurnTaken: another attempt shows the answer now; the message has been taken away.
        """
        sent = await self._send_empty(n, min(urgency, Urgency.SOON), granted=granted)
        await self._record(n, sent)
        self._shown[n : n + 1] = [_Shown(sent, EMPTY)]

    async def _send_empty(self, n: int, urgency: Urgency, *, granted: bool) -> int:
        place = self._place if n == 0 else self._place.unanswering
        try:
            return await self._outbox.send(place, EMPTY, urgency, granted=granted)
        except Undeliverable as error:
            if self._place.thread is None or "thread not found" not in str(error):
                raise
        # The topic has been deleted, and the question with it.
        self._place = replace(self._place, thread=None, reply_to=None)
        return await self._outbox.send(self._place, EMPTY, urgency)

    async def _record(self, n: int, sent: int) -> None:
        try:
            await self._parts.record(n, str(sent))
        except TurnTaken:
            await self._outbox.delete(self._place, sent)
            raise

    async def _show_rich(self, outcome: Outcome) -> bool:
        """Let Telegram lay the answer out; False when that is not wanted, or it will not."""
        markdown = outcome_markdown(outcome, self._say) if self._looks.rich and not outcome.files else None
        if markdown is None:
            return False
        page = Page(PLACEHOLDER, after(outcome, self._looks.mind, self._say), markdown)
        try:
            await self.show(0, page, Urgency.FINAL)
        except Undeliverable as error:
            log.warning("telegram.not_rich", reason=str(error))
            return False
        await self._drop(1)
        return True

    async def _show_whole(self, outcome: Outcome) -> None:
        found = [Page(content) for content in pages(outcome_text(outcome, self._say))]
        found[-1] = replace(found[-1], keyboard=after(outcome, self._looks.mind, self._say))
        for n, page in enumerate(found):
            await self.show(n, page, Urgency.FINAL)
        for n, file in enumerate(outcome.files, len(found)):
            if n >= len(self._shown):
                sent = await self._outbox.document(self._place, file)
                await self._record(n, sent)
                self._shown.append(_Shown(sent, None))
        await self._drop(len(found) + len(outcome.files))

    async def _drop(self, kept: int) -> None:
        """Take away what an earlier attempt showed beyond the end of this one's."""
        for left in self._shown[kept:]:
            await self._outbox.delete(self._place, left.id)
        del self._shown[kept:]
