"""Planted secrets go through every way into the log, and none is found in it."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import random
import socket
import stat
import string
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock
from urllib.parse import quote

import aiohttp
import asyncpg
import httpx
import pytest
import structlog
from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramBadRequest, TelegramNetworkError
from aiogram.methods import GetMe
from pydantic import BaseModel, SecretStr
from yarl import URL

from bot.app.log_limits import RepeatLimiter
from bot.app.logs import LOG_MODE, configure_logs, log_path
from bot.app.monitoring import health_routes, http_server
from bot.app.private_folders import close_folders
from bot.app.settings import Settings
from bot.channels.telegram.client import map_telegram_errors
from bot.channels.telegram.gateway import UpdateReceiver
from bot.cli.doctor.report import Finding, Report
from bot.core.errors import BadArgument, BotError, UnknownCommand, describe_error
from bot.core.i18n import Translator
from bot.minds.errors import UnknownAdapter
from bot.turns.failures import as_consilium_error
from db.infra.driver_errors import translate_driver_error
from inference.engines.errors import EngineRefused, EngineUnavailable, PromptRefused

RANDOM = random.Random(14)
SECRETS = 500


def characters(count: int, alphabet: str = string.ascii_letters + string.digits + "_-") -> str:
    return "".join(RANDOM.choice(alphabet) for _ in range(count))


def telegram_token() -> str:
    return f"{RANDOM.randrange(10**8, 10**10)}:{characters(35)}"


def discord_token() -> str:
    return f"M{characters(25, string.ascii_letters + string.digits)}.{characters(6)}.{characters(38)}"


def api_key() -> str:
    return f"sk-{characters(24, string.ascii_letters + string.digits)}"


def message_text() -> str:
    words = ["сердце", "долг", "Ivanov's", "diagnosis", "пароль", '"quoted"', "it's", "развод", "№7", characters(12)]
    return " ".join(RANDOM.sample(words, 5)) + f" {characters(10)}"


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    root, structlog_was = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it
        state_dir=tmp_path / "state",
        data_dir=tmp_path / "data",
        log_level="DEBUG",
        database_owner_url=SecretStr(f"postgresql://coach:{quote('p@ss/№ 1x', safe='')}@db.example/consilium"),
        telegram_token=SecretStr(telegram_token()),
        discord_token=SecretStr(discord_token()),
        api_keys=SecretStr("site:opensesame-word-of-the-key"),
        sglang_api_key=SecretStr("plain words of a key"),
    )
    configure_logs(settings)
    yield settings
    root.handlers, root.level = handlers, level
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    logging.captureWarnings(False)
    structlog.configure(**structlog_was)


def written(settings: Settings) -> str:
    for handler in logging.getLogger().handlers:
        handler.flush()
    path = log_path(settings)
    text = path.read_text("utf-8") if path.exists() else ""
    return text + "\n" + "\n".join(str(json.loads(line)) for line in text.splitlines())


def raised(error: BaseException, **chained: BaseException) -> BaseException:
    """The error with a traceback, and with what it was raised from."""
    try:
        raise error from chained.get("cause")
    except BaseException as caught:
        return caught


class Profile(BaseModel):
    """A model that a text does not fit."""

    age: int
    nested: dict[str, int]


def validation_error(text: str) -> Exception:
    try:
        Profile.model_validate({"age": text, "nested": {text: text}})
    except ValueError as error:
        return error
    raise AssertionError


def parse_error(text: str) -> Exception:
    try:
        json.loads(f"{{{text}")
    except ValueError as error:
        return error
    raise AssertionError


def unicode_error(text: str) -> Exception:
    try:
        (text.encode() + b"\xff").decode()
    except ValueError as error:
        return error
    raise AssertionError


def database_error(text: str) -> Exception:
    error = asyncpg.UniqueViolationError(f'duplicate key value "{text}" violates a constraint')
    error.detail = f"Key (content)=({text}) already exists."
    return error


def response_error(text: str) -> Exception:
    info = aiohttp.RequestInfo(URL(f"https://api.telegram.org/file/bot{text}/x"), "GET", None, URL("http://x"))  # type: ignore[arg-type]  # no headers
    return aiohttp.ClientResponseError(info, (), status=502, message=text)


def httpx_error(text: str) -> Exception:
    request = httpx.Request("GET", f"http://server/{quote(text)}", headers={"Authorization": "Bearer x"})
    return httpx.HTTPStatusError(f"{text} for url", request=request, response=httpx.Response(500, request=request))


FOREIGN: dict[str, Callable[[str], BaseException]] = {
    "value": lambda text: ValueError(f"could not convert {text}"),
    "key": KeyError,
    "runtime": lambda text: RuntimeError(f"model failed at {text}"),
    "type": lambda text: ExceptionGroup("several", [ValueError(text), KeyError(text)]),
    "assertion": AssertionError,
    "plain": Exception,
    "os": lambda text: OSError(text),
    "validation": validation_error,
    "json": parse_error,
    "unicode": unicode_error,
    "database": database_error,
    "driver": lambda text: asyncpg.exceptions.DataError(f"invalid input for query argument $1: {text!r}"),
    "response": response_error,
    "httpx": httpx_error,
    "decode": lambda text: ClientDecodeError("Failed", ValueError(text), text),
    "telegram": lambda text: TelegramBadRequest(GetMe(), f'Bad Request: can\'t parse entities: "{text}"'),
    "network": lambda text: TelegramNetworkError(GetMe(), f"ClientOSError: '{text}'"),
    "noted": lambda text: _with_note(ZeroDivisionError("division by zero"), text),
}

OURS: dict[str, Callable[[str], Exception]] = {
    "command": lambda text: UnknownCommand(text, ["help"]),
    "argument": lambda text: BadArgument("mode", text, "/mode"),
    "mode": lambda text: UnknownAdapter(text, ["auto"]),
    "prompt": lambda text: PromptRefused(reason=text),
    "refused": lambda text: EngineRefused(url="http://x", status=400, reason=text),
}


def _with_note(error: Exception, text: str) -> Exception:
    error.add_note(text)
    return error


def log_structured(error: BaseException, _secret: str) -> None:
    structlog.get_logger("bot.turns.runner").warning("turn.failed", reason=error)


def log_traceback(error: BaseException, _secret: str) -> None:
    structlog.get_logger("bot.turns.worker").error("worker.job_failed", exc_info=error)


def log_cause(error: BaseException, _secret: str) -> None:
    structlog.get_logger("db.x").error("x.failed", exc_info=raised(RuntimeError("outer"), cause=error))


def log_foreign(error: BaseException, _secret: str) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "127.0.0.1", exc_info=error)


def log_library(error: BaseException, secret: str) -> None:
    logging.getLogger("somelibrary").warning("read %s: %s", secret, error)
    logging.getLogger("somelibrary").warning(f"read {secret}")


def log_unexpected(error: BaseException, _secret: str) -> None:
    if isinstance(error, Exception):
        as_consilium_error(error)


def log_warning(_error: BaseException, secret: str) -> None:
    warnings.warn(f"{secret} looks like a file name", UserWarning, stacklevel=1)


PATHS = [log_structured, log_traceback, log_cause, log_foreign, log_library, log_unexpected, log_warning]
KINDS = {"telegram": telegram_token, "discord": discord_token, "key": api_key, "text": message_text}


def test_no_planted_secret_is_found(settings: Settings) -> None:
    logging.getLogger().handlers[0].filters.clear()  # all of them are to be written
    makers = {**FOREIGN, **OURS}
    planted = []
    while len(planted) < SECRETS:
        for kind, make_secret in KINDS.items():
            for name, make_error in makers.items():
                secret = make_secret()
                error = raised(make_error(secret))
                PATHS[len(planted) % len(PATHS)](error, secret)
                planted.append((kind, name, secret))
    log = written(settings)
    assert len(log.splitlines()) > 2 * SECRETS
    leaked = [(kind, name) for kind, name, secret in planted if any(form in log for form in forms(secret))]
    assert leaked == []


def forms(secret: str) -> set[str]:
    """What may not be found: the secret, as it is written in different places, and its rare words."""
    return {
        secret,
        quote(secret),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        *(word for word in secret.replace(":", " ").split() if len(word) >= 10),
    }


@pytest.mark.parametrize("secret", ["opensesame-word-of-the-key", "plain words of a key", "p@ss/№ 1x"])
def test_known_secrets_are_hidden_whatever_they_look_like(settings: Settings, secret: str) -> None:
    log = structlog.get_logger("bot.x")
    log.info("x.happened", value=f"it was {secret}.", nested={"a": [secret]}, address=quote(secret, safe=""))
    logging.getLogger("aiohttp.server").warning("got %s", secret)
    text = written(settings)
    assert "x.happened" in text
    assert secret not in text
    assert quote(secret, safe="") not in text


def test_what_an_operator_needs_stays(settings: Settings) -> None:
    log = structlog.get_logger("bot.x")
    log.warning("engine.retried", error=EngineUnavailable(url="http://127.0.0.1:30000", reason="connection refused"))
    log.warning("x.failed", reason=raised(PermissionError(13, "Permission denied", "/srv/consilium")))
    log.error("x.broke", exc_info=raised(AttributeError("'NoneType' object has no attribute 'x'")))
    translated = translate_driver_error("db/consilium", asyncpg.AdminShutdownError("terminating connection"))
    log.warning("worker.fetch_failed", reason=translated)
    text = written(settings)
    for expected in ("connection refused", "/srv/consilium", "has no attribute 'x'", "test_logs.py", "terminating"):
        assert expected in text


def test_texts_are_logged_where_that_is_asked_for(settings: Settings) -> None:
    configure_logs(settings.model_copy(update={"log_texts": True}))
    structlog.get_logger("bot.x").warning("x.failed", reason=ValueError("what a person wrote"))
    assert "what a person wrote" in written(settings)


async def test_an_update_that_cannot_be_read(settings: Settings) -> None:
    text = "мой диагноз никому"
    raw = {"update_id": 7, "message": {"message_id": text, "text": text, "chat": {"id": 1, "type": text}}}
    handler = AsyncMock()
    receiver = UpdateReceiver(Mock(bot=Bot(telegram_token())), handler, Mock(), Mock())
    assert await receiver.parse(raw) is None
    handler.refuse_unreadable.assert_awaited_once()
    log = written(settings)
    assert "telegram.update_parse_failed" in log
    assert "message.message_id" in log
    assert text not in log


async def test_a_failed_download_is_tried_again_and_names_no_address(settings: Settings) -> None:
    token = telegram_token()
    with pytest.raises(BotError) as caught, map_telegram_errors():
        raise response_error(token)
    assert type(caught.value).__name__ == "TemporaryDeliveryError"
    assert describe_error(caught.value, "en", str).startswith("Telegram did not accept the answer: status 502.")
    assert token not in str(caught.value)


async def test_a_task_that_nobody_awaits(settings: Settings) -> None:
    async def fail() -> None:
        raise ValueError("my secret illness")

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
    log = written(settings)
    assert "exception was never retrieved" in log
    assert "illness" not in log


async def test_malformed_requests_write_little(settings: Settings) -> None:
    key = "sk-aaaabbbbccccdddd"
    requests = [
        b"GET / HTTP/1.1\r\nAuthorization: Bearer " + key.encode() + b"\x00\r\n\r\n",
        b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n",
        key.encode() * 3000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Key: " + key.encode() * 3000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: " + key.encode() + b"\r\n\r\n",
    ]

    def send(address: str, payload: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=5) as connection:
            connection.sendall(payload)
            return connection.recv(65536)

    async with http_server("127.0.0.1", 0) as address:
        answers = [await asyncio.to_thread(send, address, payload) for payload in requests * 20]
    text = log_path(settings).read_text("utf-8")
    assert key not in text
    assert all(key.encode() not in answer for answer in answers)
    failed = [line for line in text.splitlines() if "http_server.request_rejected" in line]
    assert failed
    assert len(failed) <= 60
    assert max(map(len, failed)) < 300


def test_equal_records_are_limited_and_counted(settings: Settings) -> None:
    log = structlog.get_logger("bot.x")
    for number in range(200):
        log.info("x.happened", number=number)
        log.info("turn.ended", number=number)
    limiter = next(f for f in logging.getLogger().handlers[0].filters if isinstance(f, RepeatLimiter))
    limiter.close()
    records = [json.loads(line) for line in log_path(settings).read_text().splitlines()]
    assert sum(record["event"] == "x.happened" for record in records) == 60
    assert sum(record["event"] == "turn.ended" for record in records) == 200
    (dropped,) = [record for record in records if record["event"] == "log.repeats_dropped"]
    assert dropped["repeated"] == "x.happened"
    assert dropped["dropped"] == 140


def test_a_new_minute_begins_anew() -> None:
    now = [0.0]
    limiter = RepeatLimiter(per_minute=2, clock=lambda: now[0])
    record: Any = logging.LogRecord("x", logging.INFO, "", 0, "again", (), None)
    assert [limiter.filter(record) for _ in range(3)] == [True, True, False]
    now[0] = 61.0
    assert limiter.filter(record)


def test_only_the_owner_reads_the_log(settings: Settings) -> None:
    structlog.get_logger("bot.x").info("x.happened")
    path = log_path(settings)
    assert stat.S_IMODE(path.stat().st_mode) == LOG_MODE
    path.chmod(0o644)
    path.parent.chmod(0o755)
    settings.data_dir.chmod(0o755)
    configure_logs(settings)
    structlog.get_logger("bot.x").info("x.happened")
    assert stat.S_IMODE(path.stat().st_mode) == LOG_MODE
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) & 0o066 == 0


def test_a_folder_with_other_things_in_it_keeps_its_mode(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "letters").mkdir(parents=True)
    home.chmod(0o755)
    close_folders(Settings(_env_file=None, state_dir=home, data_dir=home))  # type: ignore[call-arg]  # see above
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


async def test_doctor_errors_and_readiness_show_no_password(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://user:{quote('opensesame')}@server:30000"
    report = Report(Translator("en"))

    async def fail() -> Finding:
        raise EngineUnavailable(url=address, reason="refused")

    await report.check("engine", fail)
    report.note("server", Finding([f"a server at {address}"], warnings=[f"The router sends nothing to {address}."]))
    shown = capsys.readouterr().out

    async def problem() -> str:
        return f"{address} does not answer"

    async with http_server("127.0.0.1", 0, health_routes({"engine": problem})) as served, httpx.AsyncClient() as client:
        shown += (await client.get(f"{served}/readyz")).text
        shown += (await client.get(f"{served}/metrics")).text
    # Whoever asks for the readiness learns of no address at all.
    assert shown.count("server:30000") == 3
    assert "opensesame" not in shown
