"""The overview in the console, and one click of the noise coach."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.console.site import Browser, Site, text_of
from tests.console.test_alert_pages import alert
from tocsin.console.overview.overview_page import in_words
from tocsin.model import utc_now, uuid7


def noisy_rule(site: Site) -> str:
    """One that has notified of a dozen alerts that were over within two minutes."""
    destination = site.api.made(
        "/alert-destinations",
        {"name": "log", "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    made = site.api.made(
        "/alert-rules",
        {
            "name": "disks",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
        },
    )
    for number in range(12):
        alert(site, f"disk {number}", severity="high")
    now = utc_now()
    site.sql("UPDATE alerts SET status = 'RESOLVED', resolved_at = triggered_at + interval '2 min'")
    site.sql(
        "UPDATE alert_deliveries SET status = 'sent', sent_at = %s", now + timedelta(seconds=1)
    )
    return str(made["id"])


def wait_of(site: Site, rule_id: str) -> tuple[Any, ...]:
    (row,) = site.sql("SELECT group_by, group_wait_seconds FROM alert_rules WHERE id = %s", rule_id)
    return row


def undo(browser: Browser, page: Any) -> Any:
    toast = re.search(r'class="toast".*?</form>', page.body.decode(), re.DOTALL)
    assert toast is not None
    from html import unescape

    fields = re.findall(r'name="(act|days|rule|was)" value="([^"]*)"', toast[0])
    return browser.submit("/overview/coach", [(name, unescape(value)) for name, value in fields])


def test_one_click_adds_the_hold_and_another_takes_it_back(site: Site) -> None:
    rule_id = noisy_rule(site)
    browser = site.browser("Ana")
    words = text_of(browser.get("/overview"))
    assert "“disks” notified of 12 alerts; 12 of them were over within 3 min." in words
    assert "Add a 4 min hold?" in words
    done = browser.follow(browser.submit("/overview/coach", {"days": "7", "rule": rule_id}))
    assert "“disks” waits 4 min from now on." in text_of(done)
    assert "Add a 4 min hold?" not in text_of(done)
    assert wait_of(site, rule_id) == (["source", "title"], 240)
    back = browser.follow(undo(browser, done))
    assert "As it was." in text_of(back)
    assert wait_of(site, rule_id) == (None, 30)
    ((changes,),) = site.sql("SELECT count(*) FROM audit_events WHERE object_id = %s", rule_id)
    assert changes == 3, "made, changed and changed back: as through the API"


def test_only_an_admin_is_offered_it_and_may(site: Site) -> None:
    rule_id = noisy_rule(site)
    viewer = site.browser("Vera")
    page = viewer.get("/overview")
    assert "Add a 4 min hold?" in text_of(page)
    assert "Hold for 4 min" not in text_of(page)
    assert viewer.submit("/overview/coach", {"rule": rule_id}).status == 403
    other = site.browser("Otto")
    assert "disks" not in text_of(other.get("/overview"))
    refused = other.follow(other.submit("/overview/coach", {"rule": rule_id}))
    assert "not offered any more" in text_of(refused)
    stolen = {"act": "undo", "rule": rule_id, "was": '{"group_by": [], "group_wait_seconds": 1}'}
    assert "not there any more" in text_of(other.follow(other.submit("/overview/coach", stolen)))
    assert wait_of(site, rule_id) == (None, 30)


@pytest.mark.parametrize("was", ["", "x", "[]", "{}", '{"group_by": 1, "group_wait_seconds": -1}'])
def test_an_undo_that_is_none_changes_nothing(site: Site, was: str) -> None:
    rule_id = noisy_rule(site)
    browser = site.browser("Ana")
    browser.get("/overview")
    answer = browser.submit("/overview/coach", {"act": "undo", "rule": rule_id, "was": was})
    assert browser.follow(answer).status == 200
    assert wait_of(site, rule_id) == (None, 30)
    # An address that promises an undo offers none: only what was just done can be taken back.
    page = browser.get(f"/overview?rule={uuid7()}&was=%7B%7D")
    assert "Undo" not in text_of(page)


def test_a_workspace_without_alerts(site: Site) -> None:
    words = text_of(site.browser("Vera").get("/overview?days=30"))
    assert "No alert came in" in words
    assert "Nobody was paged." in words
    assert site.browser("Vera").get("/overview?days=nonsense").status == 200


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.0321, "32 ms"),
        (2.34, "2.3 s"),
        (80, "80 s"),
        (600, "10 min"),
        (7_200, "2.0 h"),
        (864_000, "10 d"),
    ],
)
def test_lengths_in_words(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words
