"""Finds personal data of every kind in a text; of finds that overlap the surest is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.authoring.personal.contacts import find_accounts, find_links, find_phones
from bot.authoring.personal.finds import Find
from bot.authoring.personal.names import NameFinder
from bot.authoring.personal.numbers import find_numbers
from bot.authoring.personal.places_and_dates import find_addresses, find_birth_dates


class PersonalFinder:
    """Finds personal data. What is found depends on the text and on the names given, on nothing else."""

    def __init__(self, participants: Iterable[str] = (), authors: Iterable[str] = ()) -> None:
        """Set up.

        Args:
            participants: names of everybody who writes in the chats.
            authors: those of them that are the author's, which are left as they are.
        """
        self._names = NameFinder(participants, authors)

    def find(self, text: str) -> list[Find]:
        """What is personal in a text, in its order, without overlaps."""
        links = list(find_links(text))
        taken = [(start, end) for start, end, _ in links]
        found = [find for _, _, find in links if find is not None]
        for find in self._others(text):
            if not any(find.start < end and start < find.end for start, end in taken):
                found.append(find)
                taken.append((find.start, find.end))
        return sorted(found, key=lambda find: find.start)

    def _others(self, text: str) -> Iterator[Find]:
        """All but addresses on the web, the surest kinds first."""
        yield from find_accounts(text)
        if any(sign.isdigit() for sign in text):
            yield from find_numbers(text)
            yield from find_phones(text)
            yield from find_birth_dates(text)
            yield from find_addresses(text)
        yield from self._names.find(text)
