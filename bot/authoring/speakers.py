"""Who writes in the chats, and which of them is the author."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.authoring.errors import AmbiguousAuthor, UnknownAuthor
from bot.library.parse.chats import ConversationKind, Message

_OWN_CHATS: Final = (ConversationKind.CHANNEL, ConversationKind.SAVED)
"""Kinds of chats in which the owner writes."""


@dataclass(slots=True)
class Speaker:
    """Somebody who writes in the chats of one source."""

    source: str
    key: str
    """The account's id; where the export has none, the name."""
    names: Counter[str] = field(default_factory=Counter)
    words: int = 0
    own_words: int = 0
    """Of these, in channels and in notes to oneself."""
    chats: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The name used most; the id of an account without one."""
        named = [name for name, _ in self.names.most_common() if name]
        return named[0] if named else self.key

    def is_called(self, wanted: str) -> bool:
        """Whether this is its id or one of its names."""
        folded = _folded(wanted)
        return folded == _folded(self.key) or any(folded == _folded(name) for name in self.names if name)


class Speakers:
    """Everybody who writes in the chats of an import."""

    def __init__(self) -> None:
        self._speakers: dict[tuple[str, str], Speaker] = {}

    def add(self, source: str, chat: str, kind: ConversationKind, message: Message) -> None:
        """Count a message."""
        key = speaker_key(message)
        speaker = self._speakers.setdefault((source, key), Speaker(source, key))
        speaker.names[message.speaker] += 1
        words = len(message.text.split()) if message.forwarded_from is None else 0
        speaker.words += words
        speaker.own_words += words if kind in _OWN_CHATS else 0
        speaker.chats.add(chat)

    def __len__(self) -> int:
        return len(self._speakers)

    def ranked(self) -> list[Speaker]:
        """Those who may be the author, the likeliest first: owners of channels, then who writes in most chats."""
        return sorted(
            self._speakers.values(), key=lambda each: (-each.own_words, -len(each.chats), -each.words, each.name)
        )

    def find_authors(self, wanted: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Source and key of each account that is the author's.

        Args:
            wanted: names or ids.

        Raises:
            UnknownAuthor: nobody is called so.
            AmbiguousAuthor: two accounts of one source are; it would be a guess.
        """
        found: set[tuple[str, str]] = set()
        for name in wanted:
            called = [speaker for speaker in self._speakers.values() if speaker.is_called(name)]
            if not called:
                raise UnknownAuthor(name, [speaker.name for speaker in self.ranked()[:5]])
            by_source: defaultdict[str, set[str]] = defaultdict(set)
            for speaker in called:
                by_source[speaker.source].add(speaker.key)
            for keys in by_source.values():
                if len(keys) > 1:
                    raise AmbiguousAuthor(name, sorted(keys))
            found |= {(speaker.source, speaker.key) for speaker in called}
        return frozenset(found)

    def names(self, accounts: Iterable[tuple[str, str]] | None = None) -> list[str]:
        """All names that accounts were shown with, sorted; of everybody where none are given."""
        chosen = self._speakers if accounts is None else list(accounts)
        return sorted({name for account in chosen for name in self._speakers[account].names if name})


def speaker_key(message: Message) -> str:
    """What is the same for all messages of a person in one source."""
    return message.speaker_id or message.speaker


def speaker_hash(salt: bytes, key: str) -> str:
    """What stands for a person beside dialogues: nobody can tell who it is without the salt.

    Args:
        key: see `speaker_key`; an account has the same in all exports of one messenger.
    """
    return hashlib.sha256(salt + key.encode()).hexdigest()[:16]


def _folded(name: str) -> str:
    return " ".join(name.casefold().removeprefix("@").split())
