"""What one configures in the console: integrations, destinations, rules, silences."""

from __future__ import annotations

import re

import pytest

from tests.api.server import Client
from tests.console.site import Browser, Site, text_of
from tests.console.test_alert_pages import alert


def made_secret(browser: Browser) -> str:
    assert browser.last is not None
    found = re.search(r'id="secret">([^<]+)<', browser.last.body.decode())
    assert found is not None
    return found[1]


def address(browser: Browser) -> str:
    assert browser.last is not None
    found = re.search(r'id="address">([^<]+)<', browser.last.body.decode())
    assert found is not None
    return found[1]


def here(browser: Browser) -> str:
    found = re.search(r"/webhooks/([0-9a-f-]+)", address(browser))
    assert found is not None
    return f"/integrations/{found[1]}"


class TestTheFirstTenMinutes:
    def test_from_nothing_to_the_first_alert(self, site: Site) -> None:
        browser = site.browser("Ana")
        assert "No tool sends here yet" in text_of(browser.get("/integrations"))
        assert "Grafana Alerting" in text_of(browser.get("/integrations/new"))
        browser.get("/integrations/new?type=grafana")
        made = browser.submit("/integrations/new", {"type": "grafana", "name": "grafana-shop"})
        words = text_of(made)
        assert "shown this once" in words
        assert "Contact points" in words, "the steps for this tool"
        assert "<integration id>" not in made.body.decode()
        assert "Waiting for the first webhook" in words
        secret, page = made_secret(browser), here(browser)
        assert secret not in text_of(browser.get(page))

        body = b'{"alerts": []}'
        root = Client(site.base_url, None)
        path = "/webhooks/" + page.rpartition("/")[2]
        refused = root.request(
            "POST", path, raw=body, headers={"X-Grafana-Alerting-Signature": "0"}
        )
        assert refused.status == 401
        words = text_of(browser.get(page))
        assert "its signature is wrong" in words
        assert "Paste the secret once more" in words
        import hashlib
        import hmac

        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        root.request("POST", path, raw=body, headers={"X-Grafana-Alerting-Signature": signature})
        assert "It works" in text_of(browser.get(page)) or "understood" in text_of(browser.last)

    def test_a_name_that_is_taken_is_said_at_the_field(self, site: Site) -> None:
        browser = site.browser("Ana")
        for _ in range(2):
            browser.get("/integrations/new?type=generic")
            answer = browser.submit("/integrations/new", {"type": "generic", "name": "one"})
        assert answer.status == 422
        assert "Another one has this name already." in text_of(answer)

    @pytest.mark.parametrize("name", ["", "x" * 300])
    def test_a_name_that_cannot_be(self, site: Site, name: str) -> None:
        browser = site.browser("Ana")
        browser.get("/integrations/new?type=generic")
        assert browser.submit("/integrations/new", {"type": "generic", "name": name}).status == 422

    def test_every_tool_has_its_steps(self, site: Site) -> None:
        browser = site.browser("Ana")
        kinds = re.findall(r"type=([a-z_]+)\"", browser.get("/integrations/new").body.decode())
        assert len(kinds) > 10
        for kind in kinds:
            assert browser.get(f"/integrations/new?type={kind}").status == 200, kind


def test_rotation_shows_the_new_secret_once(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/integrations/new?type=generic")
    browser.submit("/integrations/new", {"type": "generic", "name": "one"})
    page = here(browser)
    rotated = browser.submit(f"{page}/change", {"act": "rotate"})
    assert "shown this once" in text_of(rotated)
    secret = made_secret(browser)
    assert secret not in browser.get(page).body.decode()
    assert "The new one has not been used yet" in text_of(browser.get(page))
    off = browser.follow(browser.submit(f"{page}/change", {"act": "disable"}))
    assert "Switch on" in text_of(off)
    assert "Deleted." in text_of(
        browser.follow(browser.submit(f"{page}/change", {"act": "delete"}))
    )


def test_what_its_webhooks_say_of_a_sender_stands_on_its_page(site: Site) -> None:
    alert(site, "disk", severity="critical")
    ((integration_id,),) = site.sql("SELECT integration_id FROM webhook_deliveries")
    browser = site.browser("Vera")
    assert "Sender's clock" not in text_of(browser.get(f"/integrations/{integration_id}"))
    site.sql("UPDATE webhook_deliveries SET flags = ARRAY['sender_clock_behind']")
    page = text_of(browser.get(f"/integrations/{integration_id}"))
    assert "1 of the newest 1: sender clock behind" in page
    assert "Sender's clock behind?" in page


def test_an_attempt_with_its_body_and_a_rehearsal(site: Site) -> None:
    alert(site, "disk <full>", severity="critical")
    ((integration_id, attempt_id),) = site.sql("SELECT integration_id, id FROM webhook_deliveries")
    browser = site.browser("Ben")
    page = browser.get(f"/integrations/{integration_id}/attempts/{attempt_id}")
    assert "disk <full>" in text_of(page)
    rehearsed = browser.submit(f"/integrations/{integration_id}/attempts/{attempt_id}", {})
    assert "Today:" in text_of(rehearsed)
    assert site.sql("SELECT count(*) FROM webhook_deliveries") == [(1,)]


def test_an_attempt_is_done_again_and_a_rejected_one_only_by_who_may(site: Site) -> None:
    alert(site, "disk", severity="critical")
    ((integration_id, attempt_id),) = site.sql("SELECT integration_id, id FROM webhook_deliveries")
    path = f"/integrations/{integration_id}/attempts/{attempt_id}"
    browser = site.browser("Ben")
    browser.get(path)
    done = browser.follow(browser.submit(path, {"act": "replay"}))
    assert "Done again: updated." in text_of(done)
    assert site.sql("SELECT count(*) FROM webhook_deliveries") == [(2,)]
    assert site.sql("SELECT count(*) FROM audit_events WHERE action = 'replayed'") == [(1,)]

    Client(site.base_url, None).request("POST", f"/webhooks/{integration_id}", {"title": "x"})
    ((rejected,),) = site.sql("SELECT id FROM webhook_deliveries WHERE status_code = 401")
    path = f"/integrations/{integration_id}/attempts/{rejected}"
    again = {"act": "replay", "accept_unverified": "yes"}
    browser.get(path)
    refused = browser.follow(browser.submit(path, again))
    assert "Nobody knows who sent this" in text_of(refused)
    admin = site.browser("Ana")
    admin.get(path)
    refused = admin.follow(admin.submit(path, {"act": "replay"}))
    assert "Nobody knows who sent this" in text_of(refused)
    accepted = admin.follow(admin.submit(path, again))
    assert "Done again: created." in text_of(accepted)


def test_a_destination_is_made_tried_and_changed(site: Site) -> None:
    browser = site.browser("Ana")
    assert "Nobody can be notified yet" in text_of(browser.get("/destinations"))
    browser.get("/destinations/new?type=email")
    wrong = browser.submit(
        "/destinations/new", {"type": "email", "name": "mail", "config.recipients": "nobody"}
    )
    assert wrong.status == 422
    assert "nobody" in wrong.body.decode(), "what was entered is still there"
    made = browser.submit(
        "/destinations/new",
        {"type": "email", "name": "mail", "config.recipients": "a@example.com\nb@example.com"},
    )
    assert "Not tested yet" in text_of(made)
    ((destination_id, config),) = site.sql("SELECT id, config FROM alert_destinations")
    assert config["recipients"] == ["a@example.com", "b@example.com"]
    page = f"/destinations/{destination_id}"
    browser.get(page)
    tested = browser.follow(browser.submit(f"{page}/test", {}))
    assert "on its way" in text_of(tested)
    again = browser.follow(browser.submit(f"{page}/test", {}))
    assert "One test at a time" in text_of(again)
    ((action,),) = site.sql("SELECT actor->>'kind' FROM audit_events WHERE action = 'tested'")
    assert action == "user"
    renamed = browser.submit(
        f"{page}/change",
        {
            "type": "email",
            "name": "night mail",
            "config.recipients": "a@example.com",
            "act": "save",
        },
    )
    assert "night mail" in text_of(browser.follow(renamed))


def test_what_is_yes_or_no_is_chosen_and_changed(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/destinations/new?type=pagerduty")
    key = "0123456789abcdef0123456789abcdef"
    form = {"config.routing_key": key, "config.one_incident_per_group": "yes"}
    browser.submit("/destinations/new", {"type": "pagerduty", "name": "pager", **form})
    ((destination_id, asked),) = site.sql(
        "SELECT id, config -> 'one_incident_per_group' FROM alert_destinations"
    )
    assert asked is True
    page = f"/destinations/{destination_id}"
    shown = browser.get(page).body.decode()
    assert "<option selected>yes</option>" in shown
    assert "One incident per group" in shown
    form = {"type": "pagerduty", "name": "pager", "config.one_incident_per_group": "no"}
    browser.submit(f"{page}/change", form)
    assert site.sql("SELECT config -> 'one_incident_per_group' FROM alert_destinations") == [
        (False,)
    ]


def test_a_secret_of_a_destination_is_never_shown_again(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/destinations/new?type=webhook")
    made = browser.submit(
        "/destinations/new",
        {"type": "webhook", "name": "hook", "config.url": "https://hooks.example.com/s3cr3t"},
    )
    assert "shown this once" in text_of(made)
    secret = made_secret(browser)
    ((destination_id,),) = site.sql("SELECT id FROM alert_destinations")
    page = f"/destinations/{destination_id}"
    body = browser.get(page).body.decode()
    assert secret not in body
    assert "s3cr3t" not in body
    shown = dict(re.findall(r'name="(config\.[a-z]+)" value="([^"]*)"', body))
    kept = browser.submit(f"{page}/change", {**shown, "type": "webhook", "name": "hook two"})
    assert "Saved." in text_of(browser.follow(kept))


def test_a_rule_is_made_from_an_alert_tried_and_made(site: Site) -> None:
    alert_id = alert(site, "disk", severity="critical", labels={"team": "db"})
    alert(site, "load", severity="low", labels={"team": "web"})
    destination = site.api.made(
        "/alert-destinations",
        {"name": "mail", "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    browser = site.browser("Ana")
    page = browser.get(f"/rules/new?alert={alert_id}")
    assert "team = db" in page.body.decode()
    assert "1 of 2 alerts would have gone out" in text_of(page)
    fields = [
        ("name", "Databases"),
        ("matchers", "team = db"),
        ("min_severity", ""),
        ("destination_ids", destination["id"]),
        ("event_types", "alerts.triggered"),
        ("event_types", "alerts.resolved"),
        ("escalation_policy_id", ""),
        ("cooldown_seconds", "10"),
    ]
    tried = browser.submit(
        "/rules/new", [*fields[:1], ("matchers", "team ="), *fields[2:], ("act", "try")]
    )
    assert tried.status == 200
    unread = browser.submit("/rules/new", [*fields[:1], ("matchers", "what"), *fields[2:]])
    assert "is no matcher" in text_of(unread)
    made = browser.follow(browser.submit("/rules/new", [*fields, ("act", "save")]))
    assert "“Databases” is in force." in text_of(made)
    (rule,) = site.api.get("/alert-rules").json()["items"]
    assert rule["matchers"] == [{"label": "team", "op": "=", "value": "db"}]
    assert rule["cooldown_seconds"] == 600
    page = browser.get(f"/rules/{rule['id']}")
    assert "Databases" in text_of(page)
    saved = browser.submit(f"/rules/{rule['id']}", [("name", "DBs"), *fields[1:], ("act", "save")])
    assert "“DBs” is saved." in text_of(browser.follow(saved))
    gone = browser.submit(f"/rules/{rule['id']}/change", {"act": "delete"})
    assert "No rule yet" in text_of(browser.follow(gone))


def test_a_silence_like_an_alert_and_its_early_end(site: Site) -> None:
    alert_id = alert(site, "disk", labels={"host": "db-1"})
    browser = site.browser("Ben")
    page = browser.get(f"/silences/new?alert={alert_id}")
    assert "host = db-1" in page.body.decode()
    assert "1 open now" in text_of(page)
    no_reason = browser.submit(
        "/silences/new", {"matchers": "host = db-1", "hours": "4", "comment": ""}
    )
    assert no_reason.status == 422
    made = browser.submit(
        "/silences/new", {"matchers": "host = db-1", "hours": "4", "comment": "being replaced"}
    )
    words = text_of(browser.follow(made))
    assert "being replaced" in words
    assert "Ben" in words
    (silence,) = site.api.get("/silences").json()["items"]
    ended = browser.submit(f"/silences/{silence['id']}/change", {"act": "expire"})
    assert "looked at again" in text_of(browser.follow(ended))


@pytest.mark.parametrize(
    "path",
    ["/integrations/new", "/destinations/new", "/rules/new", "/silences/new"],
)
def test_a_viewer_makes_nothing(site: Site, path: str) -> None:
    browser = site.browser("Vera")
    browser.get("/")
    assert browser.submit(path, {"name": "x", "type": "generic"}).status == 403


def test_another_workspace_sees_none_of_it(site: Site) -> None:
    alert(site, "disk")
    destination = site.api.made(
        "/alert-destinations",
        {"name": "our-mail", "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    rule = site.api.made(
        "/alert-rules",
        {"name": "ours", "event_types": ["alerts.triggered"], "destination_ids": []},
    )
    ((integration_id, attempt_id),) = site.sql("SELECT integration_id, id FROM webhook_deliveries")
    stranger = site.browser("Otto")
    for path in ("/integrations", "/destinations", "/rules", "/silences"):
        words = text_of(stranger.get(path))
        assert "probe" not in words
        assert "ours" not in words
        assert "our-mail" not in words
    for path in (
        f"/integrations/{integration_id}",
        f"/integrations/{integration_id}/attempts/{attempt_id}",
        f"/destinations/{destination['id']}",
        f"/rules/{rule['id']}",
    ):
        assert stranger.get(path).status == 404, path
    stranger.get("/")
    for path, act in (
        (f"/integrations/{integration_id}/change", "delete"),
        (f"/destinations/{destination['id']}/change", "delete"),
        (f"/rules/{rule['id']}/change", "delete"),
    ):
        stranger.submit(path, {"act": act})
    assert site.sql("SELECT count(*) FROM integrations WHERE deleted_at IS NULL") == [(1,)]
    assert site.sql("SELECT count(*) FROM alert_rules WHERE deleted_at IS NULL") == [(1,)]
    assert site.sql("SELECT count(*) FROM alert_destinations WHERE deleted_at IS NULL") == [(1,)]
