"""Server-sent events, as far as a stream of answers uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator


async def parse_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The `data` of each event. Comments and other fields are left out, and so is an event without an end.

    Lines are cut at CR, LF or both, and at nothing else: the text inside may well hold U+2028.
    """
    data: list[bytes] = []
    async for line in _lines(chunks):
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
        elif data:
            yield b"\n".join(data).decode("utf-8")
            data.clear()


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        text = rest + chunk
        # A CR at the very end may be the first half of a line's end.
        held = b"\r" if text.endswith(b"\r") else b""
        *lines, rest = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest += held
        for line in lines:
            yield line
    if rest.endswith(b"\r"):
        yield rest[:-1]
