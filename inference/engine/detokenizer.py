"""Text from tokens as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_REPLACEMENT_CHARACTER = "\N{REPLACEMENT CHARACTER}"


class Detokenizer:
    """Decodes one answer piece by piece.

    A character may be spread over several tokens, and some decoders look at the token before (a word's leading
    space). So a piece is what the newest tokens add to the text of those before them, and it is held back while it
    ends in half a character. The pieces joined are `decode` of all tokens.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0
        """Where the tokens begin that the next piece is decoded with."""
        self._emitted = 0
        """Where the tokens begin whose text has not been given."""
        self._pieces: list[str] = []

    def push(self, token: int) -> str:
        """The text that has become certain with this token; often empty."""
        self._ids.append(token)
        before = self._decode(self._ids[self._context : self._emitted])
        after = self._decode(self._ids[self._context :])
        if after.endswith(_REPLACEMENT_CHARACTER) or not after.startswith(before):
            return ""
        self._context, self._emitted = self._emitted, len(self._ids)
        self._pieces.append(after[len(before) :])
        return self._pieces[-1]

    def finish(self) -> str:
        """What is left when no token will follow; half a character comes out as U+FFFD."""
        given = "".join(self._pieces)
        return self._decode(self._ids).removeprefix(given)
