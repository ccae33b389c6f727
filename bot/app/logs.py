"""Structured logs: one JSON object per line, in a file under the state directory or on standard output."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import structlog

from bot.app.settings import Settings

MAX_LOG_BYTES: Final = 10_000_000
"""Bytes of a log file before it is rotated."""
ROTATED_LOG_FILES: Final = 3
_SHARED_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
    # Without the variables of the frames: they contain people's messages, and passwords.
    structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
]


def log_path(settings: Settings) -> Path:
    """The log file."""
    return settings.state_dir / "consilium.log"


def configure_logs(settings: Settings) -> None:
    """Send structlog's and the standard library's records to the log file, tracebacks included."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    structlog.configure(
        processors=[*_SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = RotatingFileHandler(
        log_path(settings), maxBytes=MAX_LOG_BYTES, backupCount=ROTATED_LOG_FILES, encoding="utf-8", delay=True
    )
    _install_handler(handler, settings)


def log_to_stdout(settings: Settings) -> None:
    """Send records to standard output instead of the file: a service may be many processes on many machines."""
    _install_handler(logging.StreamHandler(sys.stdout), settings)


def _install_handler(handler: logging.Handler, settings: Settings) -> None:
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED_PROCESSORS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    logging.captureWarnings(True)
    # It would log its own steps at every migration.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It would log every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)


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
