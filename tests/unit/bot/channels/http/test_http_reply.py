"""Streams: comments while nothing comes, and how a failure is told before and after the first byte."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.types import Message

from bot.channels.http import reply as reply_module
from bot.channels.http.completion_objects import Completion
from bot.channels.http.reply import Exchange, StreamingReply
from bot.channels.http.response_models import ChatCompletionChunk
from bot.core.background import run_in_background
from bot.core.errors import GenerationTooSlow
from bot.core.i18n import Translator
from bot.core.messages import Outcome, Source

OUTCOME = Outcome("core", "Rest.", turn="t", usage={"prompt_tokens": 3, "completion_tokens": 1}, finish_reason="stop",
                  sources=[Source(1, "Sleep", "§ 1", "Rest well.")])  # fmt: skip
FAILED = Outcome("core", error="It took too long.", exception=GenerationTooSlow(3))


class Stream:
    """A streaming reply, and what it has sent."""

    def __init__(self, *, with_usage: bool = False) -> None:
        self.status = 0
        self.body = b""
        self.has_ended = False

        async def receive() -> Message:
            raise AssertionError("a reply reads nothing")

        scope = {"type": "http", "method": "POST", "headers": []}
        answer_format = Completion("t", 1, with_usage=with_usage)
        self.reply = StreamingReply(
            Exchange(scope=scope, receive=receive, send=self._send, answer_format=answer_format, say=Translator("en"))
        )

    async def _send(self, message: Message) -> None:
        await asyncio.sleep(0)  # as while a client reads slowly
        assert not self.has_ended
        if message["type"] == "http.response.start":
            assert not self.status
            self.status = message["status"]
        else:
            assert self.status
            self.body += message["body"]
            self.has_ended = not message.get("more_body", False)

    @property
    def parts(self) -> list[str]:
        """Events and comments."""
        assert self.body.endswith(b"\n\n")
        return self.body.decode().split("\n\n")[:-1]

    @property
    def chunks(self) -> list[ChatCompletionChunk]:
        events = [part.removeprefix("data: ") for part in self.parts if part.startswith("data: ")]
        assert events[-1] == "[DONE]"
        return [ChatCompletionChunk.model_validate_json(event, strict=True) for event in events[:-1]]


@pytest.mark.parametrize("with_usage", [False, True])
async def test_chunks_are_those_of_the_document(with_usage: bool) -> None:
    stream = Stream(with_usage=with_usage)
    await stream.reply.start("core")
    await stream.reply.write_thought("Hm.")
    await stream.reply.write("Rest")
    await stream.reply.write(".")
    await stream.reply.finish(OUTCOME)
    deltas = [chunk.choices[0].delta for chunk in stream.chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert deltas[1].reasoning_content == "Hm."
    assert "".join(delta.content or "" for delta in deltas) == "Rest."
    assert [chunk.consilium is not None for chunk in stream.chunks if chunk.choices] == [False] * 4 + [True]
    assert (stream.chunks[-1].usage is not None) == with_usage


async def test_a_silent_stream_gets_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_module, "HEARTBEAT_SECONDS", 0.02)
    stream = Stream()

    async def until_comments(number: int) -> None:
        async with asyncio.timeout(30):
            while stream.body.count(b": still here") < number:  # noqa: ASYNC110  # no event tells of a comment
                await asyncio.sleep(0.01)

    async with run_in_background(stream.reply.keep_alive(), "test"):
        await until_comments(2)
        assert stream.status == 200
        before = stream.body.count(b": still here")
        await stream.reply.start("core")
        await asyncio.gather(*(stream.reply.write(str(number)) for number in range(10)))
        await until_comments(before + 1)
        await stream.reply.finish(OUTCOME)
        await asyncio.sleep(0.05)
    assert {part for part in stream.parts if not part.startswith("data: ")} == {": still here"}
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream.chunks) == "0123456789"


async def test_a_stream_that_speaks_gets_no_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_module, "HEARTBEAT_SECONDS", 30)
    stream = Stream()
    async with run_in_background(stream.reply.keep_alive(), "test"):
        await stream.reply.write("a")
        await stream.reply.finish(OUTCOME)
    assert not [part for part in stream.parts if part.startswith(":")]


async def test_a_failure_before_the_first_byte_has_a_status() -> None:
    stream = Stream()
    await stream.reply.finish(FAILED)
    assert stream.status == 504
    assert json.loads(stream.body)["error"]["code"] == "timeout"


async def test_a_failure_after_a_comment_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_module, "HEARTBEAT_SECONDS", 0.01)
    stream = Stream()
    async with run_in_background(stream.reply.keep_alive(), "test"):
        await asyncio.sleep(0.05)
        await stream.reply.finish(FAILED)
    events = [part.removeprefix("data: ") for part in stream.parts if part.startswith("data: ")]
    assert json.loads(events[0])["error"]["code"] == "timeout"
    assert events[1:] == ["[DONE]"]
    assert stream.has_ended
