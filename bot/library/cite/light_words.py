"""Words that say little or nothing in a statement, and those among them that decide. Russian and English, folded."""

from __future__ import annotations

from typing import Final

from bot.text.words import stem, word_set

PRONOUNS: Final = word_set("""
    it he she they this that these those there his her its their him them one some others он она оно они это этот
    эта эти тот та те там его ее их ему ей им ней нем них такой такая такое
""")
DETERMINERS: Final = word_set("the a an this that these those his her its their my our your")
LIGHT_VERBS: Final = word_set("""
    become becomes became get gets got getting gotten stay stays stayed staying remain remains remained equal equals
    amount amounts amounting constitute constitutes located situated let lets there's s t re ve ll d m just quite
    rather then else yet still even ever another other others upon per via etc well like made makes make go
    goes going went gone do does did doing done put puts putting got take takes took taken taking
""")
DECIDING: Final = word_set("more less fewer up down больше меньше более менее раньше ранее позже позднее")
"""Stop words that decide between two statements."""
OPTIONAL: Final = word_set("up down")
"""Of these, those that often only belong to a verb."""
EMPTY_LEMMAS: Final = frozenset(map(stem, ("time", "period", "amount", "total", "fact", "case"))) | word_set(
    "время период количество факт случай процесс"
)
"""Nouns that say next to nothing: for a period of three weeks."""
LIGHT_LEMMAS: Final = word_set("""
    быть являться составлять составить становиться стать иметь иметься находиться оставаться остаться равный равно
    равняться представлять происходить осуществляться друг также около примерно затем потом уже еще ещё лишь бы
""")
