"""Telling a database that cannot be used now from one that refuses what it is given."""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

Unreachable = psycopg.OperationalError
"""The server cannot be reached, or broke off."""
Conflict = psycopg.errors.UniqueViolation
"""Somebody else holds what must be unique."""
Deadlock = psycopg.errors.DeadlockDetected

# SQLSTATE classes (PostgreSQL's manual, appendix A) that pass by themselves or by an operator's
# hand: connection, resources, objects not in the right state, intervention, system errors.
_PASSING = ("08", "53", "55", "57", "58")
_READ_ONLY = "25006"
"""It has become a standby: the address leads to another server soon."""
_OUT_OF_MEMORY = "53200"
"""As said when one transaction asks for more locks than there are: less of it may go through."""

AWAY: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    psycopg.OperationalError,
)
"""What is raised where the database cannot be reached."""
FAILED: tuple[type[Exception], ...] = (psycopg.OperationalError, DBAPIError)
"""The same, and whatever else a query of an engine can raise."""

CONNECTION_ERRORS: tuple[type[Exception], ...] = (psycopg.Error,)
"""What a raw connection can raise."""
CONNECTION_LOST: tuple[type[Exception], ...] = (psycopg.OperationalError, psycopg.InterfaceError)
"""What it raises where it or the server is gone, or where we were the victim of a deadlock: try
again."""


def is_away(error: Exception) -> bool:
    """Whether the same will work later, once the database can be reached or has recovered."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, Exception):
        error = error.orig
    if isinstance(error, (OSError, PoolTimeout)):  # TimeoutError is an OSError
        return True
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return state == _READ_ONLY or (state.startswith(_PASSING) and state != _OUT_OF_MEMORY)
