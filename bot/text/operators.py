"""Words that decide how a statement holds: negation, modality, quantifiers, bounds, conditions, and whose word it is.

"Sugar helps", "it is a myth that sugar helps", "sugar may help" and "if it is hot, sugar helps" have the same words and
say different things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from bot.text.morphology import read_word
from bot.text.words import word_set


class Operator(StrEnum):
    """What a word or phrase does to the statement that it stands in."""

    NOT = "not"
    """Negates the next word."""
    MUST = "must"
    SHOULD = "should"
    """What is good to do, without need."""
    MAY = "may"
    FORBIDDEN = "forbidden"
    PERHAPS = "perhaps"
    ALL = "all"
    MOST = "most"
    MANY = "many"
    SOME = "some"
    FEW = "few"
    NONE = "none"
    NEVER = "never"
    """Not at any time: more than not."""
    BOTH = "both"
    ONLY = "only"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    OVER = "over"
    UNDER = "under"
    ABOUT = "about"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    IF = "if"
    UNLESS = "unless"
    WHEN = "when"
    FALSE = "false"
    """What it is said of is not so: a myth, a mistake."""
    SAID = "said"
    """Somebody says or thinks it."""
    BECAUSE = "because"
    """What follows is the cause."""
    THEREFORE = "therefore"
    """What came before is the cause."""
    ALTHOUGH = "although"
    """What follows speaks against it."""


MODALITIES: Final = frozenset((Operator.MUST, Operator.SHOULD, Operator.MAY, Operator.FORBIDDEN, Operator.PERHAPS))
QUANTIFIERS: Final = frozenset(
    (
        Operator.ALL,
        Operator.MOST,
        Operator.MANY,
        Operator.SOME,
        Operator.FEW,
        Operator.NONE,
        Operator.NEVER,
        Operator.BOTH,
        Operator.ONLY,
    )
)
BOUNDS: Final = frozenset((Operator.AT_LEAST, Operator.AT_MOST, Operator.OVER, Operator.UNDER, Operator.ABOUT))
CONDITIONS: Final = frozenset((Operator.IF, Operator.UNLESS, Operator.WHEN))
FRAMES: Final = frozenset((Operator.FALSE, Operator.SAID))
CAUSES: Final = frozenset((Operator.BECAUSE, Operator.THEREFORE, Operator.ALTHOUGH))

# Phrases are separated by "|". A word with an asterisk stands for all of its forms.
_PHRASES: Final = {
    Operator.NOT: "not|no|without|hardly|не|нет|ни|без|nor|neither|вряд ли|едва ли",
    Operator.MUST: """
        must|have* to|need* to|needs to|need*|obliged|obligatory|compulsory|mandatory|require*|required|
        necessary|essential|shall|нужно|надо|нужный*|должный*|обязать*|обязанный*|обязательный*|обязательно|
        необходимо|необходимый*|требоваться*|требовать*|придется|приходится|полагается|вынужденный*|
        нуждаться*
    """,
    Operator.SHOULD: """
        should|ought to|advise*|advisable|recommend*|better to|следует|рекомендовать*|рекомендоваться*|
        советовать*|желательно|желательный*|лучше всего
    """,
    Operator.MAY: """
        may|can|could|allow*|allowed|permit*|permitted|permissible|able to|free to|possible|optional|можно|
        мочь*|смочь*|разрешить*|разрешать*|разрешаться*|разрешиться*|разрешенный*|допускать*|допускаться*|
        допустить*|допустимый*|допустимо|позволить*|позволять*|позволяться*|позволено|возможно|возможный*|
        вправе|иметь* право
    """,
    Operator.FORBIDDEN: """
        forbid*|forbidden|prohibit*|prohibited|ban*|banned|must not|may not|can not|cannot|can't|mustn't|
        not allowed|not permitted|not be allowed|contraindicated|disallow*|нельзя|запретить*|запрещать*|
        запрещаться*|запрещенный*|запрет*|воспретить*|воспрещаться*|воспрещать*|не разрешить*|
        не разрешаться*|не разрешать*|не допускаться*|не допускать*|не мочь*|не должный*|не сметь*|
        противопоказанный*|противопоказать*|недопустимо|недопустимый*|не вправе
    """,
    Operator.PERHAPS: """
        perhaps|maybe|probably|possibly|might|presumably|apparently|supposedly|allegedly|likely|возможно что|
        вероятно|наверное|наверно|видимо|может быть|пожалуй|якобы|предположительно|похоже
    """,
    Operator.ALL: """
        all|every|each|always|everybody|everyone|everything|whole|entire|entirely|throughout|any|anybody|
        anyone|весь*|каждый*|всегда|всякий*|любой*|целый*|целиком|ежедневно|все
    """,
    Operator.MOST: """
        most|mostly|usually|majority|generally|normally|большинство*|обычно|преимущественно|как правило|
        чаще всего
    """,
    Operator.MANY: """
        many|much|often|frequently|numerous|многие*|много|часто|многий*|множество*|немало|нередко
    """,
    Operator.SOME: """
        some|several|sometimes|certain|somebody|someone|occasionally|partly|некоторый*|несколько|иногда|
        порой|кто то|кое кто|отчасти|частично|отдельный*
    """,
    Operator.FEW: """
        few|rarely|seldom|hardly any|hardly ever|мало|редко|немногие*|немногий*|немного|мало кто
    """,
    Operator.NONE: """
        none|nobody|nothing|no one|neither of|никто*|ничто*|никакой*|ничего|ни один*|нигде|nowhere
    """,
    Operator.NEVER: """
        never|not ever|not once|никогда|никогда не|никогда и не|так никогда и не|так и не|ни разу не|ни разу
    """,
    Operator.BOTH: "both|оба*|и тот и другой",
    Operator.ONLY: "only|solely|exclusively|merely|nothing but|только|лишь|исключительно|единственно",
    Operator.AT_LEAST: """
        at least|no less than|not less than|no fewer than|not fewer than|or more|not under|not below|
        не менее|не меньше|не ниже|не раньше|по крайней мере|как минимум|самое малое|не реже|и больше|
        и более|или больше
    """,
    Operator.AT_MOST: """
        at most|no more than|not more than|up to|not over|not above|or less|or fewer|не более|не больше|
        не выше|не позже|не позднее|самое большее|как максимум|не чаще|и меньше|или меньше|в пределах
    """,
    Operator.OVER: """
        more than|over|above|older than|higher than|longer than|larger than|greater than|beyond|after|past|
        exceeding|exceed*|свыше|более|больше|старше|выше|дольше|сверх|после|позже|позднее
    """,
    Operator.UNDER: """
        less than|fewer than|under|below|younger than|lower than|shorter than|smaller than|before|until|till|
        менее|меньше|младше|моложе|ниже|до|раньше|ранее
    """,
    Operator.ABOUT: """
        about|around|approximately|roughly|nearly|almost|some|около|примерно|приблизительно|почти|порядка|
        circa
    """,
    Operator.MINIMUM: "minimum|minimal|minimally|минимум*|минимальный*|минимально",
    Operator.MAXIMUM: "maximum|maximal|maximally|максимум*|максимальный*|максимально",
    Operator.IF: """
        if|provided|providing|in case|in case of|in the event of|in the event that|on condition that|as long as|
        so long as|если|при условии|в случае|коли|ежели|при наличии|supposing|
        assuming
    """,
    Operator.UNLESS: """
        unless|except if|except when|except where|кроме случаев когда|кроме случаев , когда|если не|
        если только не
    """,
    Operator.WHEN: "when|whenever|as soon as|when ever|когда|как только|пока",
    Operator.FALSE: """
        myth*|untrue|false|falsehood|wrong|wrongly|mistake*|mistaken|mistakenly|fallacy*|misconception*|
        superstition*|legend*|fable*|fairy tale*|nonsense|contrary to|lie to say|миф*|неправда*|неправ|
        неверно|неверный*|ложь*|ложный*|заблуждение*|ошибочно|ошибочный*|ошибаться*|вопреки|суеверие*|
        выдумка*|сказка*|легенда*|байка*|чушь*|не правда|не верно|не так что
    """,
    Operator.SAID: """
        said|says|say|saying|believe*|believed|claim*|claims|think|thinks|thought|suppose*|supposed|argue*|
        assert*|allege*|rumour*|rumor*|rumoured|suspect*|assume*|hope*|fear*|dream*|dreamed|dreamt|imagine*|
        promise*|predict*|expect*|expected|forecast*|according to|reportedly|deny|denies|denied|doubt*|
        hypothesis|hypothesise*|opinion|said to|told|tells|wrote that|writes that|wrote :|writes :|говорить*|
        сказать*|считать*|считаться*|думать*|полагать*|верить*|утверждать*|уверять*|предполагать*|казаться*|
        показаться*|слух*|по слухам|мнение*|по мнению|обещать*|пообещать*|ожидать*|ожидаться*|прогнозировать*|
        по прогнозу*|по прогнозам|по ожиданиям|по оценке|по оценкам|рассчитывать*|надеяться*|бояться*|сниться*|
        присниться*|мечтать*|подозревать*|отрицать*|сомневаться*|гипотеза*|согласно|по словам|сообщать*|
        сообщить*|писать что|якобы|будто
    """,
    Operator.BECAUSE: """
        because|because of|owing to|due to|thanks to|потому что|потому , что|оттого что|оттого , что|так как|
        поскольку|ибо|из за того что|из за того , что|благодаря тому что|благодаря тому , что|из за
    """,
    Operator.THEREFORE: """
        therefore|thus|hence|consequently|as a result|that is why|which is why|for this reason|, so|поэтому|
        следовательно|вследствие этого|из за этого|по этой причине
    """,
    Operator.ALTHOUGH: """
        although|though|even though|despite|in spite of|хотя|несмотря на|несмотря на то что|вопреки тому что
    """,
}
_OWN_WORDS: Final = word_set(
    "i we my author text article passage lecture diary book я мы мой автор текст статья лекция дневник книга"
)
"""After or before one of these what is said is the author's own statement."""


@dataclass(frozen=True, slots=True)
class OperatorMatch:
    """An operator in a text, and the words that say it."""

    operator: Operator
    start: int
    """Index of its first word."""
    end: int
    """Index after its last word."""


@cache
def _phrases_by_first_word() -> dict[str, list[tuple[tuple[str, ...], Operator]]]:
    by_first: dict[str, list[tuple[tuple[str, ...], Operator]]] = {}
    for operator, phrases in _PHRASES.items():
        for phrase in " ".join(phrases.split()).split("|"):
            words = tuple(phrase.split())
            head = words[0]
            keys = read_word(head[:-1]).lemmas | {head[:-1]} if head.endswith("*") else {head}
            for key in keys:
                by_first.setdefault(key, []).append((words, operator))
    for candidates in by_first.values():
        candidates.sort(key=lambda candidate: -len(candidate[0]))
    return by_first


def find_operators(words: Sequence[str], numbers: frozenset[int] | set[int]) -> list[OperatorMatch]:
    """The operators among the words of a text, the longest phrase where several begin at a word.

    A bound is one only right before a number ("over 40", not "over the road"), or right after it ("40 or more").

    Args:
        words: folded.
        numbers: indices of the words that belong to numbers.
    """
    found = []
    at = 0
    while at < len(words):
        match = None if at in numbers else _match_at(words, at, numbers)
        if match is None:
            at += 1
            continue
        found.append(match)
        at = match.end
    return found


def is_own_word(word: str) -> bool:
    """Whether a word stands for the author or for what is read: "I believe" is the author's own statement.

    Args:
        word: folded.
    """
    return word in _OWN_WORDS or bool(read_word(word).lemmas & _OWN_WORDS)


def _match_at(words: Sequence[str], at: int, numbers: frozenset[int] | set[int]) -> OperatorMatch | None:
    word = words[at]
    if word.endswith("n't") and word not in _phrases_by_first_word():
        return OperatorMatch(Operator.NOT, at, at + 1)
    candidates = [
        candidate for key in (word, *read_word(word).lemmas) for candidate in _phrases_by_first_word().get(key, ())
    ]
    for phrase, operator in sorted(candidates, key=lambda candidate: -len(candidate[0])):
        end = at + len(phrase)
        if end > len(words) or not all(map(_is_form_of, words[at:end], phrase)):
            continue
        if operator in BOUNDS and not _bounds_number(phrase, at, end, words, numbers):
            continue
        return OperatorMatch(operator, at, end)
    return None


def _is_form_of(word: str, pattern: str) -> bool:
    if not pattern.endswith("*"):
        return word == pattern
    base = pattern[:-1]
    return word == base or bool(read_word(word).lemmas & (read_word(base).lemmas | {base}))


def _bounds_number(
    phrase: Sequence[str], start: int, end: int, words: Sequence[str], numbers: frozenset[int] | set[int]
) -> bool:
    if phrase[0] in ("or", "и", "или"):
        return start - 1 in numbers or start - 2 in numbers
    if phrase[0] == "some" and end not in numbers:
        return False
    return end in numbers or (end + 1 in numbers and words[end] in ("the", "a", "an", "чем"))
