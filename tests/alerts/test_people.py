from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.support.postgres import Database
from tests.support.workspace import Workspace
from tocsin.alerts.people import person_of
from tocsin.model import Urgency, utc_now, uuid7
from tocsin.oncall.contacts import PageReason, Person, Unreachable, plan_pages
from tocsin.store.database import create_engine
from tocsin.store.people import load_all_people, load_people

AT = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)


@pytest.fixture
def workspace(database: Database) -> Workspace:
    return Workspace(database.url)


def loaded(workspace: Workspace, *user_ids: UUID) -> Mapping[UUID, Person]:
    """As both ways of loading have them."""

    async def load() -> Mapping[UUID, Person]:
        engine = create_engine(workspace.url, pool_size=1)
        try:
            async with engine.connect() as connection:
                some = await load_people(connection, workspace.id, user_ids)
                every = (await load_all_people(connection)).get(workspace.id, {})
        finally:
            await engine.dispose()
        assert {id: every[id] for id in some} == some
        return {id: person_of(row) for id, row in some.items()}

    return asyncio.run(load())


def test_a_person_is_paged_as_their_rules_say(workspace: Workspace) -> None:
    ana = workspace.user("Ana", timezone="Europe/Vienna")
    first, second = workspace.contact_method(ana), workspace.contact_method(ana)
    workspace.notification_rules(ana, "high", (180, first), (0, second))
    person = loaded(workspace, ana)[ana]

    pages = plan_pages(person, Urgency.HIGH, AT)
    assert not isinstance(pages, Unreachable)
    assert [(page.delay, page.contact_method_id) for page in pages] == [
        (timedelta(0), second),
        (timedelta(minutes=3), first),
    ]
    assert (person.name, person.timezone) == ("Ana", "Europe/Vienna")


def test_quiet_hours_are_those_of_the_person(workspace: Workspace) -> None:
    window = {"days": ["wed"], "start": "22:00", "end": "07:00", "timezone": "UTC"}
    ana = workspace.user(quiet_hours=Json([window]))
    workspace.contact_method(ana)

    pages = plan_pages(loaded(workspace, ana)[ana], Urgency.LOW, AT)
    assert not isinstance(pages, Unreachable)
    assert [(page.delay, page.reason) for page in pages] == [
        (timedelta(hours=7, minutes=30), PageReason.QUIET_HOURS)
    ]


def test_what_is_deleted_is_not_there(workspace: Workspace) -> None:
    ana = workspace.user("Ana")
    workspace.contact_method(ana, config=Json({}), deleted_at=utc_now(), is_enabled=False)
    ben = workspace.user("Ben", is_active=False, deleted_at=utc_now())
    everybody = loaded(workspace, ana, ben)

    assert everybody[ana].contact_methods == ()
    assert ben not in everybody


def test_a_disabled_person_and_what_is_not_verified_are_known_as_such(workspace: Workspace) -> None:
    ana = workspace.user("Ana", is_active=False)
    workspace.contact_method(ana)
    ben = workspace.user("Ben")
    workspace.contact_method(ben, is_verified=False)
    everybody = loaded(workspace, ana, ben)

    assert plan_pages(everybody[ana], Urgency.HIGH, AT) is Unreachable.USER_DISABLED
    assert plan_pages(everybody[ben], Urgency.HIGH, AT) is Unreachable.NO_CONTACT


def test_what_belongs_to_another_workspace_is_not_there(workspace: Workspace) -> None:
    ana = workspace.user("Ana")
    other = uuid7()
    workspace.insert("workspaces", id=other, slug="other", name="Other")
    workspace.insert("memberships", user_id=ana, workspace_id=other, role="viewer")
    elsewhere = workspace.contact_method(ana)
    workspace.sql(
        "UPDATE alert_destinations SET workspace_id = %s WHERE id = %s RETURNING id",
        other,
        elsewhere,
    )

    assert loaded(workspace, ana)[ana].contact_methods == ()
