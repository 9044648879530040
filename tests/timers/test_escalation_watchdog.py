"""An escalation that does not go on is noticed, whatever the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.support.postgres import Database
from tests.timers.escalations import Paging, paging, to_user
from tocsin.message import Named, read
from tocsin.store.escalation_watch import EscalationWatch
from tocsin.timers.escalation_watchdog import OVERDUE, look


@pytest.fixture
def hub(database: Database) -> Iterator[Paging]:
    with paging(database.url) as opened:
        yield opened


def watch(hub: Paging) -> list[str]:
    async def main() -> None:
        connection = await EscalationWatch.open(hub.workspace.url)
        try:
            await look(connection, hub.now)
        finally:
            await connection.close()

    with capture_logs() as logged:
        hub.base.run(main())
    return [each["event"] for each in logged]


def test_what_is_overdue_by_more_than_a_minute_is_said_and_the_fallback_notified_once(
    hub: Paging,
) -> None:
    hub.fallback()
    hub.escalating_rule(hub.policy(to_user(hub.person("U", push=0), minutes=5)))
    alert = hub.send("disk")
    hub.base.advance(300 + 59)
    assert watch(hub) == []
    hub.base.advance(2)
    assert watch(hub) == ["escalations are overdue"]
    assert OVERDUE._value.get() == 1
    (row,) = [row for row in hub.rows(alert) if row["reason"] == "fallback"]
    assert hub.names[row["alert_destination_id"]] == "fallback"
    message = read(
        row["payload"],
        id=row["id"],
        event_type=row["event_type"],
        created_at=hub.now,
        attempt=1,
        at=hub.now,
        workspace=Named(hub.workspace.id, "Default"),
        destination_name="fallback",
    )
    assert message.alert is not None
    assert message.alert.title == "Disk full"
    assert "should have gone on" in str(message.note)
    hub.base.advance(60)
    watch(hub)
    assert [reason for _, _, reason in hub.pages(alert)].count("fallback") == 1
    hub.look()
    assert watch(hub) == []
    assert OVERDUE._value.get() == 0
