"""Packed columns arrive in PostgreSQL as what they were."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.postgres import Database
from tocsin.store import arrays
from tocsin.store.pipe import BEGIN, COMMIT, Pipe
from tocsin.store.statements import parsed

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))


def round_trip(url: str, *columns: arrays.Array) -> list[tuple[Any, ...]]:
    names = [f"c{number}" for number in range(len(columns))]
    given = ", ".join(f"%({name})s" for name in names)
    text = f"SELECT * FROM unnest({given}) AS given ({', '.join(names)})"

    async def run() -> list[tuple[Any, ...]]:
        pipe = await Pipe.open(url, options="-c timezone=UTC")
        try:
            (rows,) = await pipe.run(
                (parsed("round_trip", text.encode()), dict(zip(names, columns, strict=True)))
            )
        finally:
            await pipe.close()
        return rows

    return asyncio.run(run())


def test_columns_arrive_as_they_were(database: Database) -> None:
    row = st.tuples(
        st.none() | st.uuids(),
        st.none() | TEXTS,
        st.integers(-(2**31), 2**31 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.none() | TIMES,
    )

    @given(st.lists(row, max_size=30))
    @settings(max_examples=25, deadline=None)
    def check(rows: list[tuple[Any, ...]]) -> None:
        found = round_trip(
            database.url,
            arrays.optional_uuids([None if r[0] is None else r[0].bytes for r in rows]),
            arrays.optional_texts([r[1] for r in rows]),
            arrays.integers([r[2] for r in rows]),
            arrays.bigints([r[3] for r in rows]),
            arrays.optional_times([r[4] for r in rows]),
        )
        assert found == rows
        whole = [r for r in rows if None not in r]
        found = round_trip(
            database.url,
            arrays.uuids([r[0].bytes for r in whole]),
            arrays.texts([r[1] for r in whole]),
            arrays.encoded([r[1].encode() for r in whole]),
            arrays.times([r[4] for r in whole]),
            arrays.times([r[4] for r in reversed(whole)]),
            arrays.times([r[4] for r in whole]),
        )
        back = [r[4] for r in reversed(whole)]
        assert found == [
            (r[0], r[1], r[1], r[4], other, r[4]) for r, other in zip(whole, back, strict=True)
        ]

    check()


async def test_an_error_names_itself_and_leaves_nothing_behind(database: Database) -> None:
    insert = parsed("insert", b"INSERT INTO configuration (id, version) VALUES (true, %(version)s)")
    divide = parsed("divide", b"SELECT 1 / %(by)s")
    update = parsed("update", b"UPDATE configuration SET version = version + %(by)s")

    pipe = await Pipe.open(database.url, options="")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await pipe.run((BEGIN, {}), (update, {"by": 100}), (insert, {"version": 1}), (COMMIT, {}))
    assert not pipe.is_usable
    pipe = await Pipe.open(database.url, options="")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await pipe.run((divide, {"by": 0}))
    with database.connect() as connection:
        row = connection.execute("SELECT version FROM configuration").fetchone()
    assert row is not None
    assert row[0] < 100


def test_more_than_a_socket_buffer_goes_both_ways(database: Database) -> None:
    many = ["x" * 5_000] * 2_000

    assert round_trip(database.url, arrays.texts(many)) == [(text,) for text in many]


async def test_a_connection_that_is_killed_is_an_operational_error(database: Database) -> None:
    sleep = parsed("sleep", b"SELECT pg_backend_pid()")

    pipe = await Pipe.open(database.url, options="")
    ((row,),) = await pipe.run((sleep, {}))
    with database.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", row)
    with pytest.raises(psycopg.OperationalError):
        await pipe.run((sleep, {}))
