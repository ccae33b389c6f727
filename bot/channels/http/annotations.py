"""Citations as OpenAI's annotations: which characters of an answer stand for which passage of the library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from bot.channels.http.response_models import Citation, UrlCitation
from bot.channels.http.responses_objects import FileCitation
from bot.core.messages import Outcome, Source

_MARK: Final = re.compile(r"\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class CitedPlace:
    """A mark in an answer."""

    start: int
    """Characters (Unicode code points) before the mark."""
    end: int
    source: Source

    @property
    def address(self) -> str:
        """A name for the passage: the library has no pages that a browser could open."""
        return f"library:{quote(self.source.title, safe='')}#{quote(self.source.where, safe='')}"


def cited_places(outcome: Outcome) -> list[CitedPlace]:
    """The marks in an answer, in their order. Numbers in brackets that stand for no passage are text."""
    sources = {source.n: source for source in outcome.sources}
    return [
        CitedPlace(mark.start(), mark.end(), sources[int(mark[1])])
        for mark in _MARK.finditer(outcome.answer)
        if int(mark[1]) in sources
    ]


def chat_annotations(outcome: Outcome) -> list[UrlCitation]:
    """Annotations of a chat completion, which has them for addresses alone."""
    return [
        UrlCitation(
            url_citation=Citation(
                start_index=place.start,
                end_index=place.end,
                title=_title(place.source),
                url=place.address,
            )
        )
        for place in cited_places(outcome)
    ]


def response_annotations(outcome: Outcome) -> list[FileCitation]:
    """Annotations of a response."""
    return [
        FileCitation(
            file_id=place.address,
            filename=place.source.title,
            index=place.start,
            start_index=place.start,
            end_index=place.end,
            quote=place.source.quote,
        )
        for place in cited_places(outcome)
    ]


def sources_text(sources: Sequence[Source]) -> str:
    """The sources as lines below an answer, for clients that show nothing but text; nothing if there are none."""
    if not sources:
        return ""
    return "\n\n" + "\n".join(f"[{source.n}] {_title(source)}" for source in sources)


def _title(source: Source) -> str:
    return ", ".join(part for part in (source.title, source.where) if part)
