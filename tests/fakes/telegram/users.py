"""The people's side: what they do to the bot, and what they see of it.

Every method takes and gives numbers, texts and small dataclasses, so that all of it works over the control API too.
A private chat has the id of the person. A deed that no client of Telegram's would offer is a ValueError.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram.core import Core
from tests.fakes.telegram.lookups import as_member
from tests.fakes.telegram.state import Chat, Message, Person, Query
from tests.fakes.telegram.validation import MAX_TEXT, found_entities, utf16
from tests.fakes.telegram.views import Shown, ShownDraft, shown


@dataclass
class Users:
    """Everyone but the bot."""

    core: Core

    def person(self, name: str, username: str | None = None, language: str | None = None) -> int:
        """A new user who has not met the bot."""
        number = self.core.world.fresh_id()
        self.core.world.people[number] = Person(number, name, username, language)
        return number

    def group(
        self, title: str, members: list[int], kind: str = "supergroup", forum: bool = False, username: str | None = None
    ) -> int:
        """A new `group` or `supergroup` of the first member's, with the bot in it."""
        world = self.core.world
        number = -world.fresh_id() - (1_000_000_000_000 if kind == "supergroup" else 0)
        chat = world.chats[number] = Chat(number, kind, title, username, forum)
        chat.members = dict.fromkeys(members, "member") | {members[0]: "creator"}
        self.bot_status(number, "member", members[0])
        return number

    def join(self, chat: int, user: int) -> None:
        """A person enters a group."""
        self._chat(chat).members[user] = "member"

    def bot_status(self, chat: int, status: str, user: int) -> None:
        """Someone makes the bot a `member`, an `administrator`, `restricted` (it may read only), or `kicked`."""
        place, bot = self._chat(chat), self.core.world.bot
        old = place.members.get(bot.id, "left")
        place.members[bot.id] = status
        self._tell_status(place, self._person(user), old, status)

    def topic(self, chat: int, user: int, name: str) -> int:
        """A new topic of a forum, or of a private chat. Its id is that of the message that opens it."""
        place = self._chat(chat)
        if place.is_group and not place.forum:
            raise ValueError("this group has no topics")
        service = {"forum_topic_created": {"name": name, "icon_color": 0x6FB9F0}}
        opened = self.core.world.add(place, self._person(user), service=service)
        opened.thread = opened.id
        place.topics[opened.id] = name
        self._tell("message", opened)
        return opened.id

    def drop_topic(self, chat: int, thread: int) -> None:
        """Delete a topic, and all that is in it."""
        del self._chat(chat).topics[thread]
        for message in self._chat(chat).messages.values():
            if message.thread == thread and not message.deleted:
                self.delete(chat, message.id)

    def start(self, user: int) -> int:
        """Press Start."""
        return self.say(user, user, "/start")

    def say(
        self, chat: int, user: int, text: str, reply_to: int | None = None, thread: int | None = None,
        entities: list[dict[str, Any]] | None = None,
    ) -> int:  # fmt: skip
        """Write a message; its id. Commands, mentions and links in it are found as Telegram finds them.

        As Telegram has it, every message of a topic that answers no other answers the one that opened the topic.
        """
        return self._write(chat, user, reply_to, thread, text=text, entities=(entities or []) + found_entities(text))

    def mention(self, chat: int, user: int, text: str, **where: Any) -> int:
        """Write a message that begins with the bot's name."""
        return self.say(chat, user, f"@{self.core.world.bot.username} {text}", **where)

    def document(
        self, chat: int, user: int, name: str, data: bytes | str, caption: str = "",
        size: int | None = None, reply_to: int | None = None, thread: int | None = None,
    ) -> int:  # fmt: skip
        """Send a file; over the control API its bytes are base64. `size` is what it is said to be, if it is not so."""
        content = b64decode(data) if isinstance(data, str) else data
        stored = self.core.world.store(name, content, size)
        what = {"text": caption, "entities": found_entities(caption), "document": stored.json()}
        return self._write(chat, user, reply_to, thread, **what)

    def edit(self, chat: int, message: int, text: str) -> None:
        """Change a message one wrote."""
        edited = self._seen(chat, message)
        if edited.author is self.core.world.bot:
            raise ValueError("nobody edits the bot's messages")
        edited.text, edited.entities, edited.edited = text, found_entities(text), int(time.time())
        self.core.show("edited", edited)
        if self._visible(edited):
            self._tell("edited_message", edited)

    def delete(self, chat: int, message: int) -> None:
        """Delete a message for all. The bot is not told."""
        deleted = self._seen(chat, message)
        deleted.deleted = True
        self.core.show("deleted", deleted)

    def age(self, chat: int, message: int, seconds: int) -> None:
        """Make a message older than it is."""
        self._seen(chat, message).date -= seconds

    def press(self, chat: int, user: int, button: str, message: int | None = None) -> str:
        """Press a button by its text or its data, in one message or the last that has it; the query's id."""
        place, person, world = self._chat(chat), self._person(user), self.core.world
        for seen in reversed(place.messages.values()):
            for key in (key for row in seen.buttons for key in row):
                fits = button in (key.get("text"), key.get("callback_data")) and message in (None, seen.id)
                if fits and not seen.deleted and "callback_data" in key:
                    query = Query(str(world.fresh_id()), person, key["callback_data"], time.monotonic())
                    world.queries[query.id] = query
                    payload = {"id": query.id, "from": person.json(), "chat_instance": str(chat), "data": query.data}
                    self.core.updates.add("callback_query", payload | {"message": seen.json()}, user)
                    self.core.records.changed()
                    return query.id
        raise ValueError(f"there is no button {button!r}")

    def answered(self, query: str) -> dict[str, Any] | None:
        """What the bot answered to a press, None if nothing yet."""
        return self.core.world.queries[query].answer

    def expire(self, query: str) -> None:
        """Make a press too old to be answered."""
        self.core.world.queries[query].asked = float("-inf")

    def stop(self, user: int, thread: int = 0) -> None:
        """Press Stop on the draft in the chat with the bot."""
        draft, world = self.core.world.draft(user, thread), self.core.world
        if draft is None or not draft.can_stop:
            raise ValueError("there is no draft that can be stopped")
        world.stopped.add((user, thread, draft.id))
        draft.can_stop = False
        if not draft.keep_on_stop:
            del world.drafts[user, thread]
        payload = {"chat": self._chat(user).json(), "draft_id": draft.id}
        self.core.updates.add(
            "stopped_message_generation", payload | ({"message_thread_id": thread} if thread else {}), user
        )
        self.core.records.state(
            "stopped", chat=user, message=draft.id, author=user, text=draft.text, entities=draft.entities, buttons=[],
            thread=thread or None, reply_to=None,
        )  # fmt: skip

    def block(self, user: int, blocked: bool = True) -> None:
        """Block the bot, or unblock it."""
        self._person(user).blocked = blocked
        old, new = ("member", "kicked") if blocked else ("kicked", "member")
        self._tell_status(self._chat(user), self._person(user), old, new)

    def migrate(self, chat: int) -> int:
        """Make a supergroup of a basic group; its new id."""
        old, world = self._chat(chat), self.core.world
        if old.kind != "group":
            raise ValueError("only a basic group migrates")
        number = -world.fresh_id() - 1_000_000_000_000
        new = world.chats[number] = Chat(number, "supergroup", old.title, members=dict(old.members))
        old.migrated_to = number
        owner = self._person(next(user for user, status in old.members.items() if status == "creator"))
        self._tell("message", world.add(old, owner, service={"migrate_to_chat_id": number}))
        self._tell("message", world.add(new, owner, service={"migrate_from_chat_id": chat}))
        return number

    def messages(self, chat: int, thread: int | None = None) -> list[Shown]:
        """What is to be seen in a chat now, in order."""
        place = self.core.world.chats.get(chat)
        return [
            shown(m)
            for m in (place.messages.values() if place else ())
            if not m.deleted and not m.service and thread in (None, m.thread)
        ]

    def answers(self, chat: int, thread: int | None = None) -> list[Shown]:
        """The bot's messages that are to be seen now."""
        return [message for message in self.messages(chat, thread) if message.author == self.core.world.bot.id]

    def doubled(self, chat: int) -> list[str]:
        """Texts of the bot's that are to be seen more than once now, in one thread."""
        seen = Counter((answer.thread, answer.text) for answer in self.answers(chat))
        return [text for (_, text), times in seen.items() if times > 1]

    def draft(self, user: int, thread: int = 0) -> ShownDraft | None:
        """What the bot is writing now."""
        draft = self.core.world.draft(user, thread)
        return ShownDraft(draft.id, draft.text, draft.entities, draft.can_stop) if draft else None

    def download(self, file: str) -> bytes:
        """A file's bytes."""
        return self.core.world.files[file].data

    def _write(self, chat: int, user: int, reply_to: int | None, thread: int | None, **what: Any) -> int:
        place, person, world = self._chat(chat), self._person(user), self.core.world
        if (place.is_group and place.members.get(user) in (None, "left")) or place.migrated_to is not None:
            raise ValueError("this person can't write here")
        if not place.is_group:
            if person.blocked:
                raise ValueError("this person has blocked the bot")
            person.started = True
        if utf16(what["text"]) > MAX_TEXT:
            raise ValueError("a text this long is sent in pieces")
        if thread is not None and thread not in place.topics:
            raise ValueError("there is no such topic")
        answered = self._seen(chat, reply_to) if reply_to is not None else None
        if answered is None and thread is not None:
            answered = place.messages[thread]
        message = world.add(place, person, thread=thread, reply_to=answered, **what)
        self.core.show("sent", message)
        if self._visible(message):
            self._tell("message", message)
        return message.id

    def _visible(self, message: Message) -> bool:
        """Whether the bot is told of a message: in groups, under privacy, only of what is meant for it."""
        chat, bot = message.chat, self.core.world.bot
        status = chat.members.get(bot.id)
        if not chat.is_group or status == "administrator" or (status == "member" and not self.core.privacy):
            return True
        if status not in ("member", "restricted"):
            return False
        name = f"@{bot.username}".lower()
        command = re.match(r"/\w+(@\w+)?", message.text)
        meant = command and (command[1] or name).lower() == name
        answered = message.reply_to is not None and message.reply_to.author is bot
        return bool(meant) or answered or name in re.findall(r"@\w+", message.text.lower())

    def _tell(self, kind: str, message: Message) -> None:
        self.core.updates.add(kind, message.json(), message.chat.id)
        self.core.records.changed()

    def _tell_status(self, chat: Chat, person: Person, old: str, new: str) -> None:
        bot = self.core.world.bot
        payload = {"chat": chat.json(), "from": person.json(), "date": int(time.time())}
        payload |= {"old_chat_member": as_member(bot, old), "new_chat_member": as_member(bot, new)}
        self.core.updates.add("my_chat_member", payload, chat.id)
        self.core.records.changed()

    def _person(self, user: int) -> Person:
        return self.core.world.people[user]

    def _chat(self, chat: int) -> Chat:
        person = self.core.world.people.get(chat)
        return self.core.world.private(person) if person else self.core.world.chats[chat]

    def _seen(self, chat: int, message: int) -> Message:
        found = self._chat(chat).messages.get(message)
        if found is None or found.deleted:
            raise ValueError(f"there is no message {message}")
        return found
