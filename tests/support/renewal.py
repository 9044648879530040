"""A database that a test has used, made as fresh as a clone of the template: that costs a fraction of
dropping it and cloning another.

Its rows go, its sequences begin anew, and what the template holds is put back. Where more was changed (a
table, what `ANALYZE` knows, a setting of the database) nobody mends it: it is said not to be fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

_CATALOGS = (
    "pg_attrdef",
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_extension",
    "pg_index",
    "pg_namespace",
    "pg_proc",
    "pg_sequence",
    "pg_statistic",
    "pg_statistic_ext",
    "pg_trigger",
    "pg_type",
)
"""Whatever is defined, or known of a table, is a row of one of these."""

_SHAPE = " UNION ALL ".join(
    [
        f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}{where}"
        for name in _CATALOGS
        for where in [
            # What the server itself defines is nobody's to change.
            {
                "pg_attribute": " WHERE attrelid >= 16384",
                "pg_class": " WHERE oid >= 16384",
                "pg_proc": " WHERE oid >= 16384",
                "pg_type": " WHERE oid >= 16384",
            }.get(name, "")
        ]
    ]
    + [
        # ANALYZE and VACUUM write these in place.
        "SELECT 'known', sum(relpages), sum(reltuples)::bigint FROM pg_class WHERE oid >= 16384",
        "SELECT 'settings', count(*), 0 FROM pg_db_role_setting WHERE setdatabase ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())",
    ]
)
_TABLES = (
    "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
    " AND pg_relation_size(oid) > 0"
)
_SEQUENCES = "SELECT seqrelid::regclass::text FROM pg_sequence"


@dataclass(frozen=True)
class Fresh:
    """What a clone of the template is like before anybody has used it."""

    shape: tuple[tuple[Any, ...], ...]
    rows: Mapping[str, bytes]
    """Of the tables that are not empty, as COPY writes them."""
    sequences: tuple[str, ...]

    @classmethod
    def of(cls, connection: psycopg.Connection) -> Fresh:
        rows: dict[str, bytes] = {}
        for table in _names(connection, _TABLES):
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                if written := b"".join(bytes(each) for each in copy):
                    rows[table] = written
        sequences = tuple(_names(connection, _SEQUENCES))
        for each in sequences:
            used = connection.execute(f"SELECT is_called FROM {each}").fetchone()
            assert used == (False,), f"the template has used {each}"
        return cls(_shape(connection), rows, sequences)

    def renew(self, connection: psycopg.Connection) -> bool:
        """Make it so again. False if it cannot be.

        Args:
            connection: a superuser's, in autocommit, to a database that nobody else uses.
        """
        if _shape(connection) != self.shape:
            return False
        # Neither triggers nor foreign keys have a say in this.
        statements = ["SET session_replication_role = replica", "BEGIN"]
        statements += [f"DELETE FROM {table}" for table in _names(connection, _TABLES)]
        statements += [f"SELECT setval('{each}', 1, false)" for each in self.sequences]
        connection.execute("; ".join(statements))
        for table, rows in self.rows.items():
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)
        connection.execute("COMMIT; SELECT pg_stat_reset()")
        return True


def _shape(connection: psycopg.Connection) -> tuple[tuple[Any, ...], ...]:
    return tuple(connection.execute(_SHAPE).fetchall())


def _names(connection: psycopg.Connection, query: str) -> list[str]:
    return [name for (name,) in connection.execute(query)]
