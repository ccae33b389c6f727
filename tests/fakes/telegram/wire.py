"""What a request says, in whichever of the encodings Telegram takes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import StreamReader

from tests.fakes.telegram.refusals import Refused, bad

MAX_UPLOAD = 50 << 20
MAX_BODY = MAX_UPLOAD + (1 << 20)


@dataclass(frozen=True)
class Upload:
    """A file that came with a request."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Call:
    """One call of a method: every argument is a string, as it is on the wire."""

    method: str
    args: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The argument, empty when it was not given."""
        return self.args.get(name, "")

    def integer(self, name: str, default: int = 0) -> int:
        """The number the argument begins with; 0 for what is none."""
        return whole(self.args[name]) if self.args.get(name) else default

    def flag(self, name: str) -> bool:
        """Whether the argument means yes."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def json(self, name: str, what: str) -> Any:
        """The argument's JSON, None when it was not given; `what` is how a refusal calls it."""
        if not self.text(name):
            return None
        try:
            return json.loads(self.text(name))
        except ValueError:
            raise bad(f"Can't parse {what} JSON object") from None


def whole(value: str) -> int:
    """The number a string begins with, 0 when it begins with none."""
    found = re.match(r"-?\d+", value)
    return int(found[0]) if found else 0


async def read_fields(headers: Mapping[str, str], stream: StreamReader) -> tuple[dict[str, str], dict[str, Upload]]:
    """Arguments and files of a body. A body over Telegram's size is refused."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        return await _read_multipart(headers, stream)
    body = await _read_bounded(stream.readany, 0)
    if kind == "application/json" and body.strip():
        try:
            given = json.loads(body)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise bad("Can't parse request: JSON object expected")
        return {k: v if isinstance(v, str) else json.dumps(v) for k, v in given.items() if v is not None}, {}
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode(), keep_blank_values=True)), {}
    return {}, {}


async def _read_multipart(headers: Mapping[str, str], stream: StreamReader) -> tuple[dict[str, str], dict[str, Upload]]:
    args: dict[str, str] = {}
    files: dict[str, Upload] = {}
    taken = 0
    async for part in aiohttp.MultipartReader(headers, stream):
        assert isinstance(part, aiohttp.BodyPartReader)
        data = await _read_bounded(part.read_chunk, taken)
        taken += len(data)
        if part.filename is not None:
            files[part.name or ""] = Upload(part.filename, data)
        else:
            args[part.name or ""] = data.decode()
    return args, files


async def _read_bounded(read: Any, taken: int) -> bytes:
    data = bytearray()
    while chunk := await read():
        taken += len(chunk)
        if taken <= MAX_BODY:
            data += chunk
    if taken > MAX_BODY:
        raise Refused(413, "Request Entity Too Large")
    return bytes(data)
