"""What stands in the place of personal data: the kind and a number, the same wherever the same value stood."""

from __future__ import annotations

from collections import Counter
from typing import Final

from bot.authoring.personal.finder import PersonalFinder
from bot.authoring.personal.finds import PersonalKind
from bot.text.language import has_cyrillic_letters

_WORDS: Final = {
    # In Russian and in English. A made-up telephone or name could be that of another person.
    PersonalKind.URL: ("ссылка", "link"),
    PersonalKind.EMAIL: ("почта", "email"),
    PersonalKind.HANDLE: ("аккаунт", "account"),
    PersonalKind.IBAN: ("счёт", "IBAN"),
    PersonalKind.CARD: ("карта", "card"),
    PersonalKind.SNILS: ("СНИЛС", "SNILS"),
    PersonalKind.INN: ("ИНН", "INN"),
    PersonalKind.PASSPORT: ("паспорт", "passport"),
    PersonalKind.PHONE: ("телефон", "phone"),
    PersonalKind.BIRTH_DATE: ("дата рождения", "birth date"),
    PersonalKind.ADDRESS: ("адрес", "address"),
    PersonalKind.NAME: ("имя", "name"),
}


class Replacements:
    """Replaces personal data in one text after another; numbers are given in the order of first appearance."""

    def __init__(self, finder: PersonalFinder) -> None:
        self._finder = finder
        self._numbers: dict[tuple[PersonalKind, str], int] = {}
        self._given: Counter[PersonalKind] = Counter()

    def replace(self, text: str) -> tuple[str, list[PersonalKind]]:
        """The text without personal data, and the kind of each piece that was replaced, in order."""
        parts: list[str] = []
        kinds: list[PersonalKind] = []
        reached = 0
        is_russian = has_cyrillic_letters(text)
        for find in self._finder.find(text):
            key = (find.kind, find.key)
            if key not in self._numbers:
                self._given[find.kind] += 1
                self._numbers[key] = self._given[find.kind]
            word = _WORDS[find.kind][0 if is_russian else 1]
            parts += [text[reached : find.start], f"[{word} {self._numbers[key]}]"]
            kinds.append(find.kind)
            reached = find.end
        return "".join([*parts, text[reached:]]), kinds
