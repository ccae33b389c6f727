"""Makes dialogues of a chat's messages: by reply links first, then by time, with each other person apart.

A dialogue is the author and one other person. What a person has written waits for the author: an answer that replies
to one of the messages takes what waited up to it; an answer without a link takes what waited of the person who wrote
last in the same topic, if that was not long ago. So each message is in one dialogue at most, and of every other one the
reason is told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.authoring.candidates import Candidate, Origin, Turn, candidate_id
from bot.authoring.monologues import MIN_WORDS, split_title
from bot.authoring.reasons import Reason
from bot.authoring.speakers import speaker_key
from bot.library.parse.chats import ConversationKind, Message

OCCASION_GAP: Final = timedelta(hours=3)
"""Silence after which a dialogue is another one."""
_ANSWER_GAPS: Final = {ConversationKind.GROUP: timedelta(minutes=10), ConversationKind.UNKNOWN: timedelta(minutes=10)}
_ANSWER_GAP: Final = timedelta(hours=24)
"""How long after a message an answer without a link may come: between two people it may take a night, and where many
write, what comes later is seldom an answer."""
_MAX_TURNS: Final = 12
_MIN_TOPIC: Final = 3
"""Messages that reply to the same one that is not there: the export names a topic so."""
_MONOLOGUES: Final = (ConversationKind.CHANNEL, ConversationKind.SAVED)


@dataclass(frozen=True, slots=True)
class ChatHead:
    """What is known of a chat beside its messages."""

    key: str
    """Unique among the chats of an import."""
    kind: ConversationKind
    source: str
    """Name of its file."""


@dataclass(frozen=True, slots=True)
class Stitched:
    """What a chat's messages have become."""

    candidates: list[Candidate]
    dropped: Counter[Reason]
    """Messages that are in no dialogue."""


@dataclass(slots=True)
class _Dialogue:
    """A dialogue that may go on, as the messages of its turns."""

    partner: str
    turns: list[list[Message]] = field(default_factory=list)
    quoted: int = 0
    """Messages that another dialogue holds already, and that are counted there."""

    @property
    def messages(self) -> Iterator[Message]:
        return (message for turn in self.turns for message in turn)


def stitch(
    head: ChatHead,
    messages: Sequence[Message],
    is_author: Callable[[Message], bool],
    hash_of: Callable[[str], str],
) -> Stitched:
    """The dialogues of a chat.

    Args:
        messages: in the order of the export.
        hash_of: what stands for the key of a speaker beside a dialogue.
    """
    if head.kind is ConversationKind.BOT:
        return Stitched([], Counter({Reason.FROM_BOT: len(messages)}) if messages else Counter())
    spoken: list[Message] = []
    dropped: Counter[Reason] = Counter()
    for message in messages:
        if reason := _why_not(message):
            dropped[reason] += 1
        else:
            spoken.append(message)
    if head.kind in _MONOLOGUES:
        own = [message for message in spoken if is_author(message)]
        dropped[Reason.UNANSWERED] += len(spoken) - len(own)
        return Stitched([_monologue(head, [message]) for message in own], +dropped)
    return _Stitcher(head, is_author, hash_of, dropped).run(spoken)


class _Stitcher:
    def __init__(
        self,
        head: ChatHead,
        is_author: Callable[[Message], bool],
        hash_of: Callable[[str], str],
        dropped: Counter[Reason],
    ) -> None:
        self._head = head
        self._is_author = is_author
        self._hash_of = hash_of
        self._dropped = dropped
        self._answer_gap = _ANSWER_GAPS.get(head.kind, _ANSWER_GAP)
        self._dialogues: list[_Dialogue] = []
        self._monologues: list[list[Message]] = []
        self._waiting: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        """What a person has written in a topic and the author has not answered yet, by person and topic."""
        self._held_by: dict[str, _Dialogue] = {}
        """By the id of a message."""
        self._latest: dict[tuple[str, str], _Dialogue] = {}
        """By topic and partner."""

    def run(self, messages: Sequence[Message]) -> Stitched:
        by_id = {message.id: message for message in messages if message.id}
        topics = _topics(messages, by_id)
        last: dict[str, Message] = {}
        for message, topic in zip(messages, topics, strict=True):
            if self._is_author(message):
                target = by_id.get(message.reply_to)
                if target is not None:
                    is_placed = self._answer_to(message, target, topic)
                else:
                    is_placed = self._answer_in_time(message, last.get(topic), topic)
                if not is_placed:
                    self._speak_alone(message, last.get(topic))
            else:
                self._waiting[speaker_key(message), topic].append(message)
            last[topic] = message
        self._dropped[Reason.UNANSWERED] += sum(map(len, self._waiting.values()))
        candidates = [_candidate(self._head, dialogue, self._hash_of) for dialogue in self._dialogues]
        for run in self._monologues:
            if sum(len(message.text.split()) for message in run) >= MIN_WORDS:
                candidates.append(_monologue(self._head, run))
            else:
                self._dropped[Reason.UNPROMPTED] += len(run)
        return Stitched(candidates, +self._dropped)

    def _answer_to(self, message: Message, target: Message, topic: str) -> bool:
        """Place an answer that replies to a message."""
        if self._is_author(target):
            return self._go_on(message, target)
        partner = speaker_key(target)
        waiting = self._waiting[partner, topic]
        place = next((index for index, each in enumerate(waiting) if each is target), None)
        if place is None:
            return self._go_on(message, target) or self._answer_again(message, target)
        self._add(message, self._take(waiting, place + 1), partner, topic)
        return True

    def _answer_in_time(self, message: Message, last: Message | None, topic: str) -> bool:
        """Place an answer without a link, by what was said before it."""
        if last is None:
            return False
        if self._is_author(last):
            return _gap(last, message) <= OCCASION_GAP and self._go_on(message, last)
        if _gap(last, message) > self._answer_gap:
            return False
        partner = speaker_key(last)
        waiting = self._waiting[partner, topic]
        if not waiting or waiting[-1] is not last:
            return False
        self._add(message, self._take(waiting, len(waiting)), partner, topic)
        return True

    def _take(self, waiting: list[Message], end: int) -> list[Message]:
        """Take the message before `end` out of those that wait, with those before it that were sent close together."""
        start = end - 1
        while start and _gap(waiting[start - 1], waiting[start]) <= min(self._answer_gap, OCCASION_GAP):
            start -= 1
        taken = waiting[start:end]
        del waiting[start:end]
        return taken

    def _go_on(self, message: Message, before: Message) -> bool:
        """Add to the author's turn at the end of a dialogue, if that is where a message before this one stands."""
        dialogue = self._held_by.get(before.id) if before.id else self._dialogue_that_ends_with(before)
        if dialogue is None:
            return False
        question, answer = dialogue.turns[-2:]
        if not any(each is before for each in (*question, *answer)) or _gap(answer[-1], message) > OCCASION_GAP:
            return False
        answer.append(message)
        self._remember(message, dialogue)
        return True

    def _dialogue_that_ends_with(self, message: Message) -> _Dialogue | None:
        return next((each for each in reversed(self._dialogues) if each.turns[-1][-1] is message), None)

    def _answer_again(self, message: Message, target: Message) -> bool:
        """A further answer to what was answered before: a dialogue of its own with the same question."""
        if target.id not in self._held_by:
            return False
        dialogue = _Dialogue(speaker_key(target), [[target], [message]], quoted=1)
        self._dialogues.append(dialogue)
        self._remember(message, dialogue)
        return True

    def _add(self, message: Message, question: list[Message], partner: str, topic: str) -> None:
        dialogue = self._latest.get((topic, partner))
        if (
            dialogue is None
            or len(dialogue.turns) >= _MAX_TURNS
            or _gap(dialogue.turns[-1][-1], question[0]) > OCCASION_GAP
            or _gap(question[0], dialogue.turns[-1][-1]) > timedelta()
        ):
            dialogue = _Dialogue(partner)
            self._dialogues.append(dialogue)
            self._latest[topic, partner] = dialogue
        dialogue.turns += [question, [message]]
        for each in (*question, message):
            self._remember(each, dialogue)

    def _remember(self, message: Message, dialogue: _Dialogue) -> None:
        if message.id:
            self._held_by[message.id] = dialogue

    def _speak_alone(self, message: Message, last: Message | None) -> None:
        is_same_run = (
            last is not None
            and bool(self._monologues)
            and self._monologues[-1][-1] is last
            and _gap(last, message) <= self._answer_gap
        )
        if is_same_run:
            self._monologues[-1].append(message)
        else:
            self._monologues.append([message])


def _why_not(message: Message) -> Reason | None:
    # A channel's post that Telegram shows in the group of its comments is forwarded from the channel by itself.
    is_own_post = message.forwarded_from is not None and message.forwarded_from == message.speaker
    if message.forwarded_from is not None and not is_own_post:
        return Reason.FORWARDED
    return None if any(sign.isalnum() for sign in message.text) else Reason.WORDLESS


def _topics(messages: Sequence[Message], by_id: dict[str, Message]) -> list[str]:
    """The topic of each message: what messages that are not there have in common that reply to them."""
    absent = Counter(message.reply_to for message in messages if message.reply_to and message.reply_to not in by_id)
    named = {id_ for id_, count in absent.items() if count >= _MIN_TOPIC}
    found: dict[str, str] = {}
    topics = []
    for message in messages:
        topic = message.reply_to if message.reply_to in named else found.get(message.reply_to, "")
        if message.id:
            found[message.id] = topic
        topics.append(topic)
    return topics


def _gap(earlier: Message, later: Message) -> timedelta:
    # Without the zone: an export may state it for some messages only, and such times cannot be compared.
    return later.time.replace(tzinfo=None) - earlier.time.replace(tzinfo=None)


def _candidate(head: ChatHead, dialogue: _Dialogue, hash_of: Callable[[str], str]) -> Candidate:
    turns = [
        Turn("assistant" if index % 2 else "user", _joined(messages)) for index, messages in enumerate(dialogue.turns)
    ]
    messages = list(dialogue.messages)
    # A dialogue is told from others by an answer: a question may be in several.
    return Candidate(
        id=_id(head, dialogue.turns[1][0]),
        origin=Origin.CHAT,
        source=head.source,
        conversation=head.key,
        turns=tuple(turns),
        first=_earliest(messages).isoformat(),
        last=_latest(messages).isoformat(),
        pieces=len(messages) - dialogue.quoted,
        speakers=(hash_of(dialogue.partner),),
    )


def _monologue(head: ChatHead, messages: Sequence[Message]) -> Candidate:
    title, text = split_title(_joined(messages))
    return Candidate(
        id=_id(head, messages[0]),
        origin=Origin.MONOLOGUE,
        source=head.source,
        conversation=head.key,
        turns=(Turn("user", title), Turn("assistant", text)),
        first=_earliest(messages).isoformat(),
        last=_latest(messages).isoformat(),
        pieces=len(messages),
    )


def _id(head: ChatHead, message: Message) -> str:
    return candidate_id(head.key, message.id, message.time.isoformat(), message.text)


def _joined(messages: Iterable[Message]) -> str:
    return "\n".join(message.text for message in messages)


def _earliest(messages: Iterable[Message]) -> datetime:
    return min((message.time for message in messages), key=lambda time: time.replace(tzinfo=None))


def _latest(messages: Iterable[Message]) -> datetime:
    return max((message.time for message in messages), key=lambda time: time.replace(tzinfo=None))
