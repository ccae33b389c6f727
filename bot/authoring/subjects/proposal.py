"""What subjects an author's dialogues fall into, as topic adapters to be accepted, renamed, merged or dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bot.authoring.candidates import Candidate
from bot.authoring.errors import NoSuchSubject, SubjectNameUnusable
from bot.authoring.subjects.words import TellingWord, telling_words
from bot.minds.grammar import RESERVED, is_valid_name, normalise
from bot.minds.names import name_key

if TYPE_CHECKING:
    from bot.authoring.subjects.clustering import Vectors

MIN_TOPIC: Final = 40
"""Dialogues below which a topic adapter has too little to learn from."""
OVER_CHANCE: Final = 1.1
"""How many times the separation of chance a subject must be apart."""
_COMMON_MARGIN: Final = 0.25
"""Share of the mean margin below which a dialogue lies between two subjects, and belongs to the core."""
_CORE_SHARE: Final = 0.2
"""Of all dialogues, at least so many are the core's: how the author thinks must be learnt from something."""
_SAMPLES: Final = 3
_DESCRIBED_BY: Final = 5
_DESCRIPTION: Final = {"en": "About {}.", "ru": "О чём: {}."}
_MAX_SAMPLE: Final = 160
MAX_NAME: Final = 64
"""Characters of an adapter's name."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject that may become a topic adapter."""

    name: str
    aliases: tuple[str, ...]
    description: Mapping[str, str]
    """By language."""
    ids: tuple[str, ...]
    """Of its dialogues, the most typical first."""
    samples: tuple[str, ...]
    """Typical questions."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """How dialogues would be shared out; what no subject has is the core's."""

    subjects: tuple[Subject, ...]
    dialogues: int
    stability: float = 1.0
    separation: float = 0.0
    chance: float = 0.0

    @property
    def common(self) -> int:
        """Dialogues that stay with the core."""
        return self.dialogues - sum(len(subject.ids) for subject in self.subjects)

    def renamed(self, old: str, new: str, taken: Collection[str] = ()) -> Proposal:
        """With another name for a subject.

        Raises:
            NoSuchSubject: there is none of the old name.
            SubjectNameUnusable: modes cannot be written with the new name, or it stands for something else.
        """
        subject, name = self.find(old), normalise(new).strip()
        others = {each.name for each in self.subjects if each is not subject} | set(taken)
        if not is_usable(name, others):
            raise SubjectNameUnusable(new)
        kept = tuple(alias for alias in subject.aliases if name_key(alias) != name_key(name))
        return self._with({subject.name: replace(subject, name=name, aliases=kept)})

    def merged(self, first: str, second: str) -> Proposal:
        """With two subjects made one, which has the first's name.

        Raises:
            NoSuchSubject: there is no such subject, or both are the same.
        """
        into, other = self.find(first), self.find(second)
        if into is other:
            raise NoSuchSubject(second, [each.name for each in self.subjects if each is not into])
        description = {
            language: " ".join(filter(None, (into.description.get(language), other.description.get(language))))
            for language in {**into.description, **other.description}
        }
        made = replace(
            into,
            description=description,
            ids=(*into.ids, *other.ids),
            samples=tuple(each for pair in zip(into.samples, other.samples, strict=False) for each in pair)[:_SAMPLES],
        )
        return self._with({into.name: made, other.name: None})

    def dropped(self, name: str) -> Proposal:
        """Without a subject, whose dialogues stay with the core.

        Raises:
            NoSuchSubject: there is none of this name.
        """
        return self._with({self.find(name).name: None})

    def without_subjects(self) -> Proposal:
        """With everything left to the core."""
        return replace(self, subjects=())

    def find(self, name: str) -> Subject:
        """A subject by its name, or by its number from 1.

        Raises:
            NoSuchSubject: there is none.
        """
        for number, subject in enumerate(self.subjects, 1):
            if name_key(name) == name_key(subject.name) or name.strip() == str(number):
                return subject
        raise NoSuchSubject(name, [subject.name for subject in self.subjects])

    def _with(self, changes: Mapping[str, Subject | None]) -> Proposal:
        subjects = (changes.get(each.name, each) for each in self.subjects)
        return replace(self, subjects=tuple(each for each in subjects if each is not None))


def propose(
    candidates: Sequence[Candidate], vectors: Vectors, *, min_size: int = MIN_TOPIC, taken: Collection[str] = ()
) -> Proposal:
    """The subjects of dialogues.

    Args:
        vectors: (dialogues, dimensions), of what is said in each.
        min_size: dialogues that a subject needs.
        taken: names that stand for something else.
    """
    from bot.authoring.subjects.clustering import find_groups

    found = find_groups(vectors, min_size=min_size)
    nothing = Proposal((), len(candidates))
    if found.count == 1 or found.separation < OVER_CHANCE * found.chance:
        return nothing
    between = _COMMON_MARGIN * found.separation
    members: list[list[int]] = []
    for group in range(found.count):
        rows = [row for row in range(len(candidates)) if found.labels[row] == group]
        apart = sum(float(found.margins[row]) for row in rows) / len(rows)
        if apart < OVER_CHANCE * found.chance:
            continue
        typical = sorted((row for row in rows if found.margins[row] >= between), key=lambda row: -found.margins[row])
        if len(typical) >= min_size:
            members.append(typical)
    _leave_to_the_core(members, len(candidates), min_size)
    named = _name(members, candidates, set(taken))
    return Proposal(tuple(named), len(candidates), found.stability, found.separation, found.chance)


def is_usable(name: str, taken: Collection[str]) -> bool:
    """Whether a name can be that of a new adapter, as it is."""
    is_name = name == normalise(name) and len(name) <= MAX_NAME and is_valid_name(name) and name not in RESERVED
    return is_name and name_key(name) not in {name_key(each) for each in taken}


def proposal_to_record(proposal: Proposal) -> dict[str, Any]:
    """A proposal as JSON."""
    return asdict(proposal)


def proposal_from_record(record: Mapping[str, Any]) -> Proposal:
    """The proposal that `proposal_to_record` wrote."""
    tuples = ("aliases", "ids", "samples")
    subjects = (Subject(**{**each, **{key: tuple(each[key]) for key in tuples}}) for each in record["subjects"])
    return Proposal(**{**record, "subjects": tuple(subjects)})


def _leave_to_the_core(members: list[list[int]], dialogues: int, min_size: int) -> None:
    """Give the core its share: the least typical dialogues of the largest subjects, which all stay large enough."""
    wanted = round(_CORE_SHARE * dialogues)
    while dialogues - sum(map(len, members)) < wanted:
        largest = max(members, key=len)
        if len(largest) <= min_size:
            break
        largest.pop()


def _name(members: Sequence[Sequence[int]], candidates: Sequence[Candidate], taken: set[str]) -> list[Subject]:
    inside = {row for rows in members for row in rows}
    groups = [*members, [row for row in range(len(candidates)) if row not in inside]]
    words = _words_of(groups, candidates)
    subjects = []
    order = sorted(range(len(members)), key=lambda group: -len(members[group]))
    for group in order:
        rows, telling = members[group], words[group]
        name = _first_usable([word.text for word in telling], taken) or _numbered(taken)
        taken.add(name)
        other = [word.text for word in telling if word.language != _language_of(name, telling)]
        alias = _first_usable(other[:_DESCRIBED_BY], taken)
        if alias:
            taken.add(alias)
        subjects.append(
            Subject(
                name=name,
                aliases=(alias,) if alias else (),
                description=_describe(telling),
                ids=tuple(candidates[row].id for row in rows),
                samples=tuple(_question(candidates[row]) for row in rows[:_SAMPLES]),
            )
        )
    return subjects


def _words_of(groups: Sequence[Sequence[int]], candidates: Sequence[Candidate]) -> list[list[TellingWord]]:
    """The telling words of each group: of its questions, which say what it is about, and then of its answers."""
    asked, said = (
        telling_words([[text_of(candidates[row]) for row in rows] for rows in groups])
        for text_of in (_asked, lambda candidate: candidate.text)
    )
    return [[*first, *(word for word in then if word not in first)] for first, then in zip(asked, said, strict=True)]


def _asked(candidate: Candidate) -> str:
    return "\n".join(turn.text for turn in candidate.turns if turn.role == "user")


def _language_of(name: str, words: Sequence[TellingWord]) -> str:
    return next((word.language for word in words if word.text == name), "en")


def _first_usable(words: Sequence[str], taken: Collection[str]) -> str:
    return next((word for word in words if is_usable(word, taken)), "")


def _numbered(taken: Collection[str]) -> str:
    number = 1
    while not is_usable(f"topic-{number}", taken):
        number += 1
    return f"topic-{number}"


def _describe(words: Sequence[TellingWord]) -> dict[str, str]:
    """What a subject is about, in each language that it has words of."""
    described = {}
    for language, sentence in _DESCRIPTION.items():
        own = [word.text for word in words if word.language == language][:_DESCRIBED_BY]
        if own:
            described[language] = sentence.format(", ".join(own))
    return described or {"en": "A topic."}


def _question(candidate: Candidate) -> str:
    asked = next((turn.text for turn in candidate.turns if turn.role == "user"), "")
    line = " ".join(asked.split())
    return line if len(line) <= _MAX_SAMPLE else f"{line[: _MAX_SAMPLE - 1]}…"
