"""Patterns of module paths in `adapter_config.json`: looked up as PEFT does, refused where that could take for ever."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

MAX_PATTERNS = 4096
"""More than the modules of the largest models; trainers write one for each module that differs."""

_MAX_PATTERN_LENGTH = 200
_MAX_QUANTIFIERS = 3
_PATH_LENGTH = 64
"""About the length of a module's path: what a repetition may run over."""
_MAX_TRIES = 6_000_000
"""Tries that all patterns together may take for one path, in the worst case; some tenths of a second."""

_Number = TypeVar("_Number", int, float)

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_QUANTIFIER = re.compile(r"[*+?{]")
_CHOICE = re.compile(r"[*+?{(|]")
_UNBOUNDED = re.compile(r"\)[*+{]|\\[0-9gk]|\(\?(?!:)")


def find_pattern_problems(patterns: Sequence[str]) -> Iterator[str]:
    """What forbids to evaluate `patterns`, in words that go on “it uses …”."""
    if len(patterns) > MAX_PATTERNS:
        yield f"more than {MAX_PATTERNS} patterns"
        return
    for pattern in patterns:
        if not _is_bounded(pattern):
            yield f"a pattern that is not safe to evaluate ({pattern[:40]})"
            return
    if sum(map(_count_tries, patterns)) > _MAX_TRIES:
        yield "patterns with more choices in them than can be tried out"


def first_match(patterns: Mapping[str, _Number] | None, path: str, default: _Number) -> _Number:
    """The value of the first pattern that matches the end of `path`, as PEFT looks it up."""
    for pattern, value in (patterns or {}).items():
        if _compile(pattern).match(path):
            return value
    return default


def _is_bounded(pattern: str) -> bool:
    """Whether matching takes a bounded number of tries: nothing repeats a group, and little repeats at all."""
    if len(pattern) > _MAX_PATTERN_LENGTH or _UNBOUNDED.search(pattern):
        return False
    if len(_QUANTIFIER.findall(_simplify(pattern))) > _MAX_QUANTIFIERS:
        return False
    try:
        _compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _count_tries(pattern: str) -> int:
    """An upper bound of the tries one path takes.

    Repetitions share the path out among each other, and every alternative of a group may be tried at each place.
    """
    plain = _simplify(pattern)
    if not _CHOICE.search(plain):
        return 1
    repetitions = len(_QUANTIFIER.findall(plain))
    alternatives = math.prod(group.count("|") + 1 for group in plain.split("("))
    return math.comb(_PATH_LENGTH + repetitions, repetitions + 1) * alternatives


def _simplify(pattern: str) -> str:
    """The pattern without escaped characters, with `(?:` as a plain group, and `(…)?` as a group or nothing."""
    return _ESCAPED.sub("_", pattern).replace("(?:", "(").replace(")?", "|)")


@lru_cache(maxsize=MAX_PATTERNS)
def _compile(pattern: str) -> re.Pattern[str]:
    """The pattern as PEFT looks for it: at the end of a module's path, from a dot on."""
    return re.compile(rf"(.*\.)?({pattern})$")
