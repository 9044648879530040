"""Several prepared statements in one round trip, for the hot path.

psycopg's own pipeline flushes and waits at each statement; with the seven statements of a batch that
was 1.5 ms of Python per batch, more than all else the batch does. This drives libpq's pipeline mode
directly, through psycopg's public wrapper (`psycopg.pq`): queue everything, flush once, read once.
See https://www.postgresql.org/docs/current/libpq-pipeline-mode.html for the states.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

from tocsin.store.arrays import Array, packed
from tocsin.store.database import connect
from tocsin.store.statements import Statement, parsed

Row = Any
"""A named tuple: its fields are the columns of its statement."""

Call = tuple[Statement, Mapping[str, Any]]

BEGIN = parsed("begin", b"BEGIN")
COMMIT = parsed("commit", b"COMMIT")
ROLLBACK = parsed("rollback", b"ROLLBACK")
PING = parsed("ping", b"SELECT")

# Nested loops over the primary and partial indexes are right for the statements of alert transactions
# whatever the statistics say; a plan made while the tables were empty must not survive to five million
# rows, nor one that reads all live alerts, because there were few of them when somebody last counted.
PLANNER = (
    "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
    " -c enable_material=off -c enable_memoize=off -c jit=off"
    " -c plan_cache_mode=force_generic_plan -c timezone=UTC"
)

_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)


class HeldCalls:
    """Calls that go before the next trip, or with it; `rows` of each, once that is over."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = calls
        self.rows: list[list[Row]] | None = None
        self.expected: list[Statement | None] = []
        """The results to come, where they are on their way."""


class Pipe:
    """One connection. Not for concurrent use; a transaction is the caller's to begin and end."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._row_makers: dict[str, Callable[..., Row]] = {}
        self._transformer = Transformer.from_context(connection)
        self._held: HeldCalls | None = None
        self._pgconn.enter_pipeline_mode()
        self._pgconn.nonblocking = 1

    @classmethod
    async def open(cls, url: str, *, options: str) -> Pipe:
        """Connects, and puts the connection into pipeline mode.

        Raises:
            psycopg.OperationalError: the server cannot be reached.
        """
        return cls(await connect(url, options=options))

    @property
    def is_usable(self) -> bool:
        return not self._connection.closed and self._pgconn.status == pq.ConnStatus.OK

    async def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            await self._connection.close()

    def hold(self, *calls: Call) -> HeldCalls:
        """Send these before what `run` is given next, in the same trip."""
        self._held = HeldCalls(calls)
        return self._held

    def send_held(self) -> None:
        """Send them now, so that the server works on them until the next trip; nobody waits for it."""
        if self._held is not None and not self._held.expected:
            for call in self._held.calls:
                self._queue(call, self._held.expected)
            self._pgconn.flush()

    def drop_held(self) -> bool:
        """Send them never; whether that was still possible."""
        if self._held is None or self._held.expected:
            return False
        self._held = None
        return True

    async def run(self, *calls: Call) -> list[list[Row]]:
        """Execute in order, in one round trip; the rows of each, their values loaded as psycopg
        loads them.

        Raises:
            psycopg.Error: the error of the first statement that failed. Nothing of the transaction
                remains, and the pipe is closed.
        """
        expected: list[Statement | None] = []
        held, self._held = self._held, None
        if held is not None and held.expected:
            expected = held.expected
        elif held is not None:
            calls = (*held.calls, *calls)
        for call in calls:
            self._queue(call, expected)
        self._pgconn.pipeline_sync()
        await self._flush()
        rows = await self._results(expected)
        if held:
            held.rows, rows = rows[: len(held.calls)], rows[len(held.calls) :]
        return rows

    def _queue(self, call: Call, expected: list[Statement | None]) -> None:
        """Send one call; `expected` gets one entry per result to come, None for a preparation."""
        statement, parameters = call
        given = [parameters[name] for name in statement.parameters]
        values = [each if type(each) is Array else packed(each) for each in given]
        oids = tuple([value.oid for value in values])
        key = (statement.name, oids)
        name = self._prepared.get(key)
        if name is None:
            name = b"tocsin_%d" % len(self._prepared)
            self._pgconn.send_prepare(name, statement.sql, oids)
            self._prepared[key] = name
            expected.append(None)
        self._pgconn.send_query_prepared(
            name,
            [value.data for value in values],
            param_formats=[pq.Format.BINARY] * len(values),
            result_format=pq.Format.BINARY,
        )
        expected.append(statement)

    async def _flush(self) -> None:
        while self._pgconn.flush():
            # The server may be sending while it does not read: take what it says meanwhile.
            await self._ready(write=True)
            self._pgconn.consume_input()

    async def _results(self, expected: list[Statement | None]) -> list[list[Row]]:
        rows: list[list[Row]] = []
        error: psycopg.Error | None = None
        for call in expected:
            for result in await self._fetch():
                if result.status in _FAILED and error is None:
                    error = error_from_result(result)
                elif call is not None and error is None:
                    rows.append(self._load(call, result))
        await self._fetch_sync()
        if error is not None:
            # The transaction is aborted and what this trip was to prepare may be missing: errors
            # are rare, so a new connection is the simplest way back to a known state.
            await self.close()
            raise error
        return rows

    async def _fetch(self) -> list[pq.abc.PGresult]:
        """The results of one statement: libpq ends each with a null."""
        results: list[pq.abc.PGresult] = []
        while True:
            while self._pgconn.is_busy():
                await self._ready()
                self._pgconn.consume_input()
            result = self._pgconn.get_result()
            if result is None:
                return results
            results.append(result)

    async def _fetch_sync(self) -> None:
        while self._pgconn.is_busy():
            await self._ready()
            self._pgconn.consume_input()
        result = self._pgconn.get_result()
        if result is None or result.status != pq.ExecStatus.PIPELINE_SYNC:
            raise psycopg.OperationalError("the connection lost step with the server")

    def _load(self, call: Statement, result: pq.abc.PGresult) -> list[Row]:
        if not result.ntuples:
            return []
        make = self._row_makers.get(call.name)
        if make is None:
            make = self._row_makers[call.name] = _row_maker(call.name, result)
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, make)

    async def _ready(self, *, write: bool = False) -> None:
        """Until the socket can be read, or written to.

        Raises:
            psycopg.OperationalError: the connection is gone.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        try:
            socket = self._pgconn.socket
        except psycopg.OperationalError:
            raise psycopg.OperationalError("the connection to the database is gone") from None

        def ready() -> None:
            if not future.done():
                future.set_result(None)

        loop.add_reader(socket, ready)
        if write:
            loop.add_writer(socket, ready)
        try:
            await future
        finally:
            loop.remove_reader(socket)
            if write:
                loop.remove_writer(socket)


def _row_maker(name: str, result: pq.abc.PGresult) -> Callable[..., Row]:
    columns = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
    row: Any = namedtuple(name, columns)  # type: ignore[misc]
    make: Callable[..., Row] = row._make
    return make
