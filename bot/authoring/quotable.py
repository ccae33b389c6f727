"""Puts what the base model could not learn, because it does not write its language, into the library to be quoted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bot.authoring.candidates import Candidate, Origin
from bot.authoring.outcome import Fate, Part
from bot.authoring.stages import write_atomically
from bot.minds.edit import ensure_collection
from bot.minds.schema import CollectionKind
from bot.text.language import detect_language

DIALOGUES_FILE: Final = "library/dialogues/imported.jsonl"
"""Questions with the author's answers."""
POSTS_FILE: Final = "library/posts/imported.md"
"""What the author has written to nobody, such as the posts of a channel."""


def write_quotable(mind_folder: Path, fates: Sequence[Fate]) -> None:
    """Write the dialogues that are to be quoted, and have a collection take them; blocking.

    What comes from documents is left out: the library has the documents themselves.
    """
    kept = [
        fate.candidate
        for fate in fates
        if fate.reason is None and fate.part is Part.LIBRARY and not _is_of_document(fate.candidate)
    ]
    posts = [each for each in kept if each.origin is Origin.MONOLOGUE]
    answers = [each for each in kept if each.origin is not Origin.MONOLOGUE]
    for file, kind, some, lines in (
        (DIALOGUES_FILE, CollectionKind.DIALOGUE, answers, _dialogue_lines(answers)),
        (POSTS_FILE, CollectionKind.ARTICLE, posts, _post_lines(posts)),
    ):
        path = mind_folder / file
        if not some:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lines)
        ensure_collection(mind_folder, path.parent.name, file, kind=kind, languages=_languages(some))


def _is_of_document(candidate: Candidate) -> bool:
    return candidate.origin is Origin.QUESTIONS or (candidate.origin is Origin.MONOLOGUE and not candidate.first)


def _languages(candidates: Sequence[Candidate]) -> list[str]:
    return sorted({detect_language(each.learnt) or "und" for each in candidates})


def _dialogue_lines(candidates: Sequence[Candidate]) -> Iterator[str]:
    for each in candidates:
        messages = [{"role": turn.role, "content": turn.text} | _unlearnt(turn.learn) for turn in each.turns]
        yield json.dumps({"messages": messages}, ensure_ascii=False) + "\n"


def _unlearnt(learn: bool) -> dict[str, int]:
    return {} if learn else {"weight": 0}


def _post_lines(candidates: Sequence[Candidate]) -> Iterator[str]:
    yield "# Posts\n"
    for each in candidates:
        yield f"\n## {each.first[:10]}\n\n{each.learnt}\n"
