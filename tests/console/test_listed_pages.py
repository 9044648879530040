"""The links of a message about several alerts act on those that it lists, and on no other."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from tests.console.test_act_page import Page, page
from tests.support.outbox import NOON
from tocsin.access.links import LinkAction
from tocsin.model import uuid7

__all__ = ["page"]


def another(page: Page, title: str, status: str = "OPEN") -> UUID:
    id = uuid7()
    box = page.outbox
    box.db.execute(
        "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status,"
        " source, external_id, triggered_at, last_received_at, last_signal_at)"
        " VALUES (%s, %s, %s, %s, %s, 'HIGH', %s, 'shop', %s, %s, %s, %s)",
        [id, box.workspace_id, box.tenant_id, box.integration_id, title, status, title]
        + [NOON] * 3,
    )
    return id


def message(page: Page, alerts: list[UUID]) -> UUID:
    id, box = uuid7(), page.outbox
    box.db.execute(
        "INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id,"
        " alert_destination_id, event_type, status, reason)"
        " VALUES (%s, %s, %s, %s, %s, 'alerts.group', 'sent', 'rule')",
        [id, box.workspace_id, box.tenant_id, box.rule_id, page.destination_id],
    )
    for place, alert in enumerate(alerts):
        box.db.execute("INSERT INTO alert_delivery_alerts VALUES (%s, %s, %s)", [id, alert, place])
    return id


def statuses(page: Page) -> dict[str, str]:
    rows = page.outbox.db.execute("SELECT title, status::text FROM alerts")
    return {str(row[0]): str(row[1]) for row in rows if not row[0].startswith("<b>")}


def act(page: Page, action: LinkAction, subject: UUID) -> Any:
    token = page.link(action, subject_id=subject)
    return page.submit(token, page.signer.code(token))


def test_it_acts_on_what_is_listed_and_not_on_what_came_later(page: Page) -> None:
    listed = [another(page, "one"), another(page, "two"), another(page, "over", "RESOLVED")]
    subject = message(page, listed)
    another(page, "later")

    shown = page.get(page.link(LinkAction.ACKNOWLEDGE_LISTED, subject_id=subject)).body.decode()
    assert "Acknowledge these 3 alerts?" in shown
    assert "one" in shown
    assert "later" not in shown
    answer = act(page, LinkAction.ACKNOWLEDGE_LISTED, subject)

    assert answer.status == 200
    assert "2 are acknowledged, 1 is resolved." in answer.body.decode()
    assert statuses(page) == {
        "one": "ACKNOWLEDGED",
        "two": "ACKNOWLEDGED",
        "over": "RESOLVED",
        "later": "OPEN",
    }
    again = page.get(page.link(LinkAction.ACKNOWLEDGE_LISTED, subject_id=subject))
    assert "Nothing left to do" in again.body.decode()
    assert act(page, LinkAction.RESOLVE_LISTED, subject).status == 200
    assert statuses(page)["one"] == "RESOLVED"


def test_no_more_than_the_message_shows_is_acted_on(page: Page) -> None:
    subject = message(page, [another(page, f"alert {place}") for place in range(12)])

    act(page, LinkAction.RESOLVE_LISTED, subject)

    left = [title for title, status in statuses(page).items() if status == "OPEN"]
    assert sorted(left) == ["alert 10", "alert 11"]


def test_a_wrong_code_changes_nothing(page: Page) -> None:
    subject = message(page, [another(page, "one")])
    token = page.link(LinkAction.RESOLVE_LISTED, subject_id=subject)

    assert page.submit(token, page.wrong_code(token)).status == 403
    assert statuses(page) == {"one": "OPEN"}


def test_the_link_that_only_shows_lists_them(page: Page) -> None:
    subject = message(page, [another(page, "one"), another(page, "two")])
    token = page.link(LinkAction.VIEW_LISTED, subject_id=subject, recipient="")
    answer = page.client.request("GET", f"/alerts/listed/{subject}?view={token}")

    assert answer.status == 200
    assert "one" in answer.body.decode()
    assert "two" in answer.body.decode()
    assert "<form" not in answer.body.decode()
    # Neither kind of token opens what the other is for.
    assert page.client.request("GET", f"/alerts/{subject}?view={token}").status == 404
    single = page.link(LinkAction.VIEW)
    path = f"/alerts/listed/{page.alert_id}?view={single}"
    assert page.client.request("GET", path).status == 404


def test_the_link_that_shows_them_acts_on_them_with_the_code(page: Page) -> None:
    subject = message(page, [another(page, "one"), another(page, "two")])
    token = page.link(LinkAction.VIEW_LISTED, subject_id=subject)
    shown = page.client.request("GET", f"/alerts/listed/{subject}?view={token}").body.decode()

    acknowledge, _ = re.findall(r'action="\.\./\.\./a/([^"]+)"', shown)
    assert f'href="/deliveries/{subject}"' in shown
    assert page.submit(acknowledge, page.signer.code(token)).status == 200
    assert statuses(page) == {"one": "ACKNOWLEDGED", "two": "ACKNOWLEDGED"}


def test_a_message_of_another_destination_is_not_there(page: Page) -> None:
    subject = message(page, [another(page, "one")])
    token = page.link(LinkAction.VIEW_LISTED, subject_id=subject, destination_id=uuid7())

    assert page.client.request("GET", f"/alerts/listed/{subject}?view={token}").status == 404
