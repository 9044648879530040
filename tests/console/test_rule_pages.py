"""Rules in the console: the whole document in one form, without scripts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.console.form_fields import fields_as_shown
from tests.console.site import Site, text_of
from tests.console.test_alert_pages import alert
from tests.console.test_rule_form import WHOLE
from tocsin.console.forms import choices
from tocsin.model import utc_now


def mail(site: Site, name: str) -> str:
    made = site.api.made(
        "/alert-destinations",
        {"name": name, "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    return str(made["id"])


def whole(site: Site) -> dict[str, Any]:
    """A rule that says all that a rule can say."""
    tenant = site.api.made("/tenants", {"slug": "acme", "name": "Acme"})
    policy = site.api.made(
        "/escalation-policies",
        {
            "name": "Shop",
            "steps": [{"targets": [{"type": "user", "id": str(site.people["Ana"])}]}],
        },
    )
    named = {
        "tenant_ids": [tenant["id"]],
        "destination_ids": [mail(site, "one"), mail(site, "two")],
        "escalation_policy_id": policy["id"],
    }
    return site.api.made("/alert-rules", {**WHOLE, **named})


def stored(site: Site, rule_id: str) -> dict[str, Any]:
    found: dict[str, Any] = site.api.get(f"/alert-rules/{rule_id}").json()
    return {name: value for name, value in found.items() if name != "updated_at"}


def test_saving_it_as_it_is_loses_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = whole(site)
    path = f"/rules/{rule['id']}"
    browser = site.browser("Ana")
    # So few that what the rule names is not among those offered first.
    for most in (200, 1):
        monkeypatch.setattr(choices, "MOST", most)
        fields = fields_as_shown(browser.get(path), "matchers")
        saved = browser.follow(browser.submit(path, [*fields, ("act", "save")]))
        assert "“All of it” is saved." in text_of(saved)
        assert stored(site, rule["id"]) == {
            name: value for name, value in rule.items() if name != "updated_at"
        }
    words = text_of(browser.get("/rules"))
    for said in ("2 exceptions", "by cluster, my label", "again every 4 h", "mon,fri 22:00-06:30"):
        assert said in words


def test_exceptions_and_quiet_hours_are_put_in_without_scripts(site: Site) -> None:
    destination = mail(site, "mail")
    browser = site.browser("Ana")
    fields = fields_as_shown(browser.get("/rules/new"), "matchers")
    fields = [("name", "Night") if name == "name" else (name, value) for name, value in fields]
    fields.append(("destination_ids", destination))
    page = browser.submit("/rules/new", [*fields, ("act", "unless:add")])
    assert page.status == 200
    fields = fields_as_shown(page, "matchers")
    assert ("unless-0-matchers", "") in fields
    page = browser.submit("/rules/new", [*fields, ("act", "quiet_hours:add")])
    fields = fields_as_shown(page, "matchers")
    assert ("quiet_hours-0-start", "22:00") in fields
    assert ("name", "Night") in fields, "nothing of what stood there is lost"
    chosen = {"unless-0-matchers": "env = test", "gathers": "yes", "group_by": "cluster"}
    fields = [each for each in fields if each[0] not in chosen]
    made = browser.submit("/rules/new", [*fields, *chosen.items(), ("act", "save")])
    assert "“Night” is in force." in text_of(browser.follow(made))
    (rule,) = site.api.get("/alert-rules").json()["items"]
    assert rule["unless"] == [[{"label": "env", "op": "=", "value": "test"}]]
    assert rule["quiet_hours"][0]["timezone"] == "UTC"
    assert (rule["group_by"], rule["group_wait_seconds"]) == (["cluster"], 30)


def test_what_is_wrong_is_said_at_the_field(site: Site) -> None:
    mail(site, "mail")
    browser = site.browser("Ana")
    browser.get("/rules/new")
    page = browser.submit("/rules/new", [("act", "quiet_hours:add")])
    fields = fields_as_shown(page, "matchers")
    fields += [("name", "x"), ("event_types", "alerts.triggered"), ("unless-0-matchers", "a = b")]
    for field, value, words in (
        ("unless-0-matchers", "host =~ .*", "must ask for something"),
        ("unless-0-matchers", "host =~ (", "usable regular expression"),
        ("quiet_hours-0-timezone", "Mars/Base", "IANA timezone"),
        ("quiet_hours-0-end", "noon", "A time of day"),
        ("remind_every_seconds", "1 s", "From 1 min"),
        ("min_severity", "AWFUL", "Input should be"),
        ("cooldown_breakthrough_severity", "AWFUL", "Input should be"),
        ("group_by", "a a", "twice"),
    ):
        changed = [each for each in fields if each[0] != field]
        more = [("gathers", "yes")] if field == "group_by" else []
        answer = browser.submit("/rules/new", [*changed, *more, (field, value), ("act", "save")])
        assert answer.status == 422, field
        assert f'id="{field}-wrong"' in answer.body.decode(), (field, text_of(answer))
        assert words in text_of(answer), field
    assert site.sql("SELECT count(*) FROM alert_rules") == [(0,)]


def test_the_preview_knows_exceptions_groups_and_tenants(site: Site) -> None:
    for number in range(4):
        alert(site, f"disk {number}", labels={"cluster": f"c{number % 2}", "env": "live"})
    alert(site, "probe", labels={"cluster": "c1", "env": "test"})
    browser = site.browser("Ana")
    browser.get("/rules/new")
    fields = [("unless-0-matchers", "env = test"), ("gathers", "yes"), ("group_by", "cluster")]
    words = text_of(browser.submit("/rules/new", [*fields, ("act", "try")]))
    assert "4 of 5 alerts would have gone out" in words
    assert "1 more is excepted." in words
    assert "They make 2 groups." in words
    assert "quiet hours." not in words
    day = "quiet_hours-0-days"
    always = [("quiet_hours-0-start", "00:00"), ("quiet_hours-0-end", "00:00")]
    always += [("quiet_hours-0-timezone", "UTC")]
    always += [(day, each) for each in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    never_ends = browser.submit("/rules/new", [*fields, *always, ("act", "try")])
    assert "would have waited" not in text_of(never_ends)
    days = [utc_now() - timedelta(days=each) for each in (0, 1)]
    today = [*always[:3], *((day, f"{each:%a}".lower()) for each in days)]
    words = text_of(browser.submit("/rules/new", [*fields, *today, ("act", "try")]))
    assert "4 would have waited for the end of quiet hours." in words
    tenant = site.api.made("/tenants", {"slug": "acme", "name": "Acme"})
    other = [("tenant_ids", tenant["id"]), ("act", "try")]
    assert "0 of 5 alerts" in text_of(browser.submit("/rules/new", other))


def test_a_destination_of_somebody_is_not_named(site: Site) -> None:
    """A contact method is a destination, too, and nobody else reads its name."""
    browser = site.browser("Ben")
    browser.get("/me/contact")
    owner = str(site.people["Ben"])
    site.sql(
        "INSERT INTO alert_destinations (id, workspace_id, user_id, name, type, config)"
        " VALUES (gen_random_uuid(), %s, %s, 'my secret phone', 'sms', '{}')",
        site.workspace_id,
        owner,
    )
    ((contact,),) = site.sql("SELECT id FROM alert_destinations WHERE user_id = %s", owner)
    admin = site.browser("Ana")
    admin.get("/rules/new")
    fields = [("name", "x"), ("event_types", "alerts.triggered"), ("destination_ids", str(contact))]
    answer = admin.submit("/rules/new", fields)
    assert answer.status == 422
    assert "not there any more" in text_of(answer)
    assert "my secret phone" not in answer.body.decode()
