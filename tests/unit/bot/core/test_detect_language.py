import pytest

from bot.core.i18n import detect_language, system_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Привет", "ru"),
        ("Hello", "en"),
        ("режим sport", "ru"),
        ("use спорт mode now", "en"),
        ("123 !", None),
        ("", None),
    ],
)
def test_language_of_most_letters_wins(text: str, language: str | None) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(("lang", "language"), [("ru_RU.UTF-8", "ru"), ("C.UTF-8", "en"), ("de_DE.UTF-8", "en")])
def test_system_language_falls_back_on_english(monkeypatch: pytest.MonkeyPatch, lang: str, language: str) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", lang)
    assert system_language() == language
