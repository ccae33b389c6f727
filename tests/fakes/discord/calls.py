"""One request of the bot, read and ready to be answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.discord.bodies import FILE_LIMIT
from tests.fakes.discord.clock import Clock
from tests.fakes.discord.errors import Form, refusal
from tests.fakes.discord.messages import File

Answer = tuple[int, Any]
"""Status, and what to write as JSON; None for an empty reply."""
NO_CONTENT: Answer = (204, None)


@dataclass
class Call:
    """A request: its path's parts, its query, its body and its files."""

    route: str
    path: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: list[File] = field(default_factory=list)

    def id(self, name: str) -> int:
        """A part of the path that is an id."""
        value = self.path[name]
        if not value.isdigit():
            form = Form()
            form.add((f"{name}_id",), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
            form.check()
        return int(value)

    def form(self) -> dict[str, Any]:
        """The body, where it has to be an object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise refusal(50109)
        return self.body


async def read(request: web.Request, route: str, clock: Clock) -> Call:
    """Reads a request, JSON or multipart; refuses what is too large or cannot be read."""
    call = Call(route, dict(request.match_info), dict(request.query))
    try:
        if request.content_type == "multipart/form-data":
            await _read_multipart(request, call, clock)
        elif raw := await request.read():
            call.body = json.loads(raw)
    except web.HTTPRequestEntityTooLarge:
        raise refusal(40005) from None
    except ValueError:
        raise refusal(50109) from None
    return call


async def _read_multipart(request: web.Request, call: Call, clock: Clock) -> None:
    parts = await request.post()
    call.body = json.loads(str(parts.get("payload_json") or "{}"))
    message = call.body.get("data") if "type" in call.body and isinstance(call.body.get("data"), dict) else call.body
    described = {str(a.get("id")): a for a in message.get("attachments") or []}
    new: dict[str, File] = {}
    for name, part in parts.items():
        matched = re.fullmatch(r"files\[(\d+)\]", name)
        if matched is None or not isinstance(part, web.FileField):
            continue
        data, about = part.file.read(), described.get(matched[1], {})
        if len(data) > FILE_LIMIT:
            raise refusal(40005)
        filename = about.get("filename") or part.filename
        new[matched[1]] = File(clock.snowflake(), filename, data, part.content_type, about.get("description"))
    if len(new) > 10:
        raise refusal(30015)
    call.files = list(new.values())
    if "attachments" in message:
        message["attachments"] = [a for a in message["attachments"] if str(a.get("id")) not in new]
