"""The language that a message is answered in."""

from __future__ import annotations

import pytest

from bot.core.conversation import detect_message_language
from bot.core.i18n import Language
from bot.core.messages import Incoming


@pytest.mark.parametrize(
    ("text", "client_language", "detected"),
    [
        ("Как спать?", "en", "ru"),
        ("How do I sleep?", "ru", "en"),
        ("/consilium Сколько спит новобранец?", "en", "ru"),
        ("/consilium How long does a recruit sleep?", "ru", "en"),
        ("/remember Живу в Омске", "en", "ru"),
        ("/mode sport+core", "ru", "ru"),
        ("/consilium on", "ru", "ru"),
        ("/forget me yes", "ru", "ru"),
        ("/help", "en", "en"),
    ],
)
def test_language_of_words_or_of_the_client(text: str, client_language: Language, detected: Language) -> None:
    assert detect_message_language(Incoming("telegram", "7", "7", text, client_language)) == detected
