"""Private chats on the fake Telegram."""

from __future__ import annotations

from collections.abc import Sequence

from tests.acceptance.faults.chats import Document, Seen, State
from tests.fakes.telegram.server import FakeTelegram


class TelegramChats:
    """`Chats` of Telegram."""

    mark = "q"

    def __init__(self, telegram: FakeTelegram) -> None:
        self._users = telegram.users
        self._records = telegram.records

    connected = True

    def join(self, name: str) -> str:
        person = self._users.person(name, language="en")
        self._users.start(person)
        return str(person)

    def ask(self, chat: str, text: str, document: Document | None = None) -> str:
        person = int(chat)
        if document is None:
            return str(self._users.say(person, person, text))
        return str(self._users.document(person, person, document.name, document.text.encode(), caption=text))

    def messages(self, chat: str) -> Sequence[Seen]:
        return [
            Seen(str(shown.id), shown.text, None if shown.reply_to is None else str(shown.reply_to))
            for shown in self._users.answers(int(chat))
        ]

    def states(self, chat: str) -> Sequence[State]:
        person = int(chat)
        return [
            State(state.at, str(state.message), state.text)
            for state in self._records.states
            if state.chat == person and state.author != person and state.event in ("sent", "edited")
        ]
