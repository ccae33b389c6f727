"""What every method works on, and the checks they share."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.records import Records
from tests.fakes.telegram.refusals import Refused, bad
from tests.fakes.telegram.state import Chat, Message, World
from tests.fakes.telegram.updates import Updates
from tests.fakes.telegram.wire import Call, whole

Handler = Callable[["Core", Call], Any | Awaitable[Any]]
METHODS: dict[str, Handler] = {}


def method(handler: Handler) -> Handler:
    """Register a function as the Bot API method its name says: `send_message` is sendMessage."""
    METHODS[handler.__name__.replace("_", "")] = handler
    return handler


@dataclass
class Core:
    """One bot's Telegram."""

    world: World
    records: Records
    limits: Limits
    updates: Updates
    draft_seconds: float = 30.0
    query_seconds: float = 60.0
    """How long a press can be answered; Telegram does not say, and people report from ten seconds up."""
    privacy: bool = True
    """Whether the bot sees in groups only what is meant for it, unless it is an administrator."""
    profile: dict[tuple[str, ...], Any] = field(default_factory=dict)
    """Commands by scope and language, descriptions by language."""

    def chat(self, call: Call, access: str = "read") -> Chat:
        """The chat a call is for, if the bot may do there what it is about to: `read`, `edit` or `write`."""
        given = call.text("chat_id")
        if not given:
            raise bad("chat_id is empty")
        chat = self._find(given)
        if chat is None:
            raise bad("chat not found")
        if chat.person is not None:
            if access != "read" and not chat.person.started:
                raise Refused(403, "Bot can't initiate conversation with a user")
            if access != "read" and chat.person.blocked:
                raise Refused(403, "bot was blocked by the user")
            return chat
        if chat.migrated_to is not None:
            if access == "write":
                raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
            return chat
        status = chat.members.get(self.world.bot.id, "left")
        if status == "kicked" and (access != "read" or chat.kind == "supergroup"):
            raise Refused(403, f"bot was kicked from the {chat.kind} chat")
        if status == "left" and (access != "read" or chat.kind == "supergroup"):
            raise Refused(403, f"bot is not a member of the {chat.kind} chat")
        if status == "restricted" and access == "write":
            raise bad("not enough rights to send text messages to the chat")
        return chat

    def _find(self, given: str) -> Chat | None:
        if given.startswith("@"):
            name = given[1:].lower()
            return next((c for c in self.world.chats.values() if (c.username or "").lower() == name), None)
        number = whole(given)
        person = self.world.people.get(number)
        if person is None or person.is_bot:
            return self.world.chats.get(number)
        seen = any(number in chat.members and self.world.bot.id in chat.members for chat in self.world.chats.values())
        return self.world.private(person) if person.started or seen else None

    def thread(self, call: Call, chat: Chat) -> int | None:
        """The topic a message goes to; a chat without topics takes no notice of it."""
        thread = max(0, call.integer("message_thread_id"))
        if not thread or (chat.kind != "private" and not chat.forum):
            return None
        if thread not in chat.topics:
            raise bad("message thread not found")
        return thread

    def message(self, chat: Chat, number: int, what: str) -> Message:
        """A message that is still there; `what` is how a refusal calls it."""
        message = chat.messages.get(number)
        if message is None or message.deleted:
            raise bad(f"{what} not found")
        return message

    def reply_to(self, call: Call, chat: Chat, thread: int | None) -> Message | None:
        """The message a call answers."""
        given = call.json("reply_parameters", "reply parameters")
        if given is None:
            given = {"message_id": call.integer("reply_to_message_id")}
            given["allow_sending_without_reply"] = call.flag("allow_sending_without_reply")
        if not isinstance(given, dict):
            raise bad("Object expected as reply parameters")
        number, elsewhere = whole(str(given.get("message_id") or 0)), given.get("chat_id")
        if number <= 0:
            return None
        other = str(elsewhere or chat.id) != str(chat.id)
        where = self.chat(Call(call.method, {"chat_id": str(elsewhere)})) if other else chat
        try:
            message = self.message(where, number, "message to be replied")
        except Refused:
            if given.get("allow_sending_without_reply") and not other:
                return None
            raise
        if given.get("quote") and given["quote"] not in message.text:
            raise bad("QUOTE_TEXT_INVALID")
        return message

    def show(self, event: str, message: Message) -> None:
        """Record how a message looks from now on."""
        self.records.state(
            event,
            chat=message.chat.id,
            message=message.id,
            author=message.author.id,
            text=message.text,
            entities=message.entities,
            buttons=message.buttons,
            thread=message.thread,
            reply_to=message.reply_to.id if message.reply_to else None,
        )

    def post(self, call: Call, chat: Chat, **what: Any) -> Message:
        """Send a message of the bot's: it takes the place of the draft in its thread."""
        self.limits.admit_to(call.method, chat.id, is_group=chat.is_group)
        message = self.world.add(chat, self.world.bot, **what)
        self.world.drafts.pop((chat.id, message.thread or 0), None)
        self.show("sent", message)
        return message

    def change(self, call: Call, message: Message, **what: Any) -> Message:
        """Edit a message of the bot's."""
        self.limits.admit_to(call.method, message.chat.id, is_group=message.chat.is_group)
        for name, value in what.items():
            setattr(message, name, value)
        message.edited = int(time.time())
        self.show("edited", message)
        return message
