"""Why something of an export is not learnt. Everything that is read is either kept or has one of these reasons."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from consilium.errors import N_


class Reason(StrEnum):
    """Why a message or a dialogue is left out."""

    UNREADABLE = "unreadable"
    WORDLESS = "wordless"
    FORWARDED = "forwarded"
    FROM_BOT = "from_bot"
    UNANSWERED = "unanswered"
    UNPROMPTED = "unprompted"
    OTHERS_WORDS = "others_words"
    NOTHING_LEARNT = "nothing_learnt"
    PLEASANTRY = "pleasantry"
    SPAM = "spam"
    REPEATED = "repeated"
    LANGUAGE = "language"
    SHORT = "short"
    PRIVATE = "private"
    LEAK = "leak"
    REVIEW = "review"
    FORGOTTEN = "forgotten"


REASON_TEXTS: Final[Mapping[Reason, str]] = {
    Reason.UNREADABLE: N_("cannot be read"),
    Reason.WORDLESS: N_("no words: stickers, voice, pictures without a caption"),
    Reason.FORWARDED: N_("forwarded from elsewhere"),
    Reason.FROM_BOT: N_("chats with bots"),
    Reason.UNANSWERED: N_("words of others that the author did not answer"),
    Reason.UNPROMPTED: N_("short words of the author that answer nobody"),
    Reason.OTHERS_WORDS: N_("answers to others, whose words may not be used without --others-words"),
    Reason.NOTHING_LEARNT: N_("no answer to learn"),
    Reason.PLEASANTRY: N_("greetings, thanks and the like only"),
    Reason.SPAM: N_("advertising, links without words"),
    Reason.REPEATED: N_("nearly the same as another one"),
    Reason.LANGUAGE: N_("in a language that the mind does not speak"),
    Reason.SHORT: N_("too short"),
    Reason.PRIVATE: N_("too much personal data"),
    Reason.LEAK: N_("held out, but said in a dialogue to train on too"),
    Reason.REVIEW: N_("dropped in the review"),
    Reason.FORGOTTEN: N_("words of people who have had them deleted"),
}
"""What a report says of each."""
