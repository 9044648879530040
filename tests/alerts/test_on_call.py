"""Who is on call, as a transaction of alerts sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.oncall.builders import ANN, BEN, LAYER, layer, rotation
from tests.support.postgres import Database
from tocsin.alerts.on_call import who_is_on_call
from tocsin.model import uuid7
from tocsin.oncall.documents import layer_document
from tocsin.oncall.policy import OnDuty
from tocsin.store.pipe import PLANNER, Pipe

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAILY = layer_document(layer(rotation("daily", "2026-06-01", "00:00"), ANN, BEN))


def add_schedule(url: str, *versions: tuple[datetime, list[dict]], fallback: UUID | None) -> UUID:
    id = uuid7()
    with psycopg.connect(url, autocommit=True) as connection:
        (workspace,) = connection.execute("SELECT id FROM workspaces").fetchone()
        for user, name in ((ANN, "ann"), (BEN, "ben")):
            connection.execute(
                "INSERT INTO users (id, email, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (user, f"{name}@example.com", name),
            )
        connection.execute(
            "INSERT INTO schedules (id, workspace_id, name, timezone, layers, effective_from)"
            " VALUES (%s, %s, %s, 'UTC', '[]', %s)",
            (id, workspace, str(id), versions[-1][0]),
        )
        for number, (since, layers) in enumerate(versions):
            until = versions[number + 1][0] if number + 1 < len(versions) else None
            connection.execute(
                "INSERT INTO schedule_versions VALUES (%s, %s, %s, 'UTC', %s, %s, NULL)",
                (id, since, until, Jsonb(layers), fallback),
            )
    return id


@pytest.fixture
def url(database: Database) -> str:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO workspaces (id, slug, name) VALUES (%s, 'one', 'one')", (uuid7(),)
        )
    return database.url


async def test_each_schedule_is_answered_by_the_version_and_the_overrides_of_that_time(url: str):
    always = datetime(2026, 1, 1, tzinfo=UTC)
    plain = add_schedule(url, (always, [DAILY]), fallback=None)
    emptied = add_schedule(url, (always, [DAILY]), (NOON, []), fallback=BEN)
    empty = add_schedule(url, (always, []), fallback=None)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO schedule_overrides (id, workspace_id, schedule_id, kind, starts_at, ends_at,"
            " substitute_user_id, author) SELECT %s, workspace_id, id, 'cover', %s, %s, %s, 'x'"
            " FROM schedules WHERE id = %s",
            (uuid7(), NOON, NOON + timedelta(hours=1), BEN, plain),
        )
    pipe = await Pipe.open(url, options=PLANNER)
    try:
        asked = [plain, emptied, empty, uuid7()]
        before = await who_is_on_call(pipe, asked, NOON - timedelta(seconds=1))
        assert before == {
            plain: [OnDuty(ANN, None, "layer Primary, turn 1")],
            emptied: [OnDuty(ANN, None, "layer Primary, turn 1")],
            empty: [],
        }
        after = await who_is_on_call(pipe, asked, NOON)
        assert after == {
            plain: [OnDuty(BEN, None, "override")],
            emptied: [OnDuty(BEN, None, "fallback")],
            empty: [],
        }
        assert await who_is_on_call(pipe, [], NOON) == {}
    finally:
        await pipe.close()
    assert DAILY["id"] == str(LAYER)
