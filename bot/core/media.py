"""Kinds of messages without text that can be read, and what a person is told about them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, cast, get_args

from bot.core.i18n import Translator
from consilium.errors import N_

MediaKind = Literal["picture", "recording", "video", "sticker", "file", "other"]
"""`recording`: voice messages and music; `file`: a document sent in the name of a chat; `other`: polls, places, …"""
MEDIA_KINDS: Final = cast(tuple[MediaKind, ...], get_args(MediaKind))
_NOTICES: Final[dict[MediaKind, str]] = {
    "picture": N_("I cannot look at pictures: tell me in words what they show."),
    "recording": N_("I cannot listen to recordings: write to me instead."),
    "video": N_("I cannot watch videos: tell me in words what they show."),
    "sticker": N_("I cannot look at stickers: write to me instead."),
    "file": N_("I read documents only from people, not from a channel or an anonymous admin."),
    "other": N_("I can read text and documents, but not this kind of message."),
}


def describe_unread(kinds: Collection[str], say: Translator) -> str:
    """What is said about the parts of a message that cannot be read: one sentence for each kind; empty for none.

    Kinds of a newer release, which this one does not know, count as `other`.
    """
    known = {kind if kind in MEDIA_KINDS else "other" for kind in kinds}
    return " ".join(say(_NOTICES[kind]) for kind in MEDIA_KINDS if kind in known)
