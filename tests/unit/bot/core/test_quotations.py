"""Quotations as they are stored with a turn."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.core.i18n import Translator
from bot.core.media import MEDIA_KINDS, describe_unread
from bot.core.quotations import (
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Quotation,
    quotations_from_json,
    quotations_to_json,
)


@given(st.text(max_size=300), st.text(max_size=200), st.sampled_from(["reply", "forward"]))
def test_quotations_survive_json(text: str, author: str, kind: str) -> None:
    quotation = Quotation.clean(kind, text, author=author, date="2026-05-01", is_excerpt=True)  # type: ignore[arg-type]
    assert len(quotation.author) <= MAX_NAME_CHARACTERS
    assert "\0" not in quotation.text
    assert quotations_from_json(json.loads(json.dumps(quotations_to_json([quotation])))) == (quotation,)


def test_turns_of_other_releases_are_read() -> None:
    assert quotations_from_json(None) == ()
    assert quotations_to_json([]) is None
    stored = [{"kind": "reply", "text": "a", "added_later": 1}]
    assert quotations_from_json(stored) == (Quotation("reply", "a"),)
    assert len(Quotation.clean("reply", "x" * 99_999).text) == MAX_TEXT_CHARACTERS


def test_each_kind_of_unread_content_is_named_once() -> None:
    say = Translator("en")
    assert describe_unread([], say) == ""
    assert describe_unread(["picture", "picture", "recording"], say).count(":") == 2
    assert describe_unread(["hologram"], say) == describe_unread(["other"], say)
    assert all(describe_unread([kind], Translator("ru")) != describe_unread([kind], say) for kind in MEDIA_KINDS)
