"""In which language a message is answered."""

from __future__ import annotations

import pytest

from bot.core.conversation import detect_message_language
from bot.core.i18n import Language
from bot.core.messages import Incoming


@pytest.mark.parametrize(
    ("text", "of_client", "heard"),
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
def test_the_words_tell_it_and_of_bare_commands_the_client(text: str, of_client: Language, heard: Language) -> None:
    assert detect_message_language(Incoming("telegram", "7", "7", text, of_client)) == heard
