"""Rows have one digest in any order and cut into any pieces, and another as soon as one of them is another."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from db.backup.row_digest import RowDigest

ROWS = st.lists(st.binary(max_size=20).filter(lambda row: b"\n" not in row), max_size=8)


def digest(rows: list[bytes], chance: random.Random | None = None) -> tuple[int, int, bytes]:
    made = RowDigest()
    data = b"".join(row + b"\n" for row in rows)
    while data:
        size = len(data) if chance is None else chance.randint(1, len(data))
        made.feed(data[:size])
        data = data[size:]
    return made.value


@given(ROWS, st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_pieces_matter(rows: list[bytes], chance: random.Random) -> None:
    assert digest(chance.sample(rows, len(rows)), chance) == digest(rows)


@given(ROWS, ROWS)
def test_other_rows_have_another_digest(some: list[bytes], others: list[bytes]) -> None:
    assert (digest(some) == digest(others)) == (sorted(some) == sorted(others))


def test_a_row_without_its_end_counts() -> None:
    whole, cut = RowDigest(), RowDigest()
    whole.feed(b"a\nb\n")
    cut.feed(b"a\nb")
    assert whole.value != cut.value
