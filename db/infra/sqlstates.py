"""What each SQLSTATE means for the service: the table behind `db.infra.driver_errors`.

A state has five characters, of which the first two are its class. A class is mapped as a whole, and a state by itself
where it differs from its class (appendix A of the Postgres manual lists them all). A class that is not in the table
belongs to a newer server or an extension, and is taken for something that may pass.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Outcome(Enum):
    """What an error of the server means."""

    UNREACHABLE = "the connection or the server is gone, or the statement was cancelled; may pass by itself"
    CONFLICT = "others changed or hold the same rows: the transaction succeeds when it is repeated"
    READ_ONLY = "the server takes no changes now, as a standby before or after a failover"
    EXHAUSTED = "disk space, memory or connections are used up: for the operator"
    REFUSED = "the user, the password or the database: for the operator"
    SCHEMA = "the schema is not the one that this version works with: another version has changed it"
    DAMAGED = "the server has failed inside, or says something unknown: for the operator"
    MISTAKE = "a broken constraint, or a mistake in a statement: for the programmer"


_BY_CLASS: Final = {
    "02": Outcome.MISTAKE,  # no data
    "03": Outcome.MISTAKE,  # statement not yet complete
    "08": Outcome.UNREACHABLE,  # connection exception
    "09": Outcome.MISTAKE,  # triggered action exception
    "0A": Outcome.MISTAKE,  # feature not supported
    "0B": Outcome.MISTAKE,  # invalid transaction initiation
    "0F": Outcome.MISTAKE,  # locator exception
    "0L": Outcome.MISTAKE,  # invalid grantor
    "0P": Outcome.REFUSED,  # invalid role specification
    "0Z": Outcome.MISTAKE,  # diagnostics exception
    "20": Outcome.MISTAKE,  # case not found
    "21": Outcome.MISTAKE,  # cardinality violation
    "22": Outcome.MISTAKE,  # data exception
    "23": Outcome.MISTAKE,  # integrity constraint violation
    "24": Outcome.MISTAKE,  # invalid cursor state
    "25": Outcome.MISTAKE,  # invalid transaction state
    "26": Outcome.CONFLICT,  # invalid statement name: a pooler has moved the connection to another server process
    "27": Outcome.CONFLICT,  # triggered data change violation
    "28": Outcome.REFUSED,  # invalid authorization specification
    "2B": Outcome.MISTAKE,  # dependent privilege descriptors still exist
    "2D": Outcome.MISTAKE,  # invalid transaction termination
    "2F": Outcome.MISTAKE,  # SQL routine exception
    "34": Outcome.CONFLICT,  # invalid cursor name: as 26
    "38": Outcome.MISTAKE,  # external routine exception
    "39": Outcome.MISTAKE,  # external routine invocation exception
    "3B": Outcome.MISTAKE,  # savepoint exception
    "3D": Outcome.REFUSED,  # invalid catalog name
    "3F": Outcome.SCHEMA,  # invalid schema name
    "40": Outcome.CONFLICT,  # transaction rollback: serialization failures, deadlocks
    "42": Outcome.MISTAKE,  # syntax error or access rule violation
    "44": Outcome.MISTAKE,  # WITH CHECK OPTION violation
    "53": Outcome.EXHAUSTED,  # insufficient resources
    "54": Outcome.MISTAKE,  # program limit exceeded
    "55": Outcome.CONFLICT,  # object not in prerequisite state: locks, objects in use
    "57": Outcome.UNREACHABLE,  # operator intervention
    "58": Outcome.DAMAGED,  # system error
    "72": Outcome.CONFLICT,  # snapshot failure
    "F0": Outcome.DAMAGED,  # configuration file error
    "HV": Outcome.DAMAGED,  # foreign data wrapper error
    "P0": Outcome.MISTAKE,  # PL/pgSQL error
    "XX": Outcome.DAMAGED,  # internal error
}
_BY_STATE: Final = {
    "25006": Outcome.READ_ONLY,  # read only SQL transaction
    "25P03": Outcome.UNREACHABLE,  # idle in transaction session timeout
    "25P04": Outcome.UNREACHABLE,  # transaction timeout
    "40003": Outcome.UNREACHABLE,  # statement completion unknown
    "42P01": Outcome.SCHEMA,  # undefined table
    "42703": Outcome.SCHEMA,  # undefined column
    "42704": Outcome.SCHEMA,  # undefined object
    "42883": Outcome.SCHEMA,  # undefined function
    "55P04": Outcome.MISTAKE,  # unsafe new enum value usage
    "57P04": Outcome.REFUSED,  # database dropped
    "58030": Outcome.EXHAUSTED,  # IO error, which a full disk is told by
    "P0004": Outcome.DAMAGED,  # assert failure
}


def classify(sqlstate: str) -> Outcome:
    """What an error with this SQLSTATE means; one that is not known may pass."""
    return _BY_STATE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2], Outcome.DAMAGED)
