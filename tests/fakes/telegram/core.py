"""What every method works on, and the checks that methods share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.records import Records
from tests.fakes.telegram.state import Chat, Message, World
from tests.fakes.telegram.updates import Updates
from tests.fakes.telegram.wire import Call, Refused, bad_request


@dataclass
class Core:
    """One bot's Telegram."""

    world: World
    records: Records
    limits: Limits
    updates: Updates
    draft_seconds: float = 30.0
    """How long a draft is visible unless it is sent again."""
    privacy: bool = True
    """Whether the bot gets from groups only the messages that are meant for it."""

    def chat(self, call: Call, *, sends: bool = True) -> Chat:
        """The chat of a call, if the bot may act there.

        Args:
            sends: whether the call shows something new; editing is allowed in places where sending is not.
        """
        number = call.integer("chat_id")
        person = self.world.people.get(number)
        chat = self.world.private_chat(person) if person else self.world.chats.get(number)
        if chat is None:
            raise bad_request("chat not found")
        if chat.person is not None:
            if not chat.person.started:
                raise Refused(403, "Bot can't initiate conversation with a user")
            if chat.person.blocked:
                raise Refused(403, "bot was blocked by the user")
        elif chat.migrated_to is not None:
            if sends:
                raise bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
        elif chat.members[self.world.bot.id] == "kicked":
            raise Refused(403, f"bot was kicked from the {chat.kind} chat")
        elif chat.members[self.world.bot.id] == "restricted" and sends:
            raise bad_request("not enough rights to send text messages to the chat")
        return chat

    def thread(self, call: Call, chat: Chat) -> int | None:
        """The topic that a message goes to; in a group without topics `message_thread_id` has no effect."""
        thread = call.integer("message_thread_id")
        if not thread or (chat.is_group and not chat.forum):
            return None
        if thread not in chat.topics:
            raise bad_request("message thread not found")
        return thread

    def message(self, chat: Chat, number: int, name: str) -> Message:
        """A message that still exists; a refusal calls it `name`."""
        message = chat.messages.get(number)
        if message is None or message.deleted:
            raise bad_request(f"{name} not found")
        return message

    def reply_to(self, call: Call, chat: Chat) -> Message | None:
        """The message that a call replies to."""
        parameters = call.json("reply_parameters") or {}
        if not parameters.get("message_id"):
            return None
        try:
            return self.message(chat, int(parameters["message_id"]), "message to be replied")
        except Refused:
            if parameters.get("allow_sending_without_reply"):
                return None
            raise

    def record_state(self, event: str, message: Message) -> None:
        """Record what a message looks like from now on."""
        self.records.add_state(
            event,
            chat=message.chat.id,
            message=message.id,
            author=message.author.id,
            text=message.text,
            entities=message.entities,
            buttons=message.buttons,
        )

    def send(self, call: Call, chat: Chat, **fields: Any) -> Message:
        """Send a message of the bot. It replaces the draft in its chat."""
        self.limits.admit_to(call.method, chat.id, is_group=chat.is_group)
        message = self.world.add_message(chat, self.world.bot, **fields)
        self.world.drafts.pop(chat.id, None)
        self.record_state("sent", message)
        return message

    def edit(self, call: Call, message: Message, **fields: Any) -> Message:
        """Edit a message of the bot."""
        self.limits.admit_to(call.method, message.chat.id, is_group=message.chat.is_group)
        for name, value in fields.items():
            setattr(message, name, value)
        message.edited = int(time.time())
        self.record_state("edited", message)
        return message
