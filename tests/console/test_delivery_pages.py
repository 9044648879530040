"""Deliveries in bulk: those that are ticked, and all that failed; what became of them is said."""

from __future__ import annotations

import pytest

from tests.console.site import Site, text_of
from tests.console.test_alert_pages import alert
from tocsin.console.notifying import delivery_acts


def failed(site: Site, names: tuple[str, ...] = ("mail",), count: int = 3) -> dict[str, str]:
    """So many alerts, and for each destination so many messages that failed: ids by name."""
    made = {
        name: site.api.made(
            "/alert-destinations",
            {"name": name, "type": "email", "config": {"recipients": ["a@example.com"]}},
        )["id"]
        for name in names
    }
    site.api.made(
        "/alert-rules",
        {
            "name": "all",
            "event_types": ["alerts.triggered"],
            "destination_ids": list(made.values()),
        },
    )
    for number in range(count):
        alert(site, f"disk {number}", severity="critical")
    site.sql(
        "UPDATE alert_deliveries SET status = 'failed', give_up_at = NULL,"
        " last_error_code = 'refused', last_error_message = 'the server said no'"
    )
    return made


def statuses(site: Site) -> dict[str, int]:
    found = site.sql("SELECT status::text, count(*) FROM alert_deliveries GROUP BY status")
    return {str(status): int(count) for status, count in found}


def test_those_that_are_ticked(site: Site) -> None:
    failed(site)
    ids = [str(id) for (id,) in site.sql("SELECT id FROM alert_deliveries ORDER BY id")]
    site.sql("UPDATE alert_deliveries SET status = 'sent', sent_at = now() WHERE id = %s", ids[2])
    browser = site.browser("Ben")
    page = browser.get("/deliveries?status=failed").body.decode()
    assert page.count('type="checkbox" name="id"') == 2
    ticked = [("id", each) for each in (*ids, ids[0], "nonsense")]
    kept = ("status", "failed")
    done = browser.submit("/deliveries/act", [kept, *ticked, ("act", "retry")])
    assert done.headers["location"] == "/deliveries?status=failed"
    assert "2 queued again; 1 not: Only failed and canceled deliveries" in text_of(
        browser.follow(done)
    )
    assert statuses(site) == {"queued": 2, "sent": 1}
    none = browser.follow(browser.submit("/deliveries/act", [("act", "cancel")]))
    assert "None is ticked." in text_of(none)
    canceled = browser.submit("/deliveries/act", [*ticked[:2], ("act", "cancel")])
    assert "2 canceled." in text_of(browser.follow(canceled))
    audit = "SELECT action, count(*) FROM audit_events WHERE object_type = 'alert_delivery'"
    assert site.sql(f"{audit} GROUP BY action ORDER BY action") == [("canceled", 2), ("retried", 2)]


def test_all_that_failed_at_one_destination(site: Site) -> None:
    made = failed(site, ("mail", "other"))
    browser = site.browser("Ben")
    browser.get("/deliveries")
    fields = {"act": "retry-failed", "hours": "24", "destination_id": made["mail"]}
    done = browser.follow(browser.submit("/deliveries/act", {**fields, "to": made["mail"]}))
    assert "3 queued again." in text_of(done)
    assert statuses(site) == {"queued": 3, "failed": 3}
    shown = text_of(browser.get(f"/deliveries?to={made['other']}"))
    assert "queued" not in shown.partition("Why")[2]
    site.sql(
        "UPDATE alert_deliveries SET updated_at = now() - interval '3 hours'"
        " WHERE status = 'failed'"
    )
    everywhere = {**fields, "destination_id": "", "hours": "1"}
    late = browser.follow(browser.submit("/deliveries/act", everywhere))
    assert "Nothing failed in that time" in text_of(late)
    again = browser.follow(browser.submit("/deliveries/act", {**everywhere, "hours": "24"}))
    assert "3 queued again." in text_of(again)
    assert site.sql("SELECT after ->> 'retried' FROM audit_events WHERE action = 'retried'") == [
        ("3",),
        ("3",),
    ]


def test_only_so_many_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_acts, "MOST_AT_ONCE", 2)
    failed(site)
    browser = site.browser("Ben")
    browser.get("/deliveries")
    fields = {"act": "retry-failed", "hours": "24"}
    said = text_of(browser.follow(browser.submit("/deliveries/act", fields)))
    assert "2 queued again. These are the most at a time" in said
    oldest = "SELECT status::text FROM alert_deliveries ORDER BY id"
    assert site.sql(oldest) == [("queued",), ("queued",), ("failed",)]
    said = text_of(browser.follow(browser.submit("/deliveries/act", fields)))
    assert "1 queued again." in said
    assert "the most" not in said


def test_who_may(site: Site) -> None:
    made = failed(site)
    ids = [("id", str(id)) for (id,) in site.sql("SELECT id FROM alert_deliveries")]
    viewer = site.browser("Vera")
    assert 'name="id"' not in viewer.get("/deliveries").body.decode()
    for act in ("retry", "retry-failed"):
        assert viewer.submit("/deliveries/act", [*ids, ("act", act)]).status == 403
    stranger = site.browser("Otto")
    stranger.get("/deliveries")
    said = text_of(stranger.follow(stranger.submit("/deliveries/act", [*ids, ("act", "retry")])))
    assert "0 queued again; 3 not: It is gone." in said
    fields = {"act": "retry-failed", "hours": "168"}
    stranger.submit("/deliveries/act", fields)
    named = {**fields, "destination_id": made["mail"]}
    said = text_of(stranger.follow(stranger.submit("/deliveries/act", named)))
    assert "not there any more" in said
    assert statuses(site) == {"failed": 3}
    assert "mail" not in text_of(stranger.get(f"/deliveries?to={made['mail']}"))


def test_a_destination_that_is_switched_off_is_named(site: Site) -> None:
    made = failed(site)
    site.api.patch(f"/alert-destinations/{made['mail']}", {"is_enabled": False})
    browser = site.browser("Ben")
    browser.get("/deliveries")
    fields = {"act": "retry-failed", "hours": "24", "destination_id": made["mail"]}
    said = text_of(browser.follow(browser.submit("/deliveries/act", fields)))
    assert "mail is switched off: switch it on first." in said


def test_a_place_that_is_none_shows_the_first_page_of_what_was_asked_for(site: Site) -> None:
    made = failed(site, names=("mail", "spare"), count=1)
    browser = site.browser("Ben")
    answer = browser.get(f"/deliveries?status=failed&to={made['spare']}&after=nonsense")
    assert answer.status == 200
    assert text_of(answer) == text_of(
        browser.get(f"/deliveries?status=failed&to={made['spare']}")
    ), "what it was narrowed to is kept"
