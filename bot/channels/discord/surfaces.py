"""The messages an answer is shown in: made, changed and taken away, in a channel or in answer to an interaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.channels.discord.addresses import Spot, Token
from bot.channels.discord.errors import NAME, NO_HISTORY, MessageGone, Refused, TokenOver
from bot.channels.discord.rest import Rest
from bot.channels.errors import Undeliverable
from bot.channels.port import File

PLACEHOLDER: Final = "…"
"""What a message says before its id is written down."""
EPHEMERAL, LOADING = 1 << 6, 1 << 7
_SILENT: Final = {"parse": [], "replied_user": False}
_MESSAGES, _MESSAGE = "/channels/{channel_id}/messages", "/channels/{channel_id}/messages/{message_id}"
_FOLLOW_UPS = "/webhooks/{webhook_id}/{webhook_token}"
_FOLLOW_UP = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"


@dataclass(frozen=True, slots=True)
class Body:
    """What one message shows."""

    content: str
    components: tuple[dict[str, Any], ...] = ()
    """Rows of buttons and menus, as Discord takes them."""
    files: Sequence[File] = ()

    def json(self) -> dict[str, Any]:
        return {"content": self.content, "components": list(self.components), "allowed_mentions": _SILENT}


class ChannelSurface:
    """Ordinary messages of the bot's."""

    def __init__(self, rest: Rest, spot: Spot) -> None:
        self._rest = rest
        self._spot = spot

    async def create(self, n: int, instead_of: str | None = None, label: str = "") -> str:
        """The id of a new message with a placeholder; sent twice within minutes, it is there once."""
        nonce = self._spot.nonce(n, instead_of, label)
        json = {"content": PLACEHOLDER, "allowed_mentions": _SILENT, "nonce": nonce, "enforce_nonce": True}
        if n == 0 and self._spot.reply_to is not None:
            reference = {"message_id": self._spot.reply_to, "fail_if_not_exists": False}
            try:
                return await self._create({**json, "message_reference": reference})
            except Refused as refused:
                if refused.code != NO_HISTORY:
                    raise
        return await self._create(json)

    async def edit(self, message: str, body: Body) -> None:
        """Show something else in a message."""
        json, files = body.json(), body.files
        await self._rest.request("PATCH", _MESSAGE, self._at(message), json=json, files=files)

    async def delete(self, message: str) -> None:
        """Take a message away; one that is gone is none."""
        try:
            await self._rest.request("DELETE", _MESSAGE, self._at(message))
        except MessageGone:
            return

    async def look(self, message: str) -> dict[str, Any]:
        """The message as it is now."""
        found: dict[str, Any] = await self._rest.request("GET", _MESSAGE, self._at(message))
        return found

    async def discard(self, message: str) -> None:
        """Take away a message that was made for nothing, if it shows nothing yet.

        With the same nonce another attempt may have been given the very same message, and shows the answer in it.
        """
        if (await self.look(message)).get("content") == PLACEHOLDER:
            await self.delete(message)

    async def _create(self, json: dict[str, Any]) -> str:
        made = await self._rest.request("POST", _MESSAGES, {"channel_id": self._spot.channel}, json=json)
        return str(made["id"])

    def _at(self, message: str) -> dict[str, str]:
        return {"channel_id": self._spot.channel, "message_id": message}


class InteractionSurface:
    """The answer to a slash command, a button or a form: its first message was promised when it came in.

    While its token lives that message is changed through it, which needs no right to see the channel; afterwards, and
    for all others, it is an ordinary message. What is private is only ever shown through the token.
    """

    def __init__(self, rest: Rest, spot: Spot, token: Token) -> None:
        self._rest = rest
        self._token = token
        self._channel = ChannelSurface(rest, spot)
        self._original = token.original

    async def create(self, n: int, instead_of: str | None = None, label: str = "") -> str:
        """The id of the message that was promised, or of a new one."""
        if n == 0 and instead_of is None and self._token.alive:
            try:
                return await self._promised()
            except (MessageGone, TokenOver):
                pass
        if self._token.private:
            return await self._follow_up()
        try:
            return await self._channel.create(n, instead_of, label)
        except Undeliverable:
            if not self._token.alive:
                raise
        return await self._follow_up()

    async def edit(self, message: str, body: Body) -> None:
        """Show something else in a message."""

        async def by_token() -> None:
            await self._rest.request("PATCH", _FOLLOW_UP, self._at(message), json=body.json(), files=body.files)

        async def in_channel() -> None:
            if message == self._original and (await self._channel.look(message)).get("flags", 0) & LOADING:
                raise MessageGone("nothing was said in time")
            await self._channel.edit(message, body)

        await self._either(message, by_token, in_channel)

    async def delete(self, message: str) -> None:
        """Take a message away; one that is gone is none."""

        async def by_token() -> None:
            await self._rest.request("DELETE", _FOLLOW_UP, self._at(message))

        try:
            await self._either(message, by_token, lambda: self._channel.delete(message))
        except MessageGone:
            return

    async def discard(self, message: str) -> None:
        """Take away a message that was made for nothing; the promised one is left to who shows the answer now."""
        if message != self._original and not self._token.private:
            await self._channel.discard(message)

    async def _either(
        self, message: str, by_token: Callable[[], Awaitable[None]], in_channel: Callable[[], Awaitable[None]]
    ) -> None:
        ways = [by_token] if self._token.alive else []
        if not self._token.private:
            ways = [*ways, in_channel] if message == self._original else [in_channel, *ways]
        gone: Undeliverable = TokenOver("the time to answer in private is over")
        for way in ways:
            try:
                return await way()
            except Undeliverable as refused:
                # That it cannot be seen in one way says nothing; that it is gone does.
                gone = gone if isinstance(gone, MessageGone) else refused
        raise gone

    async def _promised(self) -> str:
        if self._original is None:
            found = await self._rest.request("GET", _FOLLOW_UP, self._at("@original"))
            self._original = str(found["id"])
        return self._original

    async def _follow_up(self) -> str:
        if not self._token.alive:
            raise Undeliverable(NAME, "the time to answer in private is over")
        json = {"content": PLACEHOLDER, "allowed_mentions": _SILENT, "flags": EPHEMERAL if self._token.private else 0}
        # It has no nonce: made again after a lost connection, it might be there twice.
        made = await self._rest.request("POST", _FOLLOW_UPS, self._by_token(), json=json, once=True)
        return str(made["id"])

    def _by_token(self) -> dict[str, str]:
        return {"webhook_id": self._token.application, "webhook_token": self._token.token}

    def _at(self, message: str) -> dict[str, str]:
        return {**self._by_token(), "message_id": message}


Surface = ChannelSurface | InteractionSurface


def surface_at(rest: Rest, spot: Spot) -> Surface:
    """Where the answer to a message or an interaction is shown."""
    return ChannelSurface(rest, spot) if spot.token is None else InteractionSurface(rest, spot, spot.token)
