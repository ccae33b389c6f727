"""The embedded Postgres: a server of our own in a folder, shared by every process that names the same folder."""

from __future__ import annotations

import asyncio
import atexit
import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from db.errors import DatabaseError, EmbeddedDatabaseMissing, EmbeddedServerFailed, EmbeddedServerMissing
from db.infra.cluster import SUPERUSER, Cluster
from db.infra.driver_errors import DRIVER_ERRORS
from db.infra.embedded_roles import OWNER_ROLE, are_roles_prepared, prepare_roles
from db.infra.programs import PostgresPrograms

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_STOP_DEADLINE: Final = 30.0
_START_DEADLINE: Final = 60.0


class EmbeddedServer:
    """A running embedded server, held open by this object.

    The first to open a folder starts its server, the last to close it stops it; both may be different processes.
    A killed process releases it too, because the lock belongs to the operating system.
    """

    def __init__(self, cluster: Cluster, dsn: str, users_lock: int, *, has_owner: bool = True) -> None:
        self.cluster = cluster
        self.dsn = dsn
        """Address of its database as the superuser; for administration, such as backups."""
        self.owner_dsn = dsn.replace(f"{SUPERUSER}@", f"{OWNER_ROLE}@", 1) if has_owner else dsn
        """Address of its database as its owner, for `db.infra.database.Database.open`. In a server of an earlier
        release that is opened as it is, the owner is the superuser."""
        self._users_lock: int | None = users_lock
        self._pid = os.getpid()
        atexit.register(self._release)

    @classmethod
    async def open(cls, directory: Path, *, deadline: float = 60.0, as_it_is: bool = False) -> Self:
        """Start the server whose files lie in `directory` (made if it does not exist), or join it if it runs.

        Args:
            directory: a folder for the server alone; works on any path the file system takes.
            deadline: seconds until the attempt is given up.
            as_it_is: for reading: make no server, and leave the roles and owners in it as an earlier release made them.

        Raises:
            EmbeddedDatabaseMissing: there is no server, and none is to be made.
            EmbeddedServerFailed: it cannot be made or started.
            EmbeddedServerMissing: its package is not installed.
        """
        starting = asyncio.ensure_future(asyncio.to_thread(cls._start_and_lock, directory, deadline, as_it_is=as_it_is))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread cannot be interrupted; what it opens must be closed by someone.
            with suppress(EmbeddedServerFailed):
                server = await starting
                await server.close()
            raise

    async def ensure_running(self) -> bool:
        """Start the server again if it is gone, as after a kill; whether it was. The address stays the same.

        Every process that holds the server open may call this: one of them starts it.

        Raises:
            EmbeddedServerFailed: it cannot be started.
        """
        return await asyncio.to_thread(self._start_if_gone)

    async def close(self) -> None:
        """Release the server; it stops when no one else uses it. Idempotent.

        Raises:
            EmbeddedServerFailed: it was to stop and did not.
        """
        atexit.unregister(self._release)
        await asyncio.to_thread(self._release)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @classmethod
    def _start_and_lock(cls, directory: Path, deadline: float, *, as_it_is: bool) -> Self:
        directory = directory.expanduser().resolve()
        if as_it_is and not Cluster(directory / "data").exists():
            raise EmbeddedDatabaseMissing(directory=str(directory))
        until = time.monotonic() + deadline
        try:
            make_private(directory)
            change = _acquire_file_lock(directory / "change.lock", fcntl.LOCK_EX, until)
            try:
                users = _acquire_file_lock(directory / "users.lock", fcntl.LOCK_SH, until)
                try:
                    cluster = Cluster(directory / "data")
                    dsn = cluster.start(max(1.0, until - time.monotonic()))
                    remaining = max(5.0, until - time.monotonic())
                    has_owner = _look_at_roles(dsn, directory, remaining, prepare=not as_it_is)
                    return cls(cluster, dsn, users, has_owner=has_owner)
                except BaseException:
                    os.close(users)
                    raise
            finally:
                os.close(change)
        except OSError as error:
            raise EmbeddedServerFailed(directory=str(directory), reason=str(error)) from error

    def _start_if_gone(self) -> bool:
        if self._users_lock is None or self.cluster.is_running():
            return False
        until = time.monotonic() + _START_DEADLINE
        try:
            change = _acquire_file_lock(self.cluster.data.parent / "change.lock", fcntl.LOCK_EX, until)
        except OSError as error:
            raise EmbeddedServerFailed(directory=str(self.cluster.data.parent), reason=str(error)) from error
        try:
            # Another process may have started it meanwhile, or the last one to use it may have stopped it.
            if self._users_lock is None or self.cluster.is_running():
                return False
            self.cluster.start(max(1.0, until - time.monotonic()))
        finally:
            os.close(change)
        return True

    def _release(self) -> None:
        # A forked child inherits the lock, which stays the parent's to give up.
        if self._users_lock is None or os.getpid() != self._pid:
            return
        users, self._users_lock = self._users_lock, None
        folder = self.cluster.data.parent
        try:
            change = _acquire_file_lock(folder / "change.lock", fcntl.LOCK_EX, time.monotonic() + _STOP_DEADLINE)
            try:
                with suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self.cluster.stop(_STOP_DEADLINE)
            finally:
                os.close(change)
        except OSError as error:
            raise EmbeddedServerFailed(directory=str(folder), reason=str(error)) from error
        finally:
            os.close(users)


def _look_at_roles(superuser_dsn: str, directory: Path, deadline: float, *, prepare: bool) -> bool:
    """Whether the database has its owner, which `prepare` makes."""
    try:
        # In a thread that has no loop.
        if not prepare:
            return asyncio.run(are_roles_prepared(superuser_dsn, deadline))
        asyncio.run(prepare_roles(superuser_dsn, deadline))
    except (DatabaseError, *DRIVER_ERRORS) as error:
        raise EmbeddedServerFailed(directory=str(directory), reason=str(error)) from error
    return True


def private_mode(directory: Path) -> int:
    """The mode of a server's folder and of those above it that are ours alone.

    Where root has to run the server as another account, that account must be able to pass through them.
    """
    try:
        return 0o700 if PostgresPrograms.find(directory / "data").account is None else 0o711
    except (EmbeddedServerMissing, OSError):
        return 0o700


def make_private(directory: Path) -> None:
    """Make a folder, if there is none, that other users of the machine cannot look into; one of ours becomes so.

    Raises:
        OSError: it cannot be made.
    """
    mode = private_mode(directory)
    directory.mkdir(parents=True, exist_ok=True, mode=mode)
    found = directory.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o777 & ~mode:
        directory.chmod(mode)


def _acquire_file_lock(path: Path, operation: int, give_up_at: float) -> int:
    """Acquire an advisory lock and return the descriptor that holds it; closing it releases the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    raise TimeoutError("another process has been starting or stopping it for too long") from None
                time.sleep(0.05)
            else:
                return descriptor
    except BaseException:
        os.close(descriptor)
        raise
