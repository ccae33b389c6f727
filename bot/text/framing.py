"""Whose words a sentence is, and whether it states anything: own statements, questions, others' words, suppositions.

"My wife said: I am allergic" is no statement of the writer about themselves, nor is "If I had a boat" or what follows
"Imagine". Rules by words at the beginning of a sentence, in Russian and English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bot.text.sentences import split_sentences

Frame = Literal["own", "question", "indirect", "reported", "supposed"]
"""`own`: the writer states it. `indirect`: somebody else is said to have said it, in the writer's words ("the doctor
says I have…"). `reported`: somebody else's own words. `supposed`: a condition, a wish, a game, or material to work on.
"""


@dataclass(frozen=True, slots=True)
class FramedSentence:
    """A sentence and its frame."""

    text: str
    frame: Frame


_FIRST_PERSON: Final = re.compile(
    r"(?<!\w)(?:i|i['’](?:m|ve|d|ll)|my|me|mine|we|our|я|мне|меня|мной|мо[йяеёи]|мо(?:его|ей|ему|им|их|ими|ю)|мы|нас|"
    r"нам|наш\w*)(?!\w)",
    re.IGNORECASE,
)
_REPORTING: Final = (
    r"(?:said|says|saying|told|tells|wrote|writes|texted|texts|asked|asks|replied|replies|answered|answers|claimed|"
    r"claims|thinks|thought|believes|insists|insisted|mentioned|shouted|explained|announced|complained|admitted|"
    r"confessed|posted|tweeted|сказал\w*|говорит|говорил\w*|говорят|пишет|пишут|писал\w*|написал\w*|ответил\w*|"
    r"отвечает|спросил\w*|спрашивает|утверждает|утверждал\w*|считает|думает|рассказал\w*|рассказывает|сообщил\w*|"
    r"заявил\w*|заявляет|жалуется|пожаловал\w*|признал\w*|уверяет|уверял\w*|крикнул\w*|объяснил\w*)"
)
_REPORT: Final = re.compile(rf"(?<!\w){_REPORTING}(?!\w)", re.IGNORECASE)
_WRITER_REPORTS: Final = re.compile(
    rf"(?<!\w)(?:i|we|я|мы)(?:\s+\w+){{0,2}}?\s+{_REPORTING}(?!\w)|(?<!\w)(?:did|does|do)\s", re.IGNORECASE
)
_REPORT_AT_END: Final = re.compile(
    rf"[,!…]\s*[—–-]\s*(?:my\s+\w+\s+)?(?:\w+\s+)?{_REPORTING}(?:\s+\w+){{0,2}}\W*$", re.IGNORECASE
)
"""«Я люблю чай, — сказала жена.»"""
_NOTHING_BUT_REPORTER: Final = re.compile(rf"(?<!\w){_REPORTING}\W*$", re.IGNORECASE)
"""What is left of a sentence whose quotation has been taken out."""
_SAYING: Final = re.compile(
    r"(?<!\w)(?:(?:as|like)\s+(?:the|an?|in\s+the)\s+(?:\w+\s+)?(?:song|saying|proverb|joke|film|movie|book|poem|meme|quote|lyrics?)|"
    r"as\s+they\s+say|(?:the|this)\s+(?:song|book|film|movie|poem|quote|story|letter)\s+(?:goes|begins|starts|opens|says)|"
    r"как\s+(?:поется|поётся|говорится|говорят|пел\w*|писал\w*|в\s+(?:песне|книге|фильме|анекдоте|стихах))|"
    r"(?:песня|книга|фильм|роман|рассказ|письмо)\s+начинается)(?!\w)",
    re.IGNORECASE,
)
_ACCORDING_TO: Final = re.compile(r"(?<!\w)(?:according\s+to|по\s+словам|по\s+мнению|со\s+слов)\s", re.IGNORECASE)
_LABEL: Final = re.compile(r"^\s*(?:\[[^\]]{1,40}\]\s*)?(?:[-–—]\s*)?([^\W\d_][\w.'’ -]{0,40}?)\s*:\s+(?=\S)")
_OWN_LABELS: Final = re.compile(
    r"(?:note|notes|ps|p\.s\.?|update|upd|reminder|fyi|btw|remember|important|fact|facts|me|about me|myself|hi|hello|"
    r"so|ok|okay|well|in short|я|обо мне|о себе|важно|"
    r"факты|кстати|примечание|итог|итого|вывод|запомни|напоминание|факт|"
    r"привет|короче|в общем|справка|уточнение|поправка|correction|(?:my|our|мо[йяеи]|мо[её]|наш\w*)\s.*)",
    re.IGNORECASE,
)
_MATERIAL: Final = re.compile(
    r"^\W*(?:please\s+|пожалуйста,?\s+)?(?:can\s+you\s+|could\s+you\s+)?(?:translate|rewrite|rephrase|paraphrase|"
    r"correct|proofread|fix|check|summari[sz]e|improve|edit|repeat|quote|cite|analy[sz]e|переведи\w*|перепиши\w*|"
    r"перефразируй\w*|исправь\w*|проверь\w*|сократи\w*|перескажи\w*|улучши\w*|отредактируй\w*|повтори\w*|процитируй\w*|"
    r"разбери\w*)(?!\w)[^:\n]*:",
    re.IGNORECASE,
)
_SCENE: Final = re.compile(
    r"^\W*(?:(?:now|ok|okay|so|well|and|but|please|а|ну|и|но|теперь|пожалуйста)[,\s]+)*(?:"
    r"imagine|suppose|supposing|pretend|assume|assuming|let['’]?s\s+(?:say|imagine|pretend|suppose|assume|play)|"
    r"let\s+us\s+(?:say|imagine|pretend|suppose)|picture\s+this|hypothetically|role[\s-]?play|act\s+as|you\s+are\s+an?|"
    r"write\s+(?:me\s+)?(?:an?|the)?\s*(?:\w+\s+){0,2}(?:story|poem|song|letter|essay|dialogue|scene|monologue|speech)|"
    r"представ(?:ь\w*|им)|вообрази\w*|предположи\w*|допусти\w*|предположим|допустим|положим|давай(?:те)?\s+(?:представим|"
    r"предположим|сыграем|поиграем|вообразим)|притвор\w+|сыграй\w*|ты\s*[—–-]\s*(?=\w)|гипотетически|"
    r"(?:напиши|сочини)\w*\s+(?:\w+\s+){0,2}(?:рассказ|стих\w*|песн\w+|письмо|сочинение|диалог|сцен\w+|монолог|речь))"
    r"(?!\w)",
    re.IGNORECASE,
)
_CONDITION: Final = re.compile(
    r"(?<!\w)(?:if\s+(?:only\s+)?(?:i|we|my|our|you|he|she|they|it|someone|somebody|a|an|the)|what\s+if|were\s+i|"
    r"had\s+i|as\s+if|as\s+though|i\s+wish|in\s+case|unless|provided\s+that|if\s+only|if\s+\w+\s+(?:had|were|was)|"
    r"(?:i|we)\s+would\s+(?!like|love|prefer|rather)|(?:i|we)['’]d\s+(?!like|love|prefer|rather|better|been)|"
    r"(?:i|we)\s+(?:could|might|may)\s+(?:be|have)|maybe\s+i|perhaps\s+i|"
    r"i\s+(?:dreamt|dreamed)|in\s+my\s+dream|"
    r"если|ежели|вот\s+бы|хорошо\s+бы|будь\s+я|был\w*\s+бы|бы|как\s+будто|словно|"
    r"(?:мне\s+)?приснил\w+|снил\w+|наверное,?\s+я|может,?\s+я|возможно,?\s+я)(?!\w)",
    re.IGNORECASE,
)
_WISH: Final = re.compile(
    r"(?<!\w)(?:хотел\w*|любил\w*|предпоч\w+)\s+бы(?!\w)|(?<!\w)бы\s+(?:хотел|предпоч)\w*", re.IGNORECASE
)
_JOKE: Final = re.compile(
    r"(?<!\w)(?:just\s+kidding|only\s+kidding|i['’]?m\s+kidding|joking|jk|шучу|это\s+шутка|шутка)(?!\w)", re.IGNORECASE
)
_ASKS: Final = re.compile(
    r"\?[)\]»”\"'’]*\s*$|^\W*(?:am|is|are|was|were|do|does|did|have|has|can|could|should|will|would|shall)\s+(?:i|my|we|our)"
    r"(?!\w)|^\W*(?:what|which|who|whose|when|where|why|how)\s+(?:is|are|was|were|do|does|did|many|much|old|am|have)(?!\w)"
    r"|(?<!\w)ли(?!\w)",
    re.IGNORECASE,
)
_QUOTED_LINE: Final = re.compile(r"^[ \t]*(?:>|&gt;).*$", re.MULTILINE)
_FORWARDED: Final = re.compile(
    r"^[ \t]*(?:-{2,}\s*)?(?:begin\s+forwarded\s+message|forwarded\s+(?:message|from)|original\s+message|переслан\w+|"
    r"исходное\s+сообщение|начало\s+переадресованного)\b.*\Z"
    r"|^[ \t]*(?:on\s.{4,80}\swrote|.{4,60}\s(?:пишет|написал\w*))\s*:\s*\n.*\Z",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_QUOTATION: Final = re.compile(r"«([^»]*)»|“([^”]*)”|„([^“”]*)[“”]|\"([^\"\n]*)\"|(?<!\w)‘([^’]*)’(?!\w)")
_LONG_QUOTATION: Final = 60
"""Characters from which on what stands in quotation marks is no name."""


def remove_foreign_text(text: str) -> str:
    """A message without what others wrote in it: quoted lines, forwarded messages, quotations."""
    text = _FORWARDED.sub(" ", _QUOTED_LINE.sub(" ", text))
    return _QUOTATION.sub(lambda match: " " if _is_foreign(match, text) else match[0], text)


def read_sentences(text: str) -> Iterator[FramedSentence]:
    """The sentences of a message, each with its frame; what others wrote in it is left out."""
    is_joke = _JOKE.search(text) is not None
    scene = is_joke
    for line in remove_foreign_text(text).splitlines():
        reported = False
        for sentence in split_sentences(line):
            scene = scene or _opens_scene(sentence)
            frame = frame_of(sentence)
            # What is said after a colon goes on to the end of the line.
            reported = reported or frame == "reported"
            if scene and frame != "question":
                frame = "supposed"
            elif reported and frame in ("own", "indirect"):
                frame = "reported"
            yield FramedSentence(sentence, frame)


def frame_of(sentence: str) -> Frame:
    """The frame of a sentence by itself."""
    if _is_reported(sentence):
        return "reported"
    if _ASKS.search(sentence):
        return "question"
    if _opens_scene(sentence) or (_CONDITION.search(sentence) and not _WISH.search(sentence)) or _JOKE.search(sentence):
        return "supposed"
    if _names_reporter(sentence):
        return "indirect"
    return "own"


def _opens_scene(sentence: str) -> bool:
    return _SCENE.search(sentence) is not None or _MATERIAL.search(sentence) is not None


def _is_reported(sentence: str) -> bool:
    """Whether somebody else's own words follow a colon, a comma or a dash: "my wife said: I…", "Anna: I…"."""
    if label := _LABEL.match(sentence):
        rest = sentence[label.end() :]
        name = label[1]
        if _names_reporter(name):
            return True
        if _FIRST_PERSON.search(rest) and not _OWN_LABELS.fullmatch(name) and not _FIRST_PERSON.search(name):
            return len(name.split()) <= 3
    if _SAYING.search(sentence):
        return True
    ends_with_report = _REPORT_AT_END.search(sentence) or _NOTHING_BUT_REPORTER.search(sentence)
    return ends_with_report is not None and not _WRITER_REPORTS.search(sentence)


def _names_reporter(text: str) -> bool:
    """Whether somebody but the writer is said to say something."""
    if _ACCORDING_TO.search(text):
        return True
    return _REPORT.search(text) is not None and _WRITER_REPORTS.search(text) is None


def _is_foreign(match: re.Match[str], text: str) -> bool:
    """Whether a quotation is somebody's words and not a name."""
    inner = next(group for group in match.groups() if group is not None)
    if len(inner) >= _LONG_QUOTATION or _FIRST_PERSON.search(inner):
        return True
    before = text[max(match.start() - 40, 0) : match.start()].rstrip()
    return before.endswith(":") and _names_reporter(before)
