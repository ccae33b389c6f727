"""Neutral texts: short paragraphs about ferries, buttons and limestone, written for measuring drift."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "neutral"


def neutral_texts(languages: Iterable[str]) -> list[str]:
    """The paragraphs in these languages, thirty in each of English and Russian; English if there are none. Blocking.

    Args:
        languages: those that a base model writes, as ISO 639 codes.
    """
    files = [FOLDER / f"{language}.txt" for language in dict.fromkeys(languages)]
    found = [file for file in files if file.is_file()] or [FOLDER / "en.txt"]
    return [text for file in found for text in file.read_text("utf-8").strip().split("\n\n")]
