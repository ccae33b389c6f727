"""Errors of backups, and of what has been deleted since."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from consilium.errors import N_
from db.errors import DatabaseError

if TYPE_CHECKING:
    from pathlib import Path


class BackupError(DatabaseError):
    """Base class for what hinders a backup or its restoring."""


class FileExists(BackupError):
    """A file is to be written where there is one already."""

    sentence: ClassVar[str] = N_("There is a file {file} already.")
    remedy: ClassVar[str] = N_("Give another name, or delete it first; nothing was written.")

    def __init__(self, file: Path) -> None:
        super().__init__(file=file)


class FileNotWritten(BackupError):
    """The disk is full, the folder is not there or not ours."""

    sentence: ClassVar[str] = N_("{file} could not be written: {reason}.")
    remedy: ClassVar[str] = N_("Check the folder and its free space; nothing was left behind.")

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(file=file, reason=reason)


class FileNotRead(BackupError):
    """The file is not there, or may not be read."""

    sentence: ClassVar[str] = N_("{file} could not be read: {reason}.")
    remedy: ClassVar[str] = N_("Check its name and who may read it; nothing was restored.")

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(file=file, reason=reason)


class RowsHidden(BackupError):
    """Row-level security or missing rights hide rows from the role that is to back everything up."""

    sentence: ClassVar[str] = N_("The database role {role} does not see everybody's rows: {reason}.")
    remedy: ClassVar[str] = N_(
        "A backup made as this role would lack them, so none was made. Give the address of a role with BYPASSRLS that"
        " may read all tables in CONSILIUM_DATABASE_BACKUP_URL (docs/how-to/backup.md)."
    )

    def __init__(self, role: str, reason: str) -> None:
        super().__init__(role=role, reason=reason)


class NothingToBackUp(BackupError):
    """There is nothing to back up."""

    sentence: ClassVar[str] = N_("The database at {server} holds nothing of Consilium.")
    remedy: ClassVar[str] = N_("Check CONSILIUM_DATABASE_URL and CONSILIUM_DATA_DIR.")

    def __init__(self, server: str) -> None:
        super().__init__(server=server)


class BackupIncomplete(BackupError):
    """Another number of rows was copied than was counted."""

    sentence: ClassVar[str] = N_("The copy of the table {table} has {copied} rows, and the table itself {counted}.")
    remedy: ClassVar[str] = N_("The copy is worthless and was not kept. Report it; the log has the versions.")

    def __init__(self, table: str, copied: int, counted: int) -> None:
        super().__init__(table=table, copied=copied, counted=counted)


class BackupDamaged(BackupError):
    """A file is no backup, or not as it was written."""

    sentence: ClassVar[str] = N_("{file} is no whole backup: {reason}.")
    remedy: ClassVar[str] = N_("Nothing was restored. Use another copy of it, or an earlier backup.")

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(file=file, reason=reason)


class BackupTooNew(BackupError):
    """A newer release has made the backup."""

    sentence: ClassVar[str] = N_(
        "{file} was made by version {program}, whose schema {revision} this version of the program does not know."
    )
    remedy: ClassVar[str] = N_("Nothing was restored. Update the program to that version or a later one.")

    def __init__(self, file: Path, program: str, revision: str) -> None:
        super().__init__(file=file, program=program, revision=revision)


class DatabaseNotEmpty(BackupError):
    """A backup is to be restored into a database that holds something."""

    sentence: ClassVar[str] = N_("The database at {server} is not empty: {table} has rows.")
    remedy: ClassVar[str] = N_(
        "Nothing was changed. Stop the service and restore into an empty database: an embedded one is empty when the"
        " folder “postgres” in the data folder has been moved away."
    )

    def __init__(self, server: str, table: str) -> None:
        super().__init__(server=server, table=table)


class DatabaseAhead(BackupError):
    """The empty database has a newer schema than the backup."""

    sentence: ClassVar[str] = N_(
        "The database at {server} is empty, but at revision {current}; the backup is of the earlier {revision}."
    )
    remedy: ClassVar[str] = N_("Nothing was changed. Restore into a new database; it is migrated afterwards.")

    def __init__(self, server: str, current: str, revision: str) -> None:
        super().__init__(server=server, current=current, revision=revision)


class BackupDoesNotFit(BackupError):
    """Tables or columns of the backup are not those of the schema it names, or rows were changed on their way."""

    sentence: ClassVar[str] = N_("{file} cannot be restored: {reason}.")
    remedy: ClassVar[str] = N_("Nothing was restored. Use the version of the program that made it.")

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(file=file, reason=reason)


class RestoreDenied(BackupError):
    """The role may not write the tables."""

    sentence: ClassVar[str] = N_("The database at {server} does not let us restore: {reason}.")
    remedy: ClassVar[str] = N_(
        "Nothing was restored. Use the address of the role that owns the tables, in CONSILIUM_DATABASE_OWNER_URL."
    )

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class ErasuresDamaged(BackupError):
    """A list of deletions cannot be read, or is not as it was written."""

    sentence: ClassVar[str] = N_("{file} is no whole list of deletions: {reason}.")
    remedy: ClassVar[str] = N_("Use another copy of it; nothing was changed.")

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(file=file, reason=reason)


class ErasuresDoNotFit(BackupError):
    """A list of deletions is older than the backup, or another service's."""

    sentence: ClassVar[str] = N_("The list of deletions {file} does not belong to this backup: {reason}.")
    remedy: ClassVar[str] = N_("Nothing was restored. Use the latest list that `consilium erasures export` wrote.")

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(file=file, reason=reason)
