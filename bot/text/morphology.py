"""Dictionary forms, parts of speech and cases of words: Russian by a dictionary, English by its endings."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from bot.text.language import has_russian_letters
from bot.text.words import fold, stem

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer


class PartOfSpeech(StrEnum):
    """What a word can be in a sentence, as far as comparing statements needs it."""

    NOUN = "noun"
    VERB = "verb"
    """Participles and infinitives too."""
    ADJECTIVE = "adjective"
    ADVERB = "adverb"
    FUNCTION = "function"
    """Prepositions, conjunctions, particles, pronouns, also those that are declined like adjectives."""


@dataclass(frozen=True, slots=True)
class WordForm:
    """A word, with everything that it can be the form of."""

    lemmas: frozenset[str]
    """Its dictionary forms, folded; in English its stem, or the stem of an irregular verb's base. A Russian word that
    the dictionary does not know has its stem beside the form that is guessed."""
    parts_of_speech: frozenset[PartOfSpeech] = frozenset()
    """Empty for English, whose words do not show it."""
    cases: frozenset[str] = frozenset()
    """The cases that a Russian noun or adjective can be in; empty where it has none."""
    is_imperative: bool = False
    is_proper: bool = False
    """Whether the dictionary knows it as the name of a person or place, and as nothing else."""
    is_first_person: bool = False
    """Whether it is a Russian verb that says "I" or "we" by its ending."""
    is_comparative: bool = False
    """Whether it is a Russian comparative of one word: «легче»."""


_MIN_SCORE: Final = 0.04
"""Readings of a word that are rarer than this are left out."""
_PARTS: Final = {
    "NOUN": PartOfSpeech.NOUN,
    "VERB": PartOfSpeech.VERB,
    "INFN": PartOfSpeech.VERB,
    "GRND": PartOfSpeech.VERB,
    "PRTF": PartOfSpeech.VERB,
    "PRTS": PartOfSpeech.VERB,
    "ADJF": PartOfSpeech.ADJECTIVE,
    "ADJS": PartOfSpeech.ADJECTIVE,
    "COMP": PartOfSpeech.ADJECTIVE,
    "ADVB": PartOfSpeech.ADVERB,
    "PRED": PartOfSpeech.ADVERB,
    "NPRO": PartOfSpeech.FUNCTION,
    "PREP": PartOfSpeech.FUNCTION,
    "CONJ": PartOfSpeech.FUNCTION,
    "PRCL": PartOfSpeech.FUNCTION,
    "INTJ": PartOfSpeech.FUNCTION,
}
_CASES: Final = {"gen2": "gent", "acc2": "accs", "loc2": "loct", "voct": "nomn"}
_PROPER: Final = frozenset(("Name", "Surn", "Patr", "Geox"))
_NAME_PARTS: Final = ("Name", "Surn", "Patr")
_IRREGULAR_FORMS: Final = """
    arise arose arisen; awake awoke awoken; bear bore borne born; beat beaten; begin began begun; bend bent;
    bind bound; bite bit bitten; bleed bled; blow blew blown; break broke broken; breed bred; bring brought;
    build built; burn burnt; buy bought; catch caught; child children; choose chose chosen; come came; creep
    crept; deal dealt; dig dug; draw drew drawn; dream dreamt; drink drank drunk; drive drove driven; eat ate
    eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled; fly flew flown; foot
    feet; forget forgot forgotten; freeze froze frozen; give gave given; go went gone; goose geese; grind
    ground; grow grew grown; hang hung; have has had; hear heard; hide hid hidden; hold held; keep kept; kneel
    knelt; know knew known; lay laid; lead led; lean leant; learn learnt; leave left; lend lent; lie lay lain;
    light lit; lose lost; make made; man men; mean meant; meet met; mouse mice; pay paid; ride rode ridden; ring
    rang rung; rise rose risen; run ran; say said; see saw seen; seek sought; sell sold; send sent; shake shook
    shaken; shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang sung; sink sank sunk; sit sat;
    sleep slept; slide slid; speak spoke spoken; speed sped; spend spent; spin spun; stand stood; steal stole
    stolen; stick stuck; strike struck; swear swore sworn; sweep swept; swim swam swum; swing swung; take took
    taken; teach taught; tear tore torn; tell told; think thought; throw threw thrown; tooth teeth; understand
    understood; wake woke woken; wear wore worn; weave wove woven; weep wept; win won; wind wound; woman women;
    write wrote written; wolf wolves; half halves; leaf leaves; knife knives; life lives; wife wives; loaf
    loaves; shelf shelves; calf calves; travel travelled travelling traveled; control controlled; die dying died
    dies
"""
_AMBIGUOUS_FORMS: Final = frozenset(
    ("left", "found", "ground", "lay", "lives", "leaves", "wound", "bound", "saw", "fell")
)
"""Forms that are as often another word: they keep their own stem beside the base."""


def _irregular_bases() -> dict[str, frozenset[str]]:
    bases: dict[str, set[str]] = {}
    for entry in _IRREGULAR_FORMS.split(";"):
        base, *forms = entry.split()
        for form in forms:
            bases.setdefault(form, set()).add(stem(base))
            if form in _AMBIGUOUS_FORMS:
                bases[form].add(stem(form))
    return {form: frozenset(stems) for form, stems in bases.items()}


_IRREGULAR: Final = _irregular_bases()
_LOCK: Final = threading.Lock()
"""The dictionary's caches are not made for several threads."""


@lru_cache(65536)
def read_word(word: str) -> WordForm:
    """What a word can be the form of.

    Args:
        word: folded.
    """
    if has_russian_letters(word):
        return _read_russian(word)
    bare = word.removesuffix("'s").removesuffix("'")
    return WordForm(_IRREGULAR.get(bare) or frozenset((stem(bare),)))


def _read_russian(word: str) -> WordForm:
    with _LOCK:
        readings = [reading for reading in _analyzer().parse(word) if reading.score >= _MIN_SCORE]
        is_known = _analyzer().word_is_known(word)
    tags = [reading.tag for reading in readings]
    parts = {
        PartOfSpeech.FUNCTION if "Apro" in tag else part for tag in tags if (part := _PARTS.get(str(tag.POS or "")))
    }
    return WordForm(
        frozenset(fold(reading.normal_form) for reading in readings) | (frozenset() if is_known else {stem(word)})
        or frozenset((word,)),
        frozenset(parts),
        frozenset(_CASES.get(str(tag.case), str(tag.case)) for tag in tags if tag.case),
        any("impr" in tag for tag in tags),
        bool(tags) and all(any(grammeme in tag for grammeme in _PROPER) for tag in tags),
        bool(tags) and "1per" in tags[0] and "impr" not in tags[0],
        bool(tags) and all(tag.POS == "COMP" for tag in tags),
    )


@lru_cache(maxsize=20_000)
def name_parts(word: str) -> Mapping[str, str]:
    """What part of a Russian person's name a word is in some form: its dictionary forms by `Name`, `Surn` and `Patr`.

    Empty for a word that the dictionary does not know as part of a name.
    """
    with _LOCK:
        readings = list(_analyzer().parse(word))
    found: dict[str, str] = {}
    for reading in readings:
        for part in _NAME_PARTS:
            # A guess by the ending makes surnames of many words.
            if part in reading.tag and (reading.is_known or part == "Patr"):
                found.setdefault(part, fold(reading.normal_form))
    return found


def inflected_forms(word: str) -> frozenset[str]:
    """All forms of a Russian word that is given in its dictionary form; itself alone for any other.

    Args:
        word: folded.
    """
    if not has_russian_letters(word):
        return frozenset((word,))
    with _LOCK:
        readings = [reading for reading in _analyzer().parse(word) if fold(reading.normal_form) == word]
        forms = {fold(form.word) for reading in readings[:1] for form in reading.lexeme}
    return frozenset((word, *forms))


@cache
def _analyzer() -> MorphAnalyzer:
    # Loading takes a tenth of a second and 25 MB, so not before the first Russian word.
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")
