"""Chats on the fake Discord: direct conversations, and channels in which a person mentions the bot, in turn."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.acceptance.faults.chats import Document, Seen, State
from tests.fakes.discord.server import DiscordFake


class DiscordChats:
    """`Chats` of Discord."""

    mark = "d"

    def __init__(self, discord: DiscordFake) -> None:
        self._discord = discord
        self._people = discord.people
        self._guild = self._people.add_guild("Guild")
        self._persons: dict[str, str] = {}
        self._direct: set[str] = set()

    @property
    def connected(self) -> bool:
        return bool(self._discord.gateway.connected_shards())

    def join(self, name: str) -> str:
        person = self._people.add_user(name)
        if len(self._persons) % 2:
            chat = self._people.dm(person)
            self._direct.add(chat)
        else:
            self._people.join(self._guild, person)
            chat = self._people.add_channel(self._guild, name)
        self._persons[chat] = person
        return chat

    def ask(self, chat: str, text: str, document: Document | None = None) -> str:
        files = [
            {"filename": sent.name, "text": sent.text, "content_type": "text/plain"}
            for sent in ([] if document is None else [document])
        ]
        mentions = [] if chat in self._direct else [self._people.bot]
        return self._people.send(chat, self._persons[chat], text, mentions=[*mentions], attachments=files)

    def messages(self, chat: str) -> Sequence[Seen]:
        return [
            Seen(shown["id"], shown["content"], shown["reply_to"])
            for shown in self._people.messages_in(chat)
            if shown["author"] == self._people.bot
        ]

    def states(self, chat: str) -> Sequence[State]:
        entries = self._discord.journal.of("message", channel=chat, author=self._people.bot)
        return [self._state(entry) for entry in entries if entry["event"] != "MESSAGE_DELETE"]

    def _state(self, entry: Mapping[str, Any]) -> State:
        at = entry["at"] - self._discord.clock.now() + time.monotonic()
        return State(at, entry["id"], entry["content"])
