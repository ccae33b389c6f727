"""Russian words in Latin letters, in a coarse spelling in which «Соколова» and "Sokolova" are one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_LETTERS: Final = str.maketrans(
    {
        **dict(zip("абвгдезийклмнопрстуфы", "abvgdeziiklmnoprstufi", strict=True)),
        "ё": "e", "ж": "zh", "х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": "", "э": "e",
        "ю": "iu", "я": "ia",
    }
)  # fmt: skip
_COARSE: Final = (
    (re.compile(r"shch|sch"), "sh"),
    (re.compile(r"kh"), "h"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"th"), "t"),
    (re.compile(r"ck|q|c(?![eihy])"), "k"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"w"), "v"),
    (re.compile(r"[yj]"), "i"),
    (re.compile(r"(.)\1+"), r"\1"),
)
LOOKALIKES: Final = str.maketrans("авекмнорстух", "abekmhopctyx")
"""Small Russian letters that look like Latin ones, as on number plates."""


@lru_cache(65536)
def latin_key(word: str) -> str:
    """A word of either script in coarse Latin spelling.

    Args:
        word: folded.
    """
    word = word.translate(_LETTERS)
    for pattern, replacement in _COARSE:
        word = pattern.sub(replacement, word)
    return word
