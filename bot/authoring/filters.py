"""What of an import is not worth learning, or may not be learnt, and the reason of each."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bot.authoring.candidates import Candidate, Origin
from bot.authoring.personal.contacts import URL
from bot.authoring.reasons import Reason
from bot.text.words import fold, word_set
from inference.training.languages import TextLanguage, tell_language
from inference.training.similarity import NearTexts, normalise

_WORD: Final = re.compile(r"\w+")
_PLEASANTRIES: Final = word_set("""
        hi hello hey yo morning good evening afternoon night bye goodbye cheers thanks thank thx ty you u welcome np
    ok okay k     yes yeah yep yup no nope nah sure fine cool nice great awesome wow lol haha hahaha congrats
    congratulations happy     birthday see later soon so much very a lot all the best please sorry oh and to
    привет приветик приветствую здравствуй здравствуйте здарова хай добрый доброе доброй доброго день дня утро утра
    утречко     вечер вечера вечерок ночи пока покеда до свидания встречи завтра спасибо спс спасибки пасиб
    благодарю пожалуйста не за     что ок окей окак ага угу да нет неа ладно хорошо отлично супер класс круто понял
    поняла понятно ясно точно конечно     договорились лол ахах ахаха ахахах хаха хахаха поздравляю с днем рождения
    праздником большое огромное и тебе вам     тоже взаимно всем удачи сори извини извините прости простите о ой ну
    вот так
""")
"""Words of which greetings, thanks and the like consist, folded."""
_MAX_PLEASANTRY: Final = 12
"""Words: a longer text says something."""
_ADVERTISING: Final = re.compile(
    r"#реклама|\berid\b|промокод|подписывай(?:тесь|ся) на |по ссылке в (?:био|профиле|описании)|#ad\b|#sponsored|"
    r"promo ?code|subscribe (?:now|here)|link in bio|giveaway|click (?:the link|here)|limited offer|казино|casino",
    re.IGNORECASE,
)
_TAG: Final = re.compile(r"[@#]\w+|\[[^\]\n]{2,20} \d+\]")
"""Handles, tags, and what stands for personal data."""
_POSSIBLE: Final = {
    TextLanguage.RUSSIAN: frozenset(("ru",)),
    TextLanguage.ENGLISH: frozenset(("en",)),
    TextLanguage.MIXED: frozenset(("ru", "en")),
    TextLanguage.OTHER: frozenset[str](),
}
"""The languages that a text of each kind is in."""
_MIN_BESIDE_LINKS: Final = 3
"""Words that must stand beside a link."""
_MIN_CROSS_POST: Final = 12
"""Words of an answer that hardly anybody gives twice to different questions."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an import keeps; everything that decides about it beside the files."""

    languages: tuple[str, ...]
    """Of the mind."""
    others_words: bool = False
    """Whether what others have written may be used, as what the author answers to."""
    min_words: int = 3
    """Of what the author says in a dialogue."""
    max_personal: int = 4
    """Pieces of personal data: with more of them a dialogue is about somebody's affairs, and blanks are left of it."""
    heldout: float = 0.1
    """Share of the dialogues to measure with."""
    quoted: tuple[str, ...] = ()
    """Those of `languages` that the base model does not write: dialogues in them are quoted, not learnt."""


class Filter:
    """Judges dialogues in their order; of near ones it keeps the first."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._dialogues = NearTexts()
        self._answers = NearTexts()
        self._count = 0

    def judge(self, candidate: Candidate, personal: int) -> Reason | None:
        """Why a dialogue is left out; None for one to keep.

        Args:
            personal: pieces of personal data that were replaced in it.
        """
        reason = self._judge_alone(candidate, personal)
        if reason is None and self._is_repeated(candidate):
            return Reason.REPEATED
        return reason

    def _judge_alone(self, candidate: Candidate, personal: int) -> Reason | None:
        rules, learnt = self._rules, candidate.learnt
        words = _WORD.findall(_TAG.sub(" ", URL.sub(" ", learnt)))
        if not candidate.turns:
            return Reason.FORGOTTEN
        if not learnt.strip():
            return Reason.NOTHING_LEARNT
        if candidate.origin is Origin.CHAT and not rules.others_words:
            return Reason.OTHERS_WORDS
        if _is_pleasantry(words):
            return Reason.PLEASANTRY
        if (URL.search(learnt) and len(words) < _MIN_BESIDE_LINKS) or _ADVERTISING.search(learnt):
            return Reason.SPAM
        if not _speaks(learnt, rules.languages):
            return Reason.LANGUAGE
        if personal > rules.max_personal or 3 * personal > max(len(words), 1):
            return Reason.PRIVATE
        return Reason.SHORT if len(words) < rules.min_words else None

    def _is_repeated(self, candidate: Candidate) -> bool:
        whole, answer = normalise(candidate.text), normalise(candidate.learnt)
        is_long = len(answer.split()) >= _MIN_CROSS_POST
        seen = _find(self._dialogues, whole) or (is_long and _find(self._answers, answer))
        if not seen:
            self._dialogues.add(whole, self._count)
            if is_long:
                self._answers.add(answer, self._count)
            self._count += 1
        return seen


def _find(known: NearTexts, text: str) -> bool:
    return known.find_equal(text) is not None or known.find_near(text) is not None


def _is_pleasantry(words: Collection[str]) -> bool:
    return 0 < len(words) <= _MAX_PLEASANTRY and all(fold(word) in _PLEASANTRIES for word in words)


def _speaks(text: str, languages: Collection[str]) -> bool:
    """Whether a text is in one of a mind's languages; languages that cannot be told apart here are not judged."""
    found = tell_language(_TAG.sub(" ", URL.sub(" ", text)))
    return found is TextLanguage.NONE or not _POSSIBLE[found].isdisjoint(languages) or _may_be_other(found, languages)


def is_quoted(candidate: Candidate, rules: Rules) -> bool:
    """Whether any answer of a dialogue is in a language that the mind speaks and its base model does not write.

    An answer in two languages is, as soon as the base does not write one of them.
    """
    return any(_is_quoted(turn.text, rules) for turn in candidate.turns if turn.role == "assistant" and turn.learn)


def _is_quoted(text: str, rules: Rules) -> bool:
    found = tell_language(_TAG.sub(" ", URL.sub(" ", text)))
    if found is TextLanguage.NONE:
        return False
    return _may_be_other(found, rules.quoted) or not _POSSIBLE[found].isdisjoint(rules.quoted)


def _may_be_other(found: TextLanguage, languages: Collection[str]) -> bool:
    return found is TextLanguage.OTHER and bool(set(languages) - {"ru", "en"})
