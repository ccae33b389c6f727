import pytest

from bot.core.i18n import system_language


@pytest.mark.parametrize(("lang", "language"), [("ru_RU.UTF-8", "ru"), ("C.UTF-8", "en"), ("de_DE.UTF-8", "en")])
def test_the_systems_language_is_spoken_if_it_is_known(
    monkeypatch: pytest.MonkeyPatch, lang: str, language: str
) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", lang)
    assert system_language() == language
