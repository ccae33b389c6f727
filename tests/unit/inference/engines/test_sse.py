"""Server-sent events out of bytes, wherever the network cuts them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.remote.streaming import parse_events


async def received(*chunks: bytes) -> list[str]:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [event async for event in parse_events(arriving())]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_each_event_ends_with_an_empty_line(end: bytes) -> None:
    stream = b'data: {"a": 1}' + end + end + b"data: [DONE]" + end + end
    assert await received(stream) == ['{"a": 1}', "[DONE]"]


async def test_comments_and_other_fields_are_left_out() -> None:
    assert await received(b": ping\n\nevent: x\nid: 7\ndata:bare\nretry: 5\n\n") == ["bare"]


async def test_lines_of_data_are_joined() -> None:
    assert await received(b"data: one\ndata: two\n\n") == ["one\ntwo"]


async def test_an_event_without_its_end_is_no_event() -> None:
    assert await received(b"data: whole\n\ndata: half\n") == ["whole"]


@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=5),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(min_value=0, max_value=400), max_size=12),
)
async def test_where_the_stream_is_cut_does_not_matter(texts: list[str], end: str, cuts: list[int]) -> None:
    stream = "".join(f"data: {text}{end}{end}" for text in texts).encode()
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert await received(*pieces) == texts
