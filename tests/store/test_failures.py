from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tocsin.store.failures import is_away


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.errors.QueryCanceled(), True),
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (PoolTimeout(), True),
        (OperationalError("SELECT", {}, psycopg.OperationalError("gone")), True),
        # More locks than there are: a smaller batch may do.
        (psycopg.errors.OutOfMemory(), False),
        (psycopg.errors.DataError(), False),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.UndefinedColumn(), False),
        (OperationalError("SELECT", {}, psycopg.errors.DataError()), False),
        (RuntimeError(), False),
    ],
)
def test_what_passes_by_itself(error: Exception, away: bool) -> None:
    assert is_away(error) is away
