"""Words and labels are found by their copy, and as surely as if every alert were read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from tests.support.postgres import Database
from tocsin.model import AlertStatus, utc_now, uuid7
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.store import migrate
from tocsin.store.database import connect, create_engine, reading
from tocsin.store.queries import alert_search
from tocsin.store.queries.alert_list import list_alerts
from tocsin.store.queries.alert_search import narrowed
from tocsin.store.search_copy import copy_changed, copy_missed, copy_new, make_indexes

ONE, TWO = UUID(int=1), UUID(int=2)
LIVE = frozenset({AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED})
OVER = frozenset({AlertStatus.RESOLVED, AlertStatus.CLOSED})


class Alerts:
    def __init__(self, database: Database) -> None:
        self.url = database.url
        self.db: psycopg.Connection[Any] = database.connect()
        for workspace in (ONE, TWO):
            self.db.execute(
                "INSERT INTO workspaces (id, slug, name) VALUES (%s, %s, 'W')",
                [workspace, f"w{workspace.int}"],
            )
            self.db.execute(
                "INSERT INTO tenants (id, workspace_id, slug, name) VALUES (%s, %s, 't', 'T')",
                [workspace, workspace],
            )
            self.db.execute(
                "INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)"
                " VALUES (%s, %s, %s, 'shop', 'generic', '')",
                [workspace, workspace, workspace],
            )

    def add(self, title: str, status: str = "OPEN", workspace: UUID = ONE, **labels: str) -> UUID:
        alert_id = uuid7()
        self.db.execute(
            "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status,"
            " source, triggered_at, last_received_at, last_signal_at, labels, words_digest)"
            " VALUES (%s, %s, %s, %s, %s, 'HIGH', %s, 'shop', now(), now(), now(), %s, %s)",
            [
                *(alert_id, workspace, workspace, workspace, title, status),
                psycopg.types.json.Json(labels),
                uuid7(),
            ],
        )
        return alert_id

    def set(self, alert_id: UUID, **columns: Any) -> None:
        for name, value in columns.items():
            self.db.execute(
                psycopg.sql.SQL(
                    "UPDATE alerts SET {} = %s, words_digest = %s WHERE id = %s"
                ).format(psycopg.sql.Identifier(name)),
                [value, uuid7(), alert_id],
            )

    async def copy(self) -> None:
        async with await connect(self.url) as connection:
            assert await make_indexes(connection)
            while await copy_new(connection, utc_now() + timedelta(minutes=1), 2):
                pass
            while await copy_missed(connection, 2):
                pass
            after: UUID | None = UUID(int=0)
            while after is not None:
                after = await copy_changed(connection, after, 2)

    async def ask(
        self, wanted: AlertFilter, workspace: UUID = ONE
    ) -> tuple[set[UUID], AlertFilter]:
        """What is found, and the filter as the index of words left it."""
        engine = create_engine(self.url, pool_size=1)
        try:
            async with reading(engine) as session:
                meant = await narrowed(session, workspace, wanted)
                rows = await list_alerts(session, workspace, meant, 100)
        finally:
            await engine.dispose()
        return {row.id for row in rows}, meant


@pytest_asyncio.fixture
async def alerts(database: Database) -> AsyncIterator[Alerts]:
    made = Alerts(database)
    yield made
    made.db.close()


def words(*each: str, statuses: frozenset[AlertStatus] = LIVE) -> AlertFilter:
    return AlertFilter(statuses, words=each)


def label(name: str, *values: str, negated: bool = False) -> AlertFilter:
    condition = TextCondition(name, Comparison.IS, values, negated, is_label=True)
    return AlertFilter(LIVE, conditions=(condition,))


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        (words("ALMOST"), True),
        (words("most", "var"), True),
        (words("almost", "giraffe"), False),
        (words("100%"), True),
        (words("100_"), False),
        (words("disk\\x"), False),
        (words("db-7"), False),  # in a label only
        (label("host", "DB-7"), True),
        (label("host", "db-8", "db-7"), True),
        (label("host", "db*"), True),
        (label("host", "b-7"), False),
        (label("other", "*"), True),
        (label("host", "db-7", negated=True), False),
        (AlertFilter(LIVE, conditions=(TextCondition("source", Comparison.IS, ("shop",)),)), True),
        (AlertFilter(LIVE, conditions=(TextCondition("title", Comparison.IS, ("disk*",)),)), True),
        (
            AlertFilter(LIVE, conditions=(TextCondition("title", Comparison.IS, ("almost",)),)),
            False,
        ),
    ],
    ids=lambda each: str(each)[110:190] if isinstance(each, AlertFilter) else None,
)
async def test_the_index_finds_what_reading_finds(
    alerts: Alerts, wanted: AlertFilter, is_found: bool
) -> None:
    alert_id = alerts.add("Disk /var almost 100% full", host="db-7")
    by_reading, _ = await alerts.ask(wanted)
    await alerts.copy()
    by_index, _ = await alerts.ask(wanted)
    assert by_reading == by_index == ({alert_id} if is_found else set())


async def test_what_was_just_committed_is_found_before_it_is_copied(alerts: Alerts) -> None:
    old = alerts.add("pump one")
    await alerts.copy()
    new = alerts.add("pump two")
    found, meant = await alerts.ask(words("pump"))
    assert found == {old, new}
    assert meant.ids is not None


async def test_new_words_are_found_and_old_ones_are_not(alerts: Alerts) -> None:
    alert_id = alerts.add("pump one")
    await alerts.copy()
    alerts.set(alert_id, title="valve")
    assert (await alerts.ask(words("pump")))[0] == set()
    await alerts.copy()
    assert (await alerts.ask(words("valve")))[0] == {alert_id}


async def test_what_ends_and_what_is_opened_again_is_found_where_it_is(alerts: Alerts) -> None:
    alert_id = alerts.add("pump")
    await alerts.copy()
    for status, found_in in (("RESOLVED", OVER), ("OPEN", LIVE)):
        alerts.set(alert_id, status=status)
        await alerts.copy()
        assert (await alerts.ask(words("pump", statuses=found_in)))[0] == {alert_id}
        elsewhere = LIVE | OVER - found_in if found_in is OVER else OVER
        assert (await alerts.ask(words("pump", statuses=elsewhere - found_in)))[0] == set()


async def test_an_alert_that_was_committed_late_is_copied_too(alerts: Alerts) -> None:
    late = uuid7()
    alerts.add("pump one")
    await alerts.copy()
    second = alerts.add("pump two")
    alerts.db.execute("UPDATE alerts SET id = %s WHERE id = %s", [late, second])
    await alerts.copy()
    found, meant = await alerts.ask(words("pump", "two"))
    assert found == {late}
    assert meant.ids is not None


async def test_copies_are_looked_at_some_at_a_time(alerts: Alerts) -> None:
    made = [alerts.add(f"pump {number}") for number in range(5)]
    await alerts.copy()
    for alert_id in made:
        alerts.set(alert_id, title="valve")

    def renewed() -> list[UUID]:
        found = alerts.db.execute(
            "SELECT alert_id FROM alert_search WHERE words LIKE '%valve%' ORDER BY alert_id"
        )
        return [row[0] for row in found]

    async with await connect(alerts.url) as connection:
        after = await copy_changed(connection, UUID(int=0), 2)
        assert after == made[1]
        assert renewed() == made[:2]
        after = await copy_changed(connection, after, 2)
        assert after == made[3]
        assert await copy_changed(connection, after, 2) is None
        assert renewed() == made


async def test_another_workspace_finds_nothing_of_it(alerts: Alerts) -> None:
    alerts.add("pump")
    theirs = alerts.add("pump", workspace=TWO)
    await alerts.copy()
    assert (await alerts.ask(words("pump"), TWO))[0] == {theirs}


async def test_pages_of_what_was_found_follow_each_other(alerts: Alerts) -> None:
    made = {alerts.add(f"pump {number}") for number in range(7)}
    await alerts.copy()
    engine = create_engine(alerts.url, pool_size=1)
    seen: list[UUID] = []
    async with reading(engine) as session:
        place = None
        for _ in range(4):
            meant = await narrowed(session, ONE, words("pump"))
            rows = await list_alerts(session, ONE, meant, 2, place)
            seen += [row.id for row in rows]
            place = alert_search_place(rows[-1]) if rows else place
    await engine.dispose()
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == made


def alert_search_place(row: Any) -> Any:
    from tocsin.store.queries.alert_list import ListPlace

    return ListPlace(row.severity, row.id)


async def test_what_too_many_say_is_read_in_order(
    alerts: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {alerts.add("pump", status="RESOLVED") for _ in range(3)}
    await alerts.copy()
    monkeypatch.setattr(alert_search, "MOST_FOUND", 2)
    found, meant = await alerts.ask(words("pump", statuses=OVER))
    assert found == made
    assert meant == replace(words("pump", statuses=OVER), is_frequent=True)


async def test_a_server_without_trigrams_reads_and_says_so(alerts: Alerts) -> None:
    alert_id = alerts.add("pump")
    await alerts.copy()
    alerts.db.execute("DROP EXTENSION pg_trgm CASCADE")
    found, meant = await alerts.ask(words("pump"))
    assert found == {alert_id}
    assert meant.ids is None
    assert migrate.check(alerts.url) == []


async def test_who_has_it_is_asked_once_and_not_for_every_number(
    alerts: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in (("Ana", 3), ("Ben", 1)):
        for number in range(count):
            alert_id = alerts.add(f"{name} {number}", "ACKNOWLEDGED")
            alerts.db.execute(
                "INSERT INTO alert_events (id, alert_id, kind, at, actor)"
                " VALUES (%s, %s, 'acknowledged', now(), jsonb_build_object('name', %s::text))",
                [uuid7(), alert_id, name],
            )
    anas = TextCondition("owner", Comparison.IS, ("ana",))
    engine = create_engine(alerts.url, pool_size=1)
    try:
        async with reading(engine) as session:
            found = await narrowed(session, ONE, AlertFilter(LIVE, conditions=(anas,)))
            assert len(found.ids or ()) == 3
            listed = await list_alerts(session, ONE, found, 10)
            assert [each.title for each in listed] == ["Ana 2", "Ana 1", "Ana 0"]
            monkeypatch.setattr(alert_search, "MOST_FOUND", 2)
            many = await narrowed(session, ONE, AlertFilter(LIVE, conditions=(anas,)))
            assert (many.ids, many.is_frequent) == (None, True)
            nobody = TextCondition("owner", Comparison.IS, ("nobody", "ana"))
            asked = AlertFilter(LIVE, conditions=(nobody,))
            assert await narrowed(session, ONE, asked) == asked
    finally:
        await engine.dispose()
