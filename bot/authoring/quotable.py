"""Puts what is to be quoted into the library: what the base model could not learn, as it does not write its language.

In a mind with `policies.known_answers` these are all answers that the author has given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from bot.authoring.candidates import Candidate, Origin
from bot.authoring.outcome import Fate, Part
from bot.authoring.stages import write_atomically
from bot.minds.edit import ensure_collection
from bot.minds.schema import CollectionKind
from bot.text.language import detect_language
from bot.text.questions import leans_on_context

ANSWERS_FILE: Final = "library/answers/imported.md"
"""The author's answers, each below its question: only what the author says is quoted."""
POSTS_FILE: Final = "library/posts/imported.md"
"""What the author has written to nobody, such as the posts of a channel."""
_TITLES: Final = {"ru": ("Ответы", "Записи"), "en": ("Answers", "Posts")}
_MAX_HEADING: Final = 200
"""Characters of a question that stands above its answer."""


def write_quotable(mind_folder: Path, fates: Sequence[Fate], *, all_answers: bool = False) -> None:
    """Write the dialogues that are to be quoted, and have a collection take them; blocking.

    What comes from documents is left out: the library has the documents themselves.

    Args:
        all_answers: whether answers that are learnt are to be quoted too. Held-out ones are neither.
    """
    parts = (Part.LIBRARY, Part.TRAIN) if all_answers else (Part.LIBRARY,)
    kept = [
        fate.candidate
        for fate in fates
        if fate.reason is None and fate.part in parts and not _is_of_document(fate.candidate)
        if fate.part is Part.LIBRARY or fate.candidate.origin is not Origin.MONOLOGUE
    ]
    posts = [each for each in kept if each.origin is Origin.MONOLOGUE]
    answers = [each for each in kept if each.origin is not Origin.MONOLOGUE]
    for number, (file, some) in enumerate(((ANSWERS_FILE, answers), (POSTS_FILE, posts))):
        path = mind_folder / file
        if not some:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        languages = _languages(some)
        sections = _answers(some) if some is answers else ((each.first[:10], each.learnt) for each in some)
        title = _TITLES["ru" if "ru" in languages else "en"][number]
        write_atomically(path, [f"# {title}\n", *(f"\n## {heading}\n\n{text}\n" for heading, text in sections)])
        ensure_collection(mind_folder, path.parent.name, file, kind=CollectionKind.ARTICLE, languages=languages)


def _is_of_document(candidate: Candidate) -> bool:
    return candidate.origin is Origin.QUESTIONS or (candidate.origin is Origin.MONOLOGUE and not candidate.first)


def _languages(candidates: Sequence[Candidate]) -> list[str]:
    return sorted({detect_language(each.learnt) or "und" for each in candidates})


def _answers(candidates: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    """Each question and the author's answer to it.

    What is only read, and not the author's to say, is left out, and so is what follows up: “Why?” is no heading.
    """
    for candidate in candidates:
        for number, (asked, said) in enumerate(pairwise(candidate.turns)):
            if number and leans_on_context(asked.text):
                continue
            if asked.role == "user" and said.role == "assistant" and said.learn:
                line = " ".join(asked.text.split())
                yield line if len(line) <= _MAX_HEADING else f"{line[: _MAX_HEADING - 1]}…", said.text
