"""What is found: a piece of a text, of which kind it is, and what makes two of them the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PersonalKind(StrEnum):
    """What a piece of personal data is."""

    URL = "url"
    """An address that opens something private: it has a token in it, or invites or shares."""
    EMAIL = "email"
    HANDLE = "handle"
    """An account's name in a messenger or a network: `@name`."""
    IBAN = "iban"
    CARD = "card"
    SNILS = "snils"
    """Number of a person in the Russian pension insurance."""
    INN = "inn"
    """Russian taxpayer number."""
    PASSPORT = "passport"
    PHONE = "phone"
    BIRTH_DATE = "birth_date"
    ADDRESS = "address"
    """Street and house."""
    NAME = "name"
    """Of a person: first name with surname or patronymic, or a name of somebody who writes in the chats."""


@dataclass(frozen=True, slots=True)
class Find:
    """A piece of a text, from `start` to before `end`."""

    kind: PersonalKind
    start: int
    end: int
    key: str
    """The value without what may differ from place to place: spaces in a number, the case of a name."""

    def overlaps(self, other: Find) -> bool:
        """Whether the two have a character in common."""
        return self.start < other.end and other.start < self.end
