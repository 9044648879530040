"""Maintenance, heartbeats, deliveries, and what admins look after."""

from __future__ import annotations

import re

from tests.console.site import PASSWORD, Site, text_of
from tests.console.test_alert_pages import alert


def test_maintenance_is_planned_and_ended_early(site: Site) -> None:
    browser = site.browser("Ben")
    assert "Nothing is planned" in text_of(browser.get("/maintenance"))
    browser.get("/maintenance/new")
    fields = {
        "name": "DB patch",
        "matchers": "host =~ db-.*",
        "starts_at": "",
        "duration_minutes": "60",
        "timezone": "Europe/Vienna",
        "rrule": "",
        "comment": "as agreed",
    }
    wrong = browser.submit("/maintenance/new", {**fields, "timezone": "Mars/Base"})
    assert wrong.status == 422
    made = browser.follow(browser.submit("/maintenance/new", fields))
    words = text_of(made)
    assert "“DB patch” is planned." in words
    assert "holds now" in words
    (window,) = site.api.get("/maintenance-windows").json()["items"]
    assert window["author"] == "Ben"
    act = f"/maintenance/{window['id']}/change"
    stranger = site.browser("Otto")
    stranger.get("/maintenance")
    stranger.submit(act, {"act": "delete"})
    ended = browser.follow(browser.submit(act, {"act": "end"}))
    assert "looked at again" in text_of(ended)
    assert "DB patch" in text_of(browser.get("/maintenance?show=over"))


def test_heartbeats_with_their_state(site: Site) -> None:
    browser = site.browser("Vera")
    assert "No heartbeat yet" in text_of(browser.get("/heartbeats"))
    site.api.made("/heartbeats", {"name": "nightly dump", "period_seconds": 3_600})
    words = text_of(browser.get("/heartbeats"))
    assert "nightly dump" in words
    assert "new" in words
    assert "nightly dump" not in text_of(site.browser("Otto").get("/heartbeats"))


def test_a_delivery_with_its_attempts_is_canceled_and_sent_again(site: Site) -> None:
    destination = site.api.made(
        "/alert-destinations",
        {"name": "mail", "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    site.api.made(
        "/alert-rules",
        {
            "name": "all",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
        },
    )
    alert(site, "disk", severity="critical")
    browser = site.browser("Ben")
    assert "mail" in text_of(browser.get("/deliveries"))
    assert "No message is failed just now." in text_of(browser.get("/deliveries?status=failed"))
    ((delivery_id,),) = site.sql("SELECT id FROM alert_deliveries")
    here = f"/deliveries/{delivery_id}"
    assert "Queued" in text_of(browser.get(here))
    waits = "Its destination's rate limit is reached; the next message may go at"
    assert waits not in text_of(browser.get(here))
    site.sql(
        "INSERT INTO destination_states (alert_destination_id, rate_used_until)"
        " VALUES (%s, '2099-01-01T12:30:00Z')",
        destination["id"],
    )
    assert waits in text_of(browser.get(here))
    assert waits.lower() in text_of(browser.get("/deliveries"))
    canceled = browser.follow(browser.submit(f"{here}/change", {"act": "cancel"}))
    assert "Canceled." in text_of(canceled)
    again = browser.follow(browser.submit(f"{here}/change", {"act": "retry"}))
    assert "Retried." in text_of(again)
    assert site.browser("Otto").get(here).status == 404
    viewer = site.browser("Vera")
    viewer.get("/")
    assert viewer.submit(f"{here}/change", {"act": "cancel"}).status == 403


def test_an_admin_invites_and_the_invited_comes_in(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/admin")
    wrong = browser.submit("/admin", {"act": "invite", "email": "nobody", "role": "viewer"})
    assert wrong.status == 422
    made = browser.submit("/admin", {"act": "invite", "email": "max@example.com", "role": "viewer"})
    found = re.search(r'id="secret">[^<]*(/invitations/[^<]+)<', made.body.decode())
    assert found is not None
    invited = site.browser()
    invited.get(found[1])
    entered = invited.submit(found[1], {"name": "Max", "password": PASSWORD})
    assert entered.status == 303, text_of(entered)
    assert "Max" in text_of(browser.get("/admin"))


def test_keys_roles_and_who_did_it(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/admin")
    made = browser.submit("/admin", {"act": "make-key", "name": "ci", "role": "viewer"})
    found = re.search(r'id="secret">(tsn_[^<]+)<', made.body.decode())
    assert found is not None
    assert found[1] not in browser.get("/admin").body.decode()
    ((key_id,),) = site.sql("SELECT id FROM api_keys WHERE name = 'ci'")
    browser.submit("/admin", {"act": "revoke-key", "id": str(key_id)})
    assert site.sql("SELECT count(*) FROM api_keys WHERE name = 'ci'") == [(0,)]
    vera = str(site.people["Vera"])
    browser.get("/admin")
    browser.submit("/admin", {"act": "role", "id": vera, "role": "responder"})
    assert site.sql("SELECT role FROM memberships WHERE user_id = %s", vera) == [("responder",)]
    words = text_of(browser.get("/admin"))
    assert "Ana" in words
    assert "created api key “ci”" in words


def test_only_admins_see_and_change_it(site: Site) -> None:
    for name in ("Ben", "Vera"):
        browser = site.browser(name)
        assert browser.get("/admin").status == 303
        browser.get("/")
        assert browser.submit("/admin", {"act": "make-key", "name": "x"}).status == 403
    otto = site.browser("Otto")
    otto.get("/admin")
    ((key_id,),) = site.sql("SELECT id FROM api_keys WHERE name = 'test'")
    otto.submit("/admin", {"act": "revoke-key", "id": str(key_id)})
    otto.get("/admin")
    otto.submit("/admin", {"act": "remove", "id": str(site.people["Ana"])})
    assert site.sql("SELECT count(*) FROM api_keys WHERE name = 'test'") == [(1,)]
    assert site.browser("Ana").get("/").status == 200
