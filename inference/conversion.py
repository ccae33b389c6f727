"""Checkpoints that are made once on this machine, from weights that a Python package carries in another form."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import structlog
from filelock import FileLock, Timeout

from consilium.errors import N_
from inference.errors import InferenceError
from inference.model_files import ModelMissing, check_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = structlog.get_logger(__name__)

_LOCK_TIMEOUT = 900.0
"""Seconds to wait for another process that is making the same checkpoint."""


class ModelConversionFailed(InferenceError):
    """The checkpoint of a bundled model could not be written."""

    sentence = N_("The model could not be prepared in {folder}: {reason}.")
    remedy = N_("See that the folder can be written to and has {megabytes} MB free, then try again.")

    def __init__(self, *, folder: Path, reason: str, megabytes: int) -> None:
        super().__init__(folder=folder, reason=reason, megabytes=megabytes)


def convert_once(folder: Path, write: Callable[[Path], None], *, megabytes: int) -> Path:
    """The folder of a checkpoint, which is written first if it is not there, however many processes ask at once.

    It is written beside its place and moved there whole. Blocks.

    Args:
        write: writes the checkpoint into the folder it is given, which does not exist.
        megabytes: the space that it needs, for the error.

    Raises:
        ModelConversionFailed: it cannot be written.
        ModelMissing: what `write` raises when there is nothing to write it from.
    """
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f".{folder.name}.lock"), timeout=_LOCK_TIMEOUT):
                if not folder.is_dir():
                    _convert(folder, write)
    except Timeout as error:
        reason = "another process has been making it for too long"
        raise ModelConversionFailed(folder=folder, reason=reason, megabytes=megabytes) from error
    except ModelMissing:
        raise
    except Exception as error:  # a full disk surfaces as an OSError or as the weights library's own error
        reason = str(error) or type(error).__name__
        raise ModelConversionFailed(folder=folder, reason=reason, megabytes=megabytes) from error
    return folder


def _convert(folder: Path, write: Callable[[Path], None]) -> None:
    log.info("model.conversion_started", folder=str(folder))
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        write(unfinished)
        check_weights(unfinished)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    log.info("model.converted", folder=str(folder))
