"""Calls of Bot API methods and their refusals, as they are on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PREFIXES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


class Refused(Exception):
    """A response with `ok: false`. The reason gets the prefix and the small first letter that real servers give it."""

    def __init__(self, code: int, reason: str, **parameters: int) -> None:
        self.code = code
        self.parameters = parameters
        prefix = PREFIXES.get(code)
        if prefix is not None and not reason.startswith(prefix):
            is_constant = len(reason) > 1 and (reason[1] == "_" or reason[1].isupper())
            reason = f"{prefix}: {reason if is_constant else reason[0].lower() + reason[1:]}"
        self.description = reason
        super().__init__(reason)

    def response(self) -> web.Response:
        """The HTTP response."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return web.json_response(body, status=self.code)


def bad_request(reason: str, **parameters: int) -> Refused:
    """A 400."""
    return Refused(400, reason, **parameters)


def too_many_requests(seconds: int) -> Refused:
    """A 429."""
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


@dataclass(frozen=True)
class Upload:
    """A file that came with a call."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Call:
    """One call of a method. Every argument is a string, as it is on the wire."""

    method: str
    """In lower case."""
    args: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """An argument; empty when it is missing."""
        return self.args.get(name, "")

    def integer(self, name: str, default: int = 0) -> int:
        """The number that an argument begins with; 0 when it begins with none."""
        if not self.text(name):
            return default
        match = re.match(r"-?\d+", self.text(name))
        return int(match[0]) if match else 0

    def flag(self, name: str) -> bool:
        """Whether an argument is true."""
        return self.text(name).lower() == "true"

    def json(self, name: str) -> Any:
        """An argument parsed as JSON; None when it is missing."""
        if not self.text(name):
            return None
        try:
            return json.loads(self.text(name))
        except ValueError:
            raise bad_request(f"Can't parse {name} JSON object") from None


async def read_call(request: web.Request) -> Call:
    """The call that a request makes. The body is a form, as aiogram sends it, with files a multipart one, or JSON."""
    args: dict[str, str] = {}
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        for name, value in (await request.json()).items():
            args[name] = value if isinstance(value, str) else json.dumps(value)
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = Upload(value.filename, value.file.read())
        else:
            args[name] = str(value)
    return Call(request.match_info["method"].lower(), args, files)
