"""The messages of an answer: created, edited and deleted, in a channel or in answer to an interaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.channels.discord.addresses import AnswerTarget, InteractionToken
from bot.channels.discord.errors import DISPLAY_NAME, NO_HISTORY, MessageGone, RequestRejected, TokenExpired
from bot.channels.discord.rest import RestClient
from bot.core.errors import PermanentDeliveryError
from bot.core.messages import File

PLACEHOLDER: Final = "…"
"""What a message shows until its id is recorded."""
EPHEMERAL, LOADING = 1 << 6, 1 << 7
"""Flags of messages: seen by one person; deferred and not filled yet."""
_NO_MENTIONS: Final = {"parse": [], "replied_user": False}
_MESSAGES_PATH, _MESSAGE_PATH = "/channels/{channel_id}/messages", "/channels/{channel_id}/messages/{message_id}"
_FOLLOW_UPS_PATH = "/webhooks/{webhook_id}/{webhook_token}"
_FOLLOW_UP_PATH = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"


@dataclass(frozen=True, slots=True)
class MessageBody:
    """What one message shows."""

    content: str
    components: tuple[dict[str, Any], ...] = ()
    """Rows of buttons and menus in Discord's JSON."""
    files: Sequence[File] = ()

    def to_json(self) -> dict[str, Any]:
        return {"content": self.content, "components": list(self.components), "allowed_mentions": _NO_MENTIONS}


class ChannelMessages:
    """Ordinary messages of the bot in a channel."""

    def __init__(self, rest: RestClient, target: AnswerTarget) -> None:
        self._rest = rest
        self._target = target

    async def create(self, n: int, replaced_message: str | None = None, content: str = PLACEHOLDER) -> str:
        """Send message `n` of the answer; its id. Repeated within minutes, it is sent once."""
        nonce = self._target.nonce(n, replaced_message)
        json = {"content": content, "allowed_mentions": _NO_MENTIONS, "nonce": nonce, "enforce_nonce": True}
        if n == 0 and self._target.reply_to is not None:
            reference = {"message_id": self._target.reply_to, "fail_if_not_exists": False}
            try:
                return await self._post_message({**json, "message_reference": reference})
            except RequestRejected as error:
                if error.code != NO_HISTORY:
                    raise
        return await self._post_message(json)

    async def edit(self, message: str, body: MessageBody) -> None:
        """Replace what a message shows."""
        json, files = body.to_json(), body.files
        await self._rest.request("PATCH", _MESSAGE_PATH, self._path_params(message), json=json, files=files)

    async def delete(self, message: str) -> None:
        """Delete a message, unless it is gone already."""
        try:
            await self._rest.request("DELETE", _MESSAGE_PATH, self._path_params(message))
        except MessageGone:
            return

    async def fetch(self, message: str) -> dict[str, Any]:
        """The message as it is now, in Discord's JSON."""
        response: dict[str, Any] = await self._rest.request("GET", _MESSAGE_PATH, self._path_params(message))
        return response

    async def delete_unused(self, message: str, content: str = PLACEHOLDER) -> None:
        """Delete a message that this attempt created in vain, if it still shows what it was created with.

        Another attempt with the same nonce may have received the very same message and show the answer in it.
        """
        if (await self.fetch(message)).get("content") == content:
            await self.delete(message)

    async def _post_message(self, json: dict[str, Any]) -> str:
        response = await self._rest.request("POST", _MESSAGES_PATH, {"channel_id": self._target.channel}, json=json)
        return str(response["id"])

    def _path_params(self, message: str) -> dict[str, str]:
        return {"channel_id": self._target.channel, "message_id": message}


class InteractionMessages:
    """The answer to a slash command, a button or a form; its first message was deferred when the interaction came.

    While the interaction's token is valid that message is edited through it, which needs no permission to see the
    channel. Later, and for all other messages, ordinary messages are used. A private answer is only ever shown
    through the token.
    """

    def __init__(self, rest: RestClient, target: AnswerTarget, token: InteractionToken) -> None:
        self._rest = rest
        self._token = token
        self._channel = ChannelMessages(rest, target)
        self._original = token.original

    async def create(self, n: int, replaced_message: str | None = None, content: str = PLACEHOLDER) -> str:
        """The id of the deferred message, which is made to show `content`, or of a new message."""
        if n == 0 and replaced_message is None and self._token.is_valid:
            try:
                return await (self._original_message_id() if content == PLACEHOLDER else self._fill_original(content))
            except (MessageGone, TokenExpired):
                pass
        if self._token.private:
            return await self._create_follow_up(content)
        try:
            return await self._channel.create(n, replaced_message, content)
        except PermanentDeliveryError:
            if not self._token.is_valid:
                raise
        return await self._create_follow_up(content)

    async def edit(self, message: str, body: MessageBody) -> None:
        """Replace what a message shows."""

        async def by_token() -> None:
            await self._rest.request(
                "PATCH", _FOLLOW_UP_PATH, self._path_params(message), json=body.to_json(), files=body.files
            )

        async def in_channel() -> None:
            if message == self._original and (await self._channel.fetch(message)).get("flags", 0) & LOADING:
                raise MessageGone("the deferred message was not filled in time")
            await self._channel.edit(message, body)

        await self._try_routes(message, by_token, in_channel)

    async def delete(self, message: str) -> None:
        """Delete a message, unless it is gone already."""

        async def by_token() -> None:
            await self._rest.request("DELETE", _FOLLOW_UP_PATH, self._path_params(message))

        try:
            await self._try_routes(message, by_token, lambda: self._channel.delete(message))
        except MessageGone:
            return

    async def delete_unused(self, message: str, content: str = PLACEHOLDER) -> None:
        """Delete a message that this attempt created in vain; the deferred one stays for the attempt that answers."""
        if message != self._original and not self._token.private:
            await self._channel.delete_unused(message, content)

    async def _try_routes(
        self, message: str, by_token: Callable[[], Awaitable[None]], in_channel: Callable[[], Awaitable[None]]
    ) -> None:
        """Make a request through the token, the channel or both, the more promising route first."""
        routes = [by_token] if self._token.is_valid else []
        if not self._token.private:
            routes = [*routes, in_channel] if message == self._original else [in_channel, *routes]
        failure: PermanentDeliveryError = TokenExpired("the time to answer in private is over")
        for request in routes:
            try:
                return await request()
            except PermanentDeliveryError as error:
                # A route that cannot see the message proves nothing; one that reports it gone does.
                failure = failure if isinstance(failure, MessageGone) else error
        raise failure

    async def _original_message_id(self) -> str:
        if self._original is None:
            response = await self._rest.request("GET", _FOLLOW_UP_PATH, self._path_params("@original"))
            self._original = str(response["id"])
        return self._original

    async def _fill_original(self, content: str) -> str:
        json = MessageBody(content).to_json()
        response = await self._rest.request("PATCH", _FOLLOW_UP_PATH, self._path_params("@original"), json=json)
        self._original = str(response["id"])
        return self._original

    async def _create_follow_up(self, content: str) -> str:
        if not self._token.is_valid:
            raise PermanentDeliveryError(DISPLAY_NAME, "the time to answer in private is over")
        json = {
            "content": content,
            "allowed_mentions": _NO_MENTIONS,
            "flags": EPHEMERAL if self._token.private else 0,
        }
        # Follow-ups have no nonce: repeated after a lost connection, the message might be there twice.
        response = await self._rest.request("POST", _FOLLOW_UPS_PATH, self._webhook_params(), json=json, attempts=1)
        return str(response["id"])

    def _webhook_params(self) -> dict[str, str]:
        return {"webhook_id": self._token.application, "webhook_token": self._token.token}

    def _path_params(self, message: str) -> dict[str, str]:
        return {**self._webhook_params(), "message_id": message}


AnswerMessages = ChannelMessages | InteractionMessages


def answer_messages_at(rest: RestClient, target: AnswerTarget) -> AnswerMessages:
    """The messages of the answer to a message or an interaction."""
    return ChannelMessages(rest, target) if target.token is None else InteractionMessages(rest, target, target.token)
