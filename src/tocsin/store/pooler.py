"""Whether a connection is ours alone. A pooler in transaction mode (PgBouncer's `pool_mode`) gives the
server's connection to another client after each transaction, and with it prepared statements,
session settings and LISTEN, all of which Tocsin relies on. It shows only under load: before that there
is no other client."""

from __future__ import annotations

import psycopg
from psycopg.rows import scalar_row

_ROUNDS = 3
_CONNECT_SECONDS = 10
_ASK = "SELECT pg_backend_pid()"


class SharedConnectionsError(Exception):
    """The address leads to a pooler that does not keep a connection together; says what to set."""

    def __init__(self) -> None:
        super().__init__(
            "the database's address leads to a pooler that shares connections between transactions "
            "(PgBouncer: pool_mode = transaction or statement), and Tocsin listens and prepares "
            "statements, which last as long as a connection; set pool_mode = session for it, or "
            "let TOCSIN_DATABASE_URL name the server itself"
        )


def require_own_connections(url: str) -> None:
    """Look from two connections which process of the server answers each.

    Raises:
        SharedConnectionsError: both are answered by one, or one by several.
        psycopg.OperationalError: if the database cannot be reached.
    """
    with _connect(url) as one, _connect(url) as other:
        for _ in range(_ROUNDS):
            try:
                before = _answering(one)
                with other.transaction():
                    # In a pool this takes what the first connection has just given back.
                    between = _answering(other)
                    if between == before or _answering(one) != before:
                        raise SharedConnectionsError
            except psycopg.errors.ProtocolViolation:
                # "transaction blocks not allowed in statement pooling mode"
                raise SharedConnectionsError from None


def _connect(url: str) -> psycopg.Connection[int]:
    return psycopg.connect(
        url,
        autocommit=True,
        row_factory=scalar_row,
        connect_timeout=_CONNECT_SECONDS,
        application_name="tocsin",
    )


def _answering(connection: psycopg.Connection[int]) -> int:
    found = connection.execute(_ASK).fetchone()
    assert found is not None
    return found
