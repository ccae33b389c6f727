"""Structured logs: one JSON object per line, in a file under the state directory or on standard output."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import warnings
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import structlog
from pydantic import SecretStr

from bot.app.log_limits import RepeatLimiter
from bot.app.log_records import describe_exceptions, redact_and_shorten, summarise_foreign_records
from bot.app.private_folders import LOG_FILE, close_folders
from bot.app.settings import Settings
from bot.core.redaction import MIN_SECRET_LENGTH, register_secrets

MAX_LOG_BYTES: Final = 10_000_000
"""Bytes of a log file before it is rotated."""
ROTATED_LOG_FILES: Final = 3
LOG_MODE: Final = 0o600
"""Who may read and write the log: its owner."""
_QUIET_LIBRARIES: Final = {
    # Their own steps, requests and statements; below these levels also what goes over the wire.
    "aiogram": logging.INFO,
    "aiohttp": logging.INFO,
    "alembic": logging.WARNING,
    "asyncio": logging.INFO,
    "charset_normalizer": logging.WARNING,
    "discord": logging.INFO,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "markdown_it": logging.WARNING,
    "pgqueuer": logging.WARNING,
    "pypdf": logging.ERROR,
    "sqlalchemy": logging.WARNING,
    "urllib3": logging.WARNING,
    "uvicorn": logging.WARNING,
}
"""The lowest level of each, whatever `CONSILIUM_LOG_LEVEL` is."""
_SECRET_NAME_ENDINGS: Final = ("_TOKEN", "_KEY", "_SECRET", "_PASSWORD")
_SHARED_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]


class PrivateFileHandler(RotatingFileHandler):
    """Rotated log files that only their owner may read; also those that an earlier release has left readable."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, LOG_MODE)
        os.fchmod(descriptor, LOG_MODE)
        return os.fdopen(descriptor, "a", encoding=self.encoding)


def log_path(settings: Settings) -> Path:
    """The log file."""
    return settings.state_dir / LOG_FILE


def configure_logs(settings: Settings) -> None:
    """Send structlog's and the standard library's records to the log file, tracebacks included."""
    register_secrets(known_secrets(settings))
    structlog.configure(
        processors=[*_SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    close_folders(settings)
    path = log_path(settings)
    handler = PrivateFileHandler(
        path, maxBytes=MAX_LOG_BYTES, backupCount=ROTATED_LOG_FILES, encoding="utf-8", delay=True
    )
    _install_handler(handler, settings)


def log_to_stdout(settings: Settings) -> None:
    """Send records to standard output instead of the file: a service may be many processes on many machines."""
    _install_handler(logging.StreamHandler(sys.stdout), settings)


def known_secrets(settings: Settings) -> list[str]:
    """The secrets that this process has been given, by its settings and by its environment."""
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    secrets += settings.api_clients.values()
    if settings.telegram_token is not None:
        secrets.append(settings.telegram_token.get_secret_value().partition(":")[2])
    secrets += settings.database_passwords
    # Not the short ones, which may be words such as "true".
    secrets += [
        value
        for name, value in os.environ.items()
        if name.upper().endswith(_SECRET_NAME_ENDINGS) and len(value) >= 2 * MIN_SECRET_LENGTH
    ]
    return secrets


def record_processors(settings: Settings) -> list[structlog.typing.Processor]:
    """What every record goes through before it is written, the libraries' as well as our own."""
    return [
        *([] if settings.log_texts else [summarise_foreign_records]),
        describe_exceptions(with_texts=settings.log_texts),
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        redact_and_shorten,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _install_handler(handler: logging.Handler, settings: Settings) -> None:
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED_PROCESSORS, processors=record_processors(settings)
        )
    )
    limiter = RepeatLimiter()
    handler.addFilter(limiter)
    atexit.register(limiter.close)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    # What logging prints when a record cannot be written repeats the record.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    for name, level in _QUIET_LIBRARIES.items():
        logging.getLogger(name).setLevel(max(level, root.level))


def silence_libraries() -> None:
    """Keep progress bars and advice of libraries off the terminal; to be called before they are imported."""
    for name, value in {
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
    }.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning)
