"""Texts that people pasted and Discord's client sent as `message.txt`: they are the message itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from bot.channels.discord.quotations import QuotedMessage
from bot.core.errors import DeliveryError, MessageRefused, TemporaryDeliveryError
from bot.core.messages import FileRef, Incoming
from bot.core.ports import FetchFile
from bot.core.quotations import MAX_TEXT_CHARACTERS
from consilium.errors import N_
from consilium.retry import BackoffConfig, retry

MAX_PASTE_KILOBYTES: Final = 512
"""Of one pasted text. The model reads far less, and says so itself."""
_RETRY_SECONDS: Final = 30.0
_BACKOFF: Final = BackoffConfig(0.2, maximum=5.0, jitter=0.3)


class PasteNotRead(MessageRefused):
    """A pasted text cannot be downloaded."""

    sentence = N_("I could not get the text that you pasted: {reason}.")
    remedy = N_("Send it again.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class PasteTooLong(MessageRefused):
    """A pasted text is too long to be a message."""

    sentence = N_("The text that you pasted is larger than {limit} kB, which is too long for a message.")
    remedy = N_("Send it as a document with another name than message.txt.")

    def __init__(self) -> None:
        super().__init__(limit=MAX_PASTE_KILOBYTES)


def has_pastes(incoming: Incoming, quoted: Sequence[QuotedMessage]) -> bool:
    """Whether something is to be downloaded before a message can be understood."""
    return any(file.is_pasted_text for file in incoming.files) or any(each.pastes for each in quoted)


async def read_pastes(incoming: Incoming, quoted: Sequence[QuotedMessage], fetch: FetchFile) -> Incoming:
    """The message with its pasted texts behind what was typed, in their order, and with those that it quotes.

    Raises:
        PasteNotRead, PasteTooLong: a text of the message itself cannot be read.
    """
    texts = [incoming.text, *[await _read(file, fetch) for file in incoming.files if file.is_pasted_text]]
    quotations = []
    for each in quoted:
        parts = [each.quotation.text, *await _read_all(each.pastes, fetch)]
        text = "\n\n".join(part for part in parts if part)
        quotations.append(replace(each.quotation, text=text[:MAX_TEXT_CHARACTERS]))
    return replace(
        incoming,
        text="\n\n".join(text for text in texts if text),
        files=tuple(file for file in incoming.files if not file.is_pasted_text),
        quotations=tuple(quotations) or incoming.quotations,
    )


async def _read_all(files: Iterable[FileRef], fetch: FetchFile) -> list[str]:
    """The texts of a quotation; a name in place of one that cannot be read, as the question does not depend on it."""
    texts = []
    for file in files:
        try:
            texts.append(await _read(file, fetch))
        except MessageRefused:
            texts.append(f"[{file.name}]")
    return texts


async def _read(file: FileRef, fetch: FetchFile) -> str:
    if file.size > MAX_PASTE_KILOBYTES * 1024:
        raise PasteTooLong

    async def download() -> bytes:
        async with aclosing(fetch(file.handle)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    try:
        content = await retry(download, on=TemporaryDeliveryError, backoff=_BACKOFF, give_up_after=_RETRY_SECONDS)
    except DeliveryError as error:
        raise PasteNotRead(str(error.details["reason"])) from error
    return content.decode("utf-8", errors="replace")
