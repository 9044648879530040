"""The link that shows an alert: to whoever holds it, for a day, and no other alert. With the code of its
message it acts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.console.test_act_page import Page, page
from tests.support.outbox import NOON
from tocsin.access.links import LinkAction
from tocsin.model import utc_now, uuid7

__all__ = ["page"]


def get(page: Page, token: str, alert_id: Any = None) -> Any:
    return page.client.request("GET", f"/alerts/{alert_id or page.alert_id}?view={token}")


def test_a_link_that_names_no_reader_shows_the_alert_and_offers_nothing_to_do(page: Page) -> None:
    answer = get(page, page.link(LinkAction.VIEW, recipient=""))

    assert answer.status == 200
    assert "&lt;b&gt;Disk&lt;/b&gt;" in answer.body.decode()
    assert "CRITICAL" in answer.body.decode()
    assert "<form" not in answer.body.decode()
    assert answer.headers["cache-control"] == "no-store"
    assert page.status() == "OPEN"


def test_of_an_alert_that_has_ended_it_asks_for_nothing(page: Page) -> None:
    link = page.link(LinkAction.VIEW)
    assert "<form" in get(page, link).body.decode()
    resolve = page.link(LinkAction.RESOLVE)
    page.submit(resolve, page.signer.code(resolve))
    assert page.status() == "RESOLVED"
    shown = get(page, link).body.decode()
    assert "nothing is left to do" in shown
    assert "<form" not in shown


def test_it_acknowledges_with_the_code_of_the_message(page: Page) -> None:
    link = page.link(LinkAction.VIEW)
    shown = get(page, link).body.decode()
    places = re.findall(r'action="\.\./(a/[^"]+)"', shown)
    assert re.findall(r"<button[^>]*>(\w+)</button>", shown) == ["Acknowledge", "Resolve"]
    assert len(places) == 2
    assert page.signer.code(link) not in shown

    token = places[0].removeprefix("a/")
    assert page.submit(token, page.wrong_code(token)).status == 403
    assert page.status() == "OPEN"
    # The code of the message, whichever of its links.
    assert page.submit(token, page.signer.code(page.link())).status == 200
    assert page.status() == "ACKNOWLEDGED"
    ((kind, actor),) = page.events()
    assert (kind, actor["name"]) == ("acknowledged", "ana@example.com")


def test_it_shows_more_than_the_message_and_who_has_it_since_when(page: Page) -> None:
    page.outbox.db.execute(
        "UPDATE alerts SET description = %s, labels = %s, metadata = %s, occurrence_count = 3,"
        " acknowledged_at = %s, status = 'ACKNOWLEDGED'",
        [
            "See https://wiki.example.com/x. " + "word " * 2_000 + "the end",
            Jsonb({"host": "db1", "zz-last": "of them"}),
            Jsonb({"annotations": {"runbook_url": "https://runbooks.example.com/disk"}}),
            NOON + timedelta(minutes=3),
        ],
    )
    page.outbox.db.execute(
        'UPDATE alert_destinations SET config = config || \'{"timezone": "Europe/Vienna"}\''
    )
    page.outbox.db.execute(
        "INSERT INTO alert_events (id, alert_id, kind, at, actor, detail)"
        " VALUES (%s, %s, 'acknowledged', %s, %s, %s)",
        [
            uuid7(),
            page.alert_id,
            NOON,
            Jsonb({"kind": "user", "name": "Ben"}),
            Jsonb({"note": "Being replaced"}),
        ],
    )
    shown = get(page, page.link(LinkAction.VIEW)).body.decode()

    for said in (
        "<strong>Ben</strong>: “Being replaced”",
        "2026-03-01 13:03:00 CET (2026-03-01 12:03:00 UTC)",
        "3 times so far",
        "the end",
        'href="https://wiki.example.com/x"',
        '<a href="https://runbooks.example.com/disk"',
        "zz-last",
        "of them",
        "e1",
        f'href="/alerts/{page.alert_id}"',
    ):
        assert said in shown, said
    assert re.findall(r"<button[^>]*>(\w+)</button>", shown) == ["Resolve"]


def test_a_dead_end_says_how_to_go_on(page: Page) -> None:
    past = utc_now().replace(microsecond=0) - timedelta(seconds=1)
    for answer in (
        get(page, page.link(LinkAction.VIEW, expires_at=past)),
        page.get(page.link(LinkAction.ACKNOWLEDGE, expires_at=past)),
    ):
        said = answer.body.decode()
        assert answer.status == 410
        assert f"tocsin alert {page.alert_id}" in said
        assert f'href="/alerts/{page.alert_id}"' in said
    token = page.link()
    for _ in range(6):
        locked = page.submit(token, page.wrong_code(token))
    assert "sign in to acknowledge" in locked.body.decode()
    assert f'href="/alerts/{page.alert_id}"' in locked.body.decode()
    shown = get(page, page.link(LinkAction.VIEW)).body.decode()
    assert "<form" not in shown
    assert "Too many wrong codes" in shown


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"expires_at": utc_now().replace(microsecond=0) - timedelta(seconds=1)}, 410),
        ({"subject_id": uuid7()}, 404),
        ({"destination_id": uuid7()}, 404),
    ],
)
def test_it_shows_nothing_to_others(page: Page, changes: dict[str, Any], status: int) -> None:
    answer = get(page, page.link(LinkAction.VIEW, **changes))

    assert answer.status == status
    assert "Disk" not in answer.body.decode()


def test_the_two_kinds_of_link_cannot_be_exchanged(page: Page) -> None:
    assert get(page, page.link(LinkAction.ACKNOWLEDGE)).status == 404
    viewing = page.link(LinkAction.VIEW)
    assert page.get(viewing).status == 404
    assert page.submit(viewing, "0000").status == 404
    assert get(page, "").status == 404
