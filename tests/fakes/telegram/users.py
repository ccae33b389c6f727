"""The people: what they do in Telegram, and what they see of the bot.

Methods take and return ids, texts and small dataclasses. A private chat has the id of the person. What no client of
Telegram offers is a ValueError.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram.core import Core
from tests.fakes.telegram.state import Chat, Message, Person, Query, Shown, ShownDraft
from tests.fakes.telegram.validation import MAX_TEXT, detected_entities, utf16_length

SUPERGROUP_OFFSET = 1_000_000_000_000
"""Ids of supergroups are below its negative."""
ANONYMOUS_ADMIN = Person(1087968824, "Group", "GroupAnonymousBot", is_bot=True)
CHANNEL_BOT = Person(136817688, "Channel", "Channel_Bot", is_bot=True)
TELEGRAM = Person(777000, "Telegram")
_FILE = {"file_id": "AgAD", "file_unique_id": "AQAD", "file_size": 1000}
MEDIA: dict[str, Any] = {
    "photo": [_FILE | {"width": 90, "height": 90}],
    "voice": _FILE | {"duration": 3, "mime_type": "audio/ogg"},
    "video": _FILE | {"duration": 3, "width": 90, "height": 90},
    "sticker": _FILE
    | {"type": "regular", "width": 90, "height": 90, "is_animated": False, "is_video": False, "emoji": "👍"},
}
PERMISSIONS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users",
    "can_pin_messages", "can_manage_topics",
)  # fmt: skip


@dataclass
class Users:
    """Everyone but the bot."""

    core: Core

    def person(self, name: str, username: str | None = None, language: str | None = None) -> int:
        """A new user, who has not met the bot."""
        number = self.core.world.new_id()
        self.core.world.people[number] = Person(number, name, username, language)
        return number

    def group(self, title: str, members: list[int], *, kind: str = "supergroup", forum: bool = False) -> int:
        """A new `group` or `supergroup` that the first member created, with the bot in it."""
        world = self.core.world
        number = -world.new_id() - (SUPERGROUP_OFFSET if kind == "supergroup" else 0)
        chat = world.chats[number] = Chat(id=number, kind=kind, title=title, forum=forum)
        chat.members = dict.fromkeys(members, "member") | {members[0]: "creator"}
        self.bot_status(number, "member", members[0])
        return number

    def bot_status(self, chat: int, status: str, user: int) -> None:
        """Someone makes the bot a `member`, `restricted` (it may only read), or `kicked`."""
        place, bot = self._chat(chat), self.core.world.bot
        old = place.members.get(bot.id, "left")
        place.members[bot.id] = status
        self._send_status(place, self._person(user), old, status)

    def topic(self, chat: int, user: int, name: str) -> int:
        """A new topic of a forum. Its id is the id of the message that opens it."""
        place = self._chat(chat)
        if not place.forum:
            raise ValueError("this group has no topics")
        service = {"forum_topic_created": {"name": name, "icon_color": 0x6FB9F0}}
        opening = self.core.world.add_message(place, self._person(user), service=service)
        opening.thread = opening.id
        place.topics[opening.id] = name
        self._send_update("message", opening)
        return opening.id

    def drop_topic(self, chat: int, thread: int) -> None:
        """Delete a topic with its messages."""
        del self._chat(chat).topics[thread]
        for message in self._chat(chat).messages.values():
            if message.thread == thread and not message.deleted:
                self.delete(chat, message.id)

    def start(self, user: int) -> int:
        """Press Start."""
        return self.say(user, user, "/start")

    def say(
        self,
        chat: int,
        user: int,
        text: str,
        *,
        reply_to: int | None = None,
        thread: int | None = None,
        quote: str | None = None,
    ) -> int:
        """Write a message and return its id. Telegram detects commands and mentions in it.

        A message of a topic that replies to no other replies to the one that opened the topic.

        Args:
            quote: the part of the message replied to that is quoted.
        """
        if quote is not None and (reply_to is None or quote not in self._message(chat, reply_to).text):
            raise ValueError("only a part of the message replied to can be quoted")
        entities = detected_entities(text)
        return self._write(chat, user, reply_to, thread, text=text, entities=entities, quote=quote)

    def paste(self, chat: int, user: int, text: str, *, reply_to: int | None = None) -> list[int]:
        """Send a text of any length: the client cuts it at white space, behind at least half of a message's length."""
        sent = []
        while text:
            part = text
            if utf16_length(text) > MAX_TEXT:
                end = max(text.rfind(space, MAX_TEXT // 2, MAX_TEXT // 2 + MAX_TEXT // 2 - 100) for space in "\n ")
                part = text[: end if end > 0 else MAX_TEXT // 2]
            sent.append(self.say(chat, user, part, reply_to=reply_to if not sent else None))
            text = text[len(part) :].strip()
        return sent

    def forward(self, chat: int, user: int, text: str, *, origin: dict[str, Any], **media: Any) -> int:
        """Forward a message from elsewhere. The text's own entities come with it.

        Args:
            origin: where it comes from: `user_origin`, `hidden_origin` or `channel_origin`.
            media: what the text is the caption of.
        """
        fields = {"text": text, "entities": detected_entities(text), "origin": origin, "media": media}
        return self._write(chat, user, None, None, **fields)

    def send_media(
        self,
        chat: int,
        user: int,
        kind: str,
        *,
        caption: str = "",
        album: str | None = None,
        reply_to: int | None = None,
    ) -> int:
        """Send a `photo`, a `voice` message, a `video` or a `sticker`."""
        if caption and kind == "sticker":
            raise ValueError("a sticker has no caption")
        fields = {"text": caption, "entities": detected_entities(caption), "media": {kind: MEDIA[kind]}, "album": album}
        return self._write(chat, user, reply_to, None, **fields)

    def say_as_chat(self, chat: int, text: str, *, sender: int | None = None, automatic: bool = False) -> int:
        """Write in a group as the group itself, as an anonymous admin does, or as another chat, such as a channel.

        Args:
            automatic: whether Telegram forwards it from the channel that the group belongs to.
        """
        place, world = self._chat(chat), self.core.world
        sender_chat = place if sender is None else self._chat(sender)
        account = TELEGRAM if automatic else ANONYMOUS_ADMIN if sender is None else CHANNEL_BOT
        fields: dict[str, Any] = {"text": text, "entities": detected_entities(text), "sender_chat": sender_chat}
        if automatic:
            fields["origin"] = self.channel_origin(sender_chat.title or "")
        message = world.add_message(place, account, automatic=automatic, **fields)
        self.core.record_state("sent", message)
        if self._is_visible_to_bot(message):
            self._send_update("message", message)
        return message.id

    def channel(self, title: str) -> int:
        """A new channel, without the bot in it."""
        number = -self.core.world.new_id() - SUPERGROUP_OFFSET
        self.core.world.chats[number] = Chat(id=number, kind="channel", title=title)
        return number

    def user_origin(self, name: str) -> dict[str, Any]:
        """The origin of a message that a person wrote."""
        person = Person(self.core.world.new_id(), name)
        return {"type": "user", "date": int(time.time()), "sender_user": person.json()}

    def hidden_origin(self, name: str) -> dict[str, Any]:
        """The origin of a message of a person who shows no account when messages are forwarded."""
        return {"type": "hidden_user", "date": int(time.time()), "sender_user_name": name}

    def channel_origin(self, title: str) -> dict[str, Any]:
        """The origin of a channel's post."""
        chat = {"id": -self.core.world.new_id() - SUPERGROUP_OFFSET, "type": "channel", "title": title}
        return {"type": "channel", "date": int(time.time()), "chat": chat, "message_id": 7}

    def mention(self, chat: int, user: int, text: str) -> int:
        """Write a message that begins with a mention of the bot."""
        return self.say(chat, user, f"@{self.core.world.bot.username} {text}")

    def document(
        self,
        chat: int,
        user: int,
        name: str,
        data: bytes,
        *,
        caption: str = "",
        size: int | None = None,
        album: str | None = None,
    ) -> int:
        """Send a file; `size` is what the bot is told if it differs from the real one."""
        stored = self.core.world.store(name, data, size)
        fields = {"text": caption, "entities": detected_entities(caption), "document": stored.json(), "album": album}
        return self._write(chat, user, None, None, **fields)

    def edit(self, chat: int, message: int, text: str) -> None:
        """Edit a message that a person wrote."""
        edited = self._message(chat, message)
        if edited.author is self.core.world.bot:
            raise ValueError("nobody edits the bot's messages")
        edited.text, edited.entities, edited.edited = text, detected_entities(text), int(time.time())
        self.core.record_state("edited", edited)
        if self._is_visible_to_bot(edited):
            self._send_update("edited_message", edited)

    def delete(self, chat: int, message: int) -> None:
        """Delete a message for everyone. The bot gets no update."""
        deleted = self._message(chat, message)
        deleted.deleted = True
        self.core.record_state("deleted", deleted)

    def press(self, chat: int, user: int, button: str, message: int | None = None) -> str:
        """Press a button, given by its text or its data, in a message or in the last that has it; the query's id."""
        world = self.core.world
        for candidate in reversed(self._chat(chat).messages.values()):
            if candidate.deleted or message not in (None, candidate.id):
                continue
            for key in (key for row in candidate.buttons for key in row):
                if button in (key["text"], key["callback_data"]):
                    query = Query(str(world.new_id()))
                    world.queries[query.id] = query
                    payload = {
                        "id": query.id,
                        "from": self._person(user).json(),
                        "chat_instance": str(chat),
                        "data": key["callback_data"],
                        "message": candidate.json(),
                    }
                    self.core.updates.add("callback_query", payload, user)
                    self.core.records.notify()
                    return query.id
        raise ValueError(f"there is no button {button!r}")

    def answered(self, query: str) -> dict[str, Any] | None:
        """What the bot answered to a pressed button; None before it did."""
        return self.core.world.queries[query].answer

    def stop(self, user: int) -> None:
        """Press Stop on the draft in the chat with the bot."""
        draft, world = self.core.world.visible_draft(user), self.core.world
        if draft is None or not draft.can_stop:
            raise ValueError("there is no draft that can be stopped")
        world.stopped.add((user, draft.id))
        draft.can_stop = False
        if not draft.keep_on_stop:
            del world.drafts[user]
        payload = {"chat": self._chat(user).json(), "draft_id": draft.id}
        self.core.updates.add("stopped_message_generation", payload, user)
        self.core.records.add_state(
            "stopped",
            chat=user,
            message=draft.id,
            author=user,
            text=draft.text,
            entities=draft.entities,
            buttons=[],
        )

    def block(self, user: int, *, blocked: bool = True) -> None:
        """Block the bot, or unblock it."""
        self._person(user).blocked = blocked
        old, new = ("member", "kicked") if blocked else ("kicked", "member")
        self._send_status(self._chat(user), self._person(user), old, new)

    def migrate(self, chat: int) -> int:
        """Turn a basic group into a supergroup and return its new id."""
        old, world = self._chat(chat), self.core.world
        number = -world.new_id() - SUPERGROUP_OFFSET
        new = world.chats[number] = Chat(id=number, kind="supergroup", title=old.title, members=dict(old.members))
        old.migrated_to = number
        owner = self._person(next(user for user, status in old.members.items() if status == "creator"))
        self._send_update("message", world.add_message(old, owner, service={"migrate_to_chat_id": number}))
        self._send_update("message", world.add_message(new, owner, service={"migrate_from_chat_id": chat}))
        return number

    def messages(self, chat: int, thread: int | None = None) -> list[Shown]:
        """The messages that are visible in a chat now, in order."""
        place = self.core.world.chats.get(chat)
        return [
            message.shown()
            for message in (place.messages.values() if place else ())
            if not message.deleted and not message.service and thread in (None, message.thread)
        ]

    def answers(self, chat: int, thread: int | None = None) -> list[Shown]:
        """The visible messages of the bot."""
        return [message for message in self.messages(chat, thread) if message.author == self.core.world.bot.id]

    def doubled(self, chat: int) -> list[str]:
        """Texts of the bot that are visible more than once in one thread."""
        counts = Counter((answer.thread, answer.text) for answer in self.answers(chat))
        return [text for (_, text), count in counts.items() if count > 1]

    def draft(self, user: int) -> ShownDraft | None:
        """The draft that a person sees now."""
        draft = self.core.world.visible_draft(user)
        return ShownDraft(draft.id, draft.text, draft.entities, draft.can_stop) if draft else None

    def download(self, file: str) -> bytes:
        """The content of a file."""
        return self.core.world.files[file].data

    def _write(self, chat: int, user: int, reply_to: int | None, thread: int | None, **fields: Any) -> int:
        place, person = self._chat(chat), self._person(user)
        if (place.is_group and user not in place.members) or place.migrated_to is not None:
            raise ValueError("this person can't write here")
        if not place.is_group:
            if person.blocked:
                raise ValueError("this person has blocked the bot")
            person.started = True
        if utf16_length(fields["text"]) > MAX_TEXT:
            raise ValueError("a client sends a text this long in several messages")
        original = self._message(chat, reply_to) if reply_to is not None else None
        if original is None and thread is not None:
            original = place.messages[thread]
        message = self.core.world.add_message(place, person, thread=thread, reply_to=original, **fields)
        self.core.record_state("sent", message)
        if self._is_visible_to_bot(message):
            self._send_update("message", message)
        return message.id

    def _is_visible_to_bot(self, message: Message) -> bool:
        """Whether the bot gets a message: from groups, under privacy, only what is meant for it."""
        chat, bot = message.chat, self.core.world.bot
        if not chat.is_group:
            return True
        if chat.members[bot.id] == "kicked":
            return False
        if chat.members[bot.id] == "member" and not self.core.privacy:
            return True
        name = f"@{bot.username}".lower()
        command = re.match(r"/\w+(@\w+)?", message.text)
        is_command_for_bot = command is not None and (command[1] or name).lower() == name
        is_reply_to_bot = message.reply_to is not None and message.reply_to.author is bot
        return is_command_for_bot or is_reply_to_bot or name in re.findall(r"@\w+", message.text.lower())

    def _send_update(self, kind: str, message: Message) -> None:
        self.core.updates.add(kind, message.json(), message.chat.id)
        self.core.records.notify()

    def _send_status(self, chat: Chat, person: Person, old: str, new: str) -> None:
        payload = {"chat": chat.json(), "from": person.json(), "date": int(time.time())}
        payload |= {"old_chat_member": self._bot_member(old), "new_chat_member": self._bot_member(new)}
        self.core.updates.add("my_chat_member", payload, chat.id)
        self.core.records.notify()

    def _bot_member(self, status: str) -> dict[str, Any]:
        """A `ChatMember` of the Bot API."""
        member = {"status": status, "user": self.core.world.bot.json()}
        if status == "restricted":
            member |= dict.fromkeys(PERMISSIONS, False) | {"is_member": True}
        return member | ({"until_date": 0} if status in ("restricted", "kicked") else {})

    def _person(self, user: int) -> Person:
        return self.core.world.people[user]

    def _chat(self, chat: int) -> Chat:
        person = self.core.world.people.get(chat)
        return self.core.world.private_chat(person) if person else self.core.world.chats[chat]

    def _message(self, chat: int, number: int) -> Message:
        message = self._chat(chat).messages.get(number)
        if message is None or message.deleted:
            raise ValueError(f"there is no message {number}")
        return message
