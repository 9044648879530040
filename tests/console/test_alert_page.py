"""The link that only shows an alert: to whoever holds it, for a day, and no other alert."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.console.test_act_page import Page, page
from tocsin.access.links import LinkAction
from tocsin.model import utc_now, uuid7

__all__ = ["page"]


def get(page: Page, token: str, alert_id: Any = None) -> Any:
    return page.client.request("GET", f"/alerts/{alert_id or page.alert_id}?view={token}")


def test_it_shows_the_alert_and_offers_nothing_to_do(page: Page) -> None:
    answer = get(page, page.link(LinkAction.VIEW, recipient=""))

    assert answer.status == 200
    assert "&lt;b&gt;Disk&lt;/b&gt;" in answer.body.decode()
    assert "CRITICAL" in answer.body.decode()
    assert "<form" not in answer.body.decode()
    assert answer.headers["cache-control"] == "no-store"
    assert page.status() == "OPEN"


def test_of_an_alert_that_has_ended_it_asks_for_nothing(page: Page) -> None:
    link = page.link(LinkAction.VIEW)
    assert "acknowledge or resolve it" in get(page, link).body.decode()
    resolve = page.link(LinkAction.RESOLVE)
    page.submit(resolve, page.signer.code(resolve))
    assert page.status() == "RESOLVED"
    shown = get(page, link).body.decode()
    assert "nothing is left to do" in shown
    assert "acknowledge or resolve it" not in shown


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
