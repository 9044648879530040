"""What retention says it would delete is what it deletes; and it reads no whole table to say so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.support.postgres import Database
from tests.timers.test_retention import BEFORE, NEW, OLD, ONE, Past, _fill, _plan, id_at
from tocsin.model import KeptHistory
from tocsin.model.ids import uuid7_at_least
from tocsin.store.database import connect, create_engine, reading
from tocsin.store.queries import retention_figures
from tocsin.store.queries.retention import sweep_old
from tocsin.store.queries.retention_figures import (
    ALL_TABLES,
    OWN_TABLES,
    HistoryFigures,
    figures_of_installation,
    figures_of_workspace,
    statement_of_figures,
)
from tocsin.store.queries.retention_passes import newest_passes

pytestmark = pytest.mark.unused_database

ALL = dict.fromkeys(KeptHistory, BEFORE)
OTHER = UUID(int=7)


@pytest.fixture
def past(database: Database) -> Past:
    return Past(database)


async def figures(
    past: Past, workspace_id: UUID | None, before: Mapping[KeptHistory, datetime] = ALL
) -> dict[str, HistoryFigures]:
    """Of a workspace; None: of the installation."""
    engine = create_engine(past.url, pool_size=1)
    try:
        async with reading(engine) as session:
            found = (
                await figures_of_installation(session, before)
                if workspace_id is None
                else await figures_of_workspace(session, workspace_id, before)
            )
    finally:
        await engine.dispose()
    return {each.table: each for each in found}


async def swept(past: Past) -> None:
    async with await connect(past.url) as connection:
        await sweep_old(connection, ALL)


def a_history(past: Past) -> None:
    """Some of each that goes, and some that stays: too young, live, still to be sent, or mentioned."""
    for number in range(3):
        past.alert(OLD, number=number)
    gone = past.alert(OLD - timedelta(days=1))
    past.message(OLD, gone)
    waiting = past.alert(OLD - timedelta(days=2))
    past.message(OLD - timedelta(days=2), waiting, "queued")
    told_of_lately = past.alert(OLD - timedelta(days=3))
    past.message(NEW, told_of_lately)
    past.alert(OLD - timedelta(days=4), "OPEN")
    past.alert(NEW)
    for at in (OLD, OLD - timedelta(days=1), NEW):
        past.webhook(at, None)
        past.audit(at)
    past.db.execute("UPDATE webhook_deliveries SET created_at = processed_at")


@pytest.mark.parametrize("workspace_id", [ONE, None], ids=["a workspace", "the installation"])
async def test_what_goes_next_is_what_the_next_pass_deletes(
    past: Past, workspace_id: UUID | None
) -> None:
    a_history(past)
    before = await figures(past, workspace_id)
    counts = {table: past.count(table) for table in before}
    assert {table: each.rows.number for table, each in before.items()} == counts

    await swept(past)

    due = {table: each.due.number for table, each in before.items() if each.due is not None}
    assert due == {table: counts[table] - past.count(table) for table in due}
    assert due["alerts"] == 4
    assert due["alert_deliveries"] == 1
    after = await figures(past, workspace_id)
    assert [each.due.number for each in after.values() if each.due is not None] == [0] * 6


async def test_the_oldest_that_is_left(past: Past) -> None:
    a_history(past)
    found = await figures(past, ONE)
    assert found["webhook_deliveries"].oldest_at == OLD - timedelta(days=1)
    assert found["audit_events"].oldest_at == OLD - timedelta(days=1)
    assert found["bulk_actions"].oldest_at is None
    assert (await figures(past, None))["audit_events"].oldest_at == OLD - timedelta(days=1)


async def test_a_workspace_is_told_of_its_own(past: Past) -> None:
    a_history(past)
    past.db.execute("INSERT INTO workspaces (id, slug, name) VALUES (%s, 'o', 'O')", [OTHER])
    found = await figures(past, OTHER)
    assert {(each.rows.number, each.oldest_at) for each in found.values()} == {(0, None)}
    assert all(each.size is None for each in found.values())


async def test_what_is_too_much_to_count_is_estimated(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_figures, "MOST_ROWS", 10)
    monkeypatch.setattr(retention_figures, "MOST_DUE", 10)
    for number in range(200):
        past.alert(OLD, number=number)
    past.db.execute("ANALYZE alerts")
    for workspace_id in (ONE, None):
        found = (await figures(past, workspace_id))["alerts"]
        assert found.rows.words == "about 200"
        assert found.due is not None
        assert found.due.words == "about 200"


async def test_of_more_senders_than_are_looked_at_there_may_be_more(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_figures, "MOST_OWNERS", 1)
    past.db.execute(
        "INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)"
        " VALUES (%s, %s, %s, 'second', 'generic', '')",
        [OTHER, ONE, ONE],
    )
    past.webhook(OLD, None)
    assert (await figures(past, ONE))["webhook_deliveries"].rows.words.startswith("more than ")


async def test_each_pass_is_noted_with_what_it_deleted(past: Past) -> None:
    engine = create_engine(past.url, pool_size=1)
    a_history(past)
    try:
        async with reading(engine) as session:
            assert await newest_passes(session) == {}
        await swept(past)
        async with reading(engine) as session:
            first = await newest_passes(session)
        await swept(past)
        async with reading(engine) as session:
            second = await newest_passes(session)
    finally:
        await engine.dispose()
    assert first.keys() == set(KeptHistory)
    assert first[KeptHistory.WEBHOOKS].deleted == first[KeptHistory.WEBHOOKS].last_deleted == 2
    assert first[KeptHistory.OTHER].last_deleted_at is None
    again = second[KeptHistory.WEBHOOKS]
    assert (again.deleted, again.last_deleted) == (0, 2)
    assert again.last_deleted_at == first[KeptHistory.WEBHOOKS].last_deleted_at
    assert again.ended_at is not None
    assert again.began_at > first[KeptHistory.WEBHOOKS].began_at


def test_no_figure_reads_a_whole_table(past: Past) -> None:
    _fill(past)
    past.db.execute("BEGIN")
    past.db.execute(retention_figures._BY_INDEX.encode())
    values = {
        "workspace_id": ONE,
        "integration_ids": [ONE],
        "heartbeat_ids": [ONE],
        "before": OLD - timedelta(days=300),
        "bound": uuid7_at_least(OLD - timedelta(days=300)),
        "messages_bound": id_at(OLD - timedelta(days=300)),
    }
    for own in OWN_TABLES:
        plan = _plan(past, statement_of_figures(own.table, own.own, own.of_each), values)
        assert "Seq Scan" not in plan, plan
        assert "Sort" not in plan, plan
    for table in ALL_TABLES:
        plan = _plan(past, statement_of_figures(table, "true", None), values)
        assert "Seq Scan" not in plan, plan
        assert "Sort" not in plan, plan
