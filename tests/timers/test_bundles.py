"""The pages of one person, by a clock that a test moves: what exceeds a budget goes as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.support.postgres import Database
from tests.timers.escalations import Paging, paging, to_user
from tocsin.model import Action
from tocsin.routing.bundle import bundle_id
from tocsin.routing.group import GroupKind
from tocsin.store.delivery_queue import DeliveryQueue

WAITS = ("deferred", "bundled")


class Pages:
    """U, who is paged by push at once and by call after five minutes, and a dispatcher that feeds what
    gathers."""

    def __init__(self, hub: Paging) -> None:
        self.hub = hub
        hub.gather()
        self.queue = hub.base.run(DeliveryQueue.open(hub.workspace.url, "node", 30.0))
        self.user = hub.person("U", push=0, call=5)
        self.contacts = {name: id for id, name in hub.names.items()}
        hub.escalating_rule(hub.policy(to_user(self.user, minutes=600)))

    def close(self) -> None:
        self.hub.base.run(self.queue.close())

    def begin(self, contact: str = "push of U", budget: float = 30) -> None:
        """Its budget is used up."""
        contact_id = self.contacts[contact]
        (waiting,) = self.hub.base.run(self.queue.rates.count_pages([contact_id], 100))
        assert waiting.alert_destination_id == contact_id
        id = bundle_id(contact_id)
        self.hub.base.run(self.queue.rates.begin_storm(id, GroupKind.PAGES, waiting, budget))
        self.hub.sql("UPDATE alert_groups SET opened_at = %s", self.hub.now)
        self.look()

    def look(self) -> None:
        """What a claim does first, and the leader then."""
        self.hub.base.run(self.queue.rates.gather_storms(list(self.contacts.values())))
        # Its clock is the database's, which is ahead of the test's.
        self.hub.sql("UPDATE alert_groups SET look_at = %s WHERE look_at <= now()", self.hub.now)
        self.hub.look()

    def after(self, seconds: float) -> None:
        self.hub.base.advance(seconds)
        self.hub.look()
        self.look()

    def many(self, count: int, name: str = "disk", **fields: Any) -> list[UUID]:
        return [
            self.hub.send(f"{name}-{number}", **{"severity": "HIGH", **fields})
            for number in range(count)
        ]

    def bundles(self) -> list[dict[str, Any]]:
        return [row for row in self.hub.rows() if row["event_type"] == "alerts.pages"]

    def titles(self) -> list[str]:
        return [row["payload"]["group"]["title"] for row in self.bundles()]

    def of(self, alert_id: UUID, contact: str = "push of U") -> list[tuple[str, str]]:
        return [page[1:] for page in self.hub.pages(alert_id) if page[0] == contact]


@pytest.fixture
def pages(database: Database) -> Iterator[Pages]:
    with paging(database.url) as hub:
        opened = Pages(hub)
        yield opened
        opened.close()


def test_what_exceeds_the_budget_goes_as_one_and_every_page_names_it(pages: Pages) -> None:
    alerts = pages.many(12) + pages.many(2, "db", severity="CRITICAL")
    pages.begin()
    assert {pages.of(alert)[0] for alert in alerts} == {WAITS}
    assert pages.titles() == []
    pages.after(1)
    assert pages.titles() == ["14 alerts, 2 critical"]
    (bundle,) = pages.bundles()
    content = bundle["payload"]
    assert (bundle["status"], bundle["reason"]) == ("queued", "escalation")
    assert content["group"]["changes"]["new"] == 14
    assert [each["severity"] for each in content["alerts"]] == ["CRITICAL"] * 2 + ["HIGH"] * 8
    assert content["group"]["more"] == 4
    for alert in alerts:
        (row,) = [row for row in pages.hub.rows(alert) if row["reason"] == "bundled"]
        assert row["carried_by"] == bundle["id"]
    listed = pages.hub.sql(
        "SELECT count(*) FROM alert_delivery_alerts WHERE alert_delivery_id = %s", bundle["id"]
    )
    assert listed == [(10,)]
    pages.hub.deliver()
    assert {pages.of(alert)[0] for alert in alerts} == {("sent", "bundled")}


def test_the_next_goes_when_the_contact_method_takes_another_and_at_once_when_it_is_worse(
    pages: Pages,
) -> None:
    pages.many(3)
    pages.begin()
    pages.after(1)
    pages.many(2, "second")
    pages.look()
    pages.after(5)
    assert pages.titles() == ["3 alerts"]
    pages.hub.send("worse", severity="CRITICAL")
    pages.look()
    assert pages.titles() == ["3 alerts", "3 alerts, 1 critical"]
    assert pages.bundles()[-1]["payload"]["alerts"][0]["external_id"] == "worse"
    pages.many(4, "third", severity="CRITICAL")
    pages.look()
    pages.after(9)
    assert len(pages.titles()) == 2
    pages.after(1)
    assert pages.titles()[2:] == ["4 alerts, 4 critical"]


def test_one_page_goes_in_its_own_words_and_what_is_calm_is_over(pages: Pages) -> None:
    first = pages.many(2)
    pages.begin()
    pages.after(1)
    pages.hub.deliver()
    late = pages.hub.send("late")
    pages.look()
    assert pages.of(late) == [WAITS]
    pages.hub.base.advance(10)
    pages.hub.look()
    assert pages.of(late) == [("queued", "escalation")]
    assert len(pages.titles()) == 1
    assert pages.hub.sql("SELECT count(*) FROM alert_groups") == [(0,)]
    assert {pages.of(alert)[0] for alert in first} == {("sent", "bundled")}


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (Action.ACKNOWLEDGE, "acknowledged_before_sent"),
        (Action.RESOLVE, "resolved_before_sent"),
        (Action.CLOSE, "resolved_before_sent"),
    ],
)
def test_a_page_that_is_over_before_it_is_said_is_canceled(
    pages: Pages, action: Action, reason: str
) -> None:
    alerts = pages.many(4)
    pages.begin()
    pages.hub.base.act(alerts[0], action)
    assert pages.of(alerts[0]) == [("canceled", reason)]
    pages.after(1)
    assert pages.titles() == ["3 alerts"]
    # One that a message carries that is not sent yet is canceled, too.
    pages.hub.base.act(alerts[1], action)
    assert pages.of(alerts[1]) == [("canceled", reason)]


def test_pages_whose_delay_is_over_are_gathered_too(pages: Pages) -> None:
    alerts = pages.many(5)
    pages.hub.deliver()
    pages.hub.after(300)
    assert {pages.of(alert, "call of U")[0] for alert in alerts} == {("queued", "escalation")}
    # A dispatcher goes by the database's clock.
    pages.hub.sql("UPDATE alert_deliveries SET send_after = now() WHERE send_after IS NOT NULL")
    pages.begin("call of U", budget=1.25)
    pages.after(1)
    assert pages.titles() == ["5 alerts"]
    pages.many(1, "late")
    pages.hub.deliver()
    pages.after(239)
    assert len(pages.titles()) == 1


def test_a_second_page_of_an_alert_takes_the_place_of_one_that_waits(pages: Pages) -> None:
    first, _ = pages.many(2)
    pages.begin()
    pages.hub.base.act(first, Action.ACKNOWLEDGE)
    pages.hub.send("disk-0", severity="CRITICAL")
    pages.look()
    assert pages.of(first)[-1] == WAITS
    pages.after(1)
    assert pages.titles() == ["2 alerts, 1 critical"]


def test_holds_do_not_take_out_what_waits(pages: Pages) -> None:
    """As with every page that is on its way: what a hold holds is the escalation."""
    alerts = pages.many(3)
    pages.begin()
    pages.hub.silence(600)
    pages.hub.restart()
    pages.after(1)
    assert pages.titles() == ["3 alerts"]
    assert {pages.of(alert)[0] for alert in alerts} == {WAITS}


def test_it_is_one_person_whichever_tenants_page_them(pages: Pages) -> None:
    pages.many(2)
    pages.many(2, "theirs", tenant="acme")
    pages.begin()
    pages.after(1)
    assert pages.titles() == ["4 alerts"]
    tenants = {each["tenant_id"] for each in pages.bundles()[0]["payload"]["alerts"]}
    assert (pages.bundles()[0]["payload"].get("tenant") is None) == (len(tenants) > 1)


def test_a_restart_in_between_changes_nothing(pages: Pages) -> None:
    pages.many(3)
    pages.begin()
    pages.hub.restart()
    pages.after(1)
    assert pages.titles() == ["3 alerts"]
    pages.hub.restart()
    pages.after(20)
    assert pages.titles() == ["3 alerts"]
