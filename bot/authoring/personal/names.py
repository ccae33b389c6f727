"""Names of people: by a Russian dictionary, by English first names and titles, and by who writes in the chats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bot.authoring.personal.english_names import FIRST_NAMES
from bot.authoring.personal.finds import Find, PersonalKind
from bot.text.language import has_russian_letters
from bot.text.morphology import name_parts
from bot.text.words import fold

_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_RUN: Final = re.compile(r"[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?(?: [А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?){1,3}")
_INITIALS: Final = re.compile(
    r"(?<!\w)(?:[А-ЯЁ]\.\s?){1,2}(?P<after>[А-ЯЁ][а-яё]+)|(?<!\w)(?P<before>[А-ЯЁ][а-яё]+)\s(?:[А-ЯЁ]\.\s?){1,2}(?!\w)"
)
_ENGLISH: Final = re.compile(r"(?<![\w-])(?:[A-Z][a-z]*(?:[-'’][A-Z]?[a-z]+)*\b\.?|van|de|von|der|la)(?![\w-])")
_TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof"})
_PARTICLES: Final = frozenset({"van", "de", "von", "der", "la"})
_NEVER_NAMES: Final = frozenset(
    {"i", "i'm", "i'll", "i've", "i'd", "ok"}
    | {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
    | {"january", "february", "march", "july", "september", "october", "november", "december"}
)
"""Words in capitals that no name goes on with: "Will I sleep?", "Mark Monday in the diary"."""
_MAX_ENGLISH: Final = 4
"""Words after a title or a first name that may belong to the name."""
_MIN_NAME: Final = 3
"""Letters of a name of somebody in the chats that is looked for by itself."""


class NameFinder:
    """Finds names of people. The author's own is left as it is: the mind is theirs."""

    def __init__(self, participants: Iterable[str], authors: Iterable[str]) -> None:
        """Set up.

        Args:
            participants: names as the chats show them, of everybody who writes there.
            authors: those of them that are the author's.
        """
        own = {word for name in authors for word in _forms(name)}
        self._own = own
        self._participants = {
            word
            for name in participants
            for word in _forms(name)
            if word not in own and len(word) >= _MIN_NAME and _is_name(word)
        }

    def find(self, text: str) -> Iterator[Find]:
        """Full names, names with initials or a title, and the names of those who write in the chats."""
        yield from self._kept(_russian_names(text))
        yield from self._kept(_english_names(text))
        if self._participants:
            yield from self._known(text)

    def _kept(self, finds: Iterable[Find]) -> Iterator[Find]:
        return (find for find in finds if not set(find.key.split()) <= self._own)

    def _known(self, text: str) -> Iterator[Find]:
        for match in _WORD.finditer(text):
            if match[0][0].isupper():
                for form in _forms(match[0]):
                    if form in self._participants:
                        yield Find(PersonalKind.NAME, match.start(), match.end(), form)
                        break


def _russian_names(text: str) -> Iterator[Find]:
    for run in _RUN.finditer(text):
        words = list(_WORD.finditer(text, run.start(), run.end()))
        start = 0
        while start < len(words) - 1:
            for size in (3, 2):
                part = words[start : start + size]
                if len(part) == size and (key := _full_name([word[0] for word in part])):
                    yield Find(PersonalKind.NAME, part[0].start(), part[-1].end(), key)
                    start += size
                    break
            else:
                start += 1
    for match in _INITIALS.finditer(text):
        surname = match["after"] or match["before"]
        if form := name_parts(surname).get("Surn"):
            end = match.end() if match["after"] else match.start() + len(match[0].rstrip())
            yield Find(PersonalKind.NAME, match.start(), end, form)


def _full_name(words: Sequence[str]) -> str:
    """The dictionary forms of words that are different parts of one name; empty if they are not."""
    parts = [name_parts(word) for word in words]
    orders = (("Name", "Surn"), ("Surn", "Name"), ("Name", "Patr"), ("Name", "Patr", "Surn"), ("Surn", "Name", "Patr"))
    for order in orders:
        if len(order) == len(parts) and all(part in forms for part, forms in zip(order, parts, strict=True)):
            return " ".join(sorted(forms[part] for part, forms in zip(order, parts, strict=True)))
    return ""


def _english_names(text: str) -> Iterator[Find]:
    words = list(_ENGLISH.finditer(text))
    index = 0
    while index < len(words):
        first = words[index]
        is_title = first[0].rstrip(".").lower() in _TITLES
        size = 1
        if is_title or first[0].lower() in FIRST_NAMES:
            while (
                index + size < len(words) and size <= _MAX_ENGLISH and _goes_on(text, words[index : index + size + 1])
            ):
                size += 1
            while size > 1 and words[index + size - 1][0].lower() in _PARTICLES:
                size -= 1
        name = words[index + is_title : index + size]
        if len(name) + is_title > 1:
            end = name[-1].end() - name[-1][0].endswith(".")
            yield Find(PersonalKind.NAME, first.start(), end, " ".join(word[0].lower().strip(".") for word in name))
        index += size


def _goes_on(text: str, words: Sequence[re.Match[str]]) -> bool:
    """Whether the last of some words belongs to the name that those before it make."""
    before, last = words[-2], words[-1]
    # A sentence ends with a point after a whole word, a name goes on after an initial or a title.
    is_ended = before[0].endswith(".") and len(before[0]) > 2 and before[0].rstrip(".").lower() not in _TITLES
    is_name = last[0].lower().replace("’", "'") not in _NEVER_NAMES
    return is_name and not is_ended and text[before.end() : last.start()] == " "


def _forms(name: str) -> Iterator[str]:
    """The words of a name as they are compared: in the dictionary's form where it knows them."""
    for word in _WORD.findall(name):
        folded = fold(word.lower())
        yield folded
        if has_russian_letters(word):
            yield from name_parts(word).values()


def _is_name(word: str) -> bool:
    """Whether a word of somebody's displayed name is likely a name, and not one such as “coach”."""
    return word in FIRST_NAMES or bool(name_parts(word))
