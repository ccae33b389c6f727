"""Names that begin like a setting and are none: a misspelt one would change nothing, and nobody would notice."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from bot.app.settings import Settings

PREFIX: Final = "CONSILIUM_"
DEVELOPER_NAMES: Final = frozenset(
    {
        "CONSILIUM_LONG",
        "CONSILIUM_SGLANG_HOME",
        "CONSILIUM_SGLANG_PYTHON",
        "CONSILIUM_TRANSCRIPTS",
        "CONSILIUM_FAULT_CHANNELS",
        "CONSILIUM_FAULT_SECONDS",
        "CONSILIUM_FAULT_SEED",
    }
)
"""Names that the tests and scripts of this repository read."""
_OF_KUBERNETES: Final = re.compile(r"\w+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)")
"""Addresses that Kubernetes tells every container, of services whose names may begin like ours."""
_ADDRESS: Final = re.compile(r"(?:tcp|udp|sctp)://.*", re.IGNORECASE)


def known_names() -> list[str]:
    """The names of all settings, as environment variables."""
    return sorted(f"{PREFIX}{name}".upper() for name in Settings.model_fields)


def unknown_names(environment: Mapping[str, str], env_file: Path) -> dict[str, str | None]:
    """The names that are no setting's, each with the nearest that is one, if one is near.

    Args:
        environment: the process's.
        env_file: the `.env` that settings are read from; it need not exist.
    """
    known = set(known_names()) | DEVELOPER_NAMES
    written = {**(dotenv_values(env_file) if env_file.is_file() else {}), **environment}
    found = (name for name, value in written.items() if not _is_known(name.upper(), value or "", known))
    return {name: _nearest(name.upper(), known - DEVELOPER_NAMES) for name in sorted(found)}


def describe_unknown_name(name: str, nearest: str | None) -> str:
    """The sentence about one of them."""
    return f"{name} is no setting." + (f" Did you mean {nearest}?" if nearest else " Remove it, or see .env.example.")


def _is_known(name: str, value: str, known: Iterable[str]) -> bool:
    if not name.startswith(PREFIX) or name in known:
        return True
    is_service_port = name.endswith("_PORT") and _ADDRESS.fullmatch(value) is not None
    return _OF_KUBERNETES.fullmatch(name) is not None or is_service_port


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)), None)
